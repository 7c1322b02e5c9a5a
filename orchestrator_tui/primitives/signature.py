"""FileSignature: tells one version of a file from another."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final, NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A year away from the ends of the calendar, where no other zone has a time.
_EARLIEST, _LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)


class FileSignature(NamedTuple):
    """Tells one version of a file from another.

    A rewrite within one tick of the clock leaves size and mtime alone in half of all cases, so the
    inode and ctime belong to it.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @property
    def modified_at(self) -> datetime:
        """The time of the last change of content, UTC, clamped to what is a time in every zone."""
        return _moment(self.mtime_ns)

    @property
    def changed_at(self) -> datetime:
        """The time of the last change at all, which no program can set, UTC."""
        return _moment(self.ctime_ns)


def _moment(time_ns: int) -> datetime:
    try:
        moment = _EPOCH + timedelta(microseconds=time_ns // 1000)
    except OverflowError:
        return _LATEST if time_ns > 0 else _EARLIEST
    return min(max(moment, _EARLIEST), _LATEST)


# What makes a signature, as a plain tuple that is equal to it.
parts_of: Final[Callable[[os.stat_result], tuple[int, ...]]] = attrgetter(
    "st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns"
)

_devices: dict[int, int] = {}  # one number for all files of a device; there are few


def signature_of(status: os.stat_result) -> FileSignature:
    """Return the signature of a file that was looked at."""
    device = _devices.setdefault(status.st_dev, status.st_dev)
    parts = (device, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return FileSignature._make(parts)
