"""JoinedLog: the logs of all stages of a run, one after the other, as if they were one file."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.watch.log_pages import RecordReader
from orchestrator_tui.watch.log_records import STAGE_HEADING, records_in

_MOST_PARTS: Final = 1000  # stages; the original allows no more in practice


@dataclass(frozen=True, slots=True)
class LogPart:
    """The log of one stage, below a heading that no file has.

    `ends_line` says whether its last byte is a newline; where another part follows, one is put
    after a log that was torn, so that its last record does not run into the heading.
    """

    path: Path
    heading: bytes
    signature: FileSignature
    ends_line: bool = True

    @property
    def identity(self) -> tuple[int, int]:
        """Which file it is, however long."""
        return self.signature.device, self.signature.inode


@dataclass(frozen=True, slots=True)
class JoinedLog:
    """Reads parts of a run's logs as one; stands where a `LogFile` does.

    Only the last part may grow: `grows_from` tells whether another log is this one, grown.
    """

    parts: tuple[LogPart, ...]
    root: Path
    records: RecordReader = records_in
    attempt_at: Callable[[int], int] = lambda _offset: 0  # each stage counts its own
    first: int = 0
    stop: int | None = None

    def grows_from(self, before: JoinedLog) -> bool:
        """Tell whether offsets in the log before mean the same place in this one."""
        kept = before.parts[:-1]
        if self.parts[: len(kept)] != kept:
            return False
        if not before.parts:
            return True
        last = before.parts[-1]
        now = self.parts[len(kept) : len(kept) + 1]
        return bool(
            now
            and now[0].path == last.path
            and now[0].identity == last.identity
            and now[0].signature.size >= last.signature.size
        )

    def read(self, offset: int, limit_bytes: int) -> tuple[FileSignature, bytes]:
        """Return the signature of the whole and bytes of it; errors as for `files.read_range`.

        Of the last part, what was written since it was looked at comes along.
        """
        starts = self._starts()
        pieces: list[bytes] = []
        left = limit_bytes
        at = max(0, bisect_right(starts, offset) - 1)
        size, last = starts[-1], len(self.parts) - 1
        for number in range(at, len(self.parts)):
            skip = max(0, offset - starts[number])
            piece, grown = self._of_part(number, skip, left, is_last=number == last)
            size += grown
            pieces.append(piece)
            wanted = min(left, starts[number + 1] - max(offset, starts[number]))
            left -= len(piece)
            # A log that shrank must not draw the next one nearer.
            if left <= 0 or len(piece) < wanted:
                break
        content = b"".join(pieces)
        signature = self.parts[-1].signature if self.parts else FileSignature(0, 0, 0, 0, 0)
        return signature._replace(size=max(size, offset + len(content))), content

    def _starts(self) -> list[int]:
        """Return where each part begins, and where the last one ended when it was looked at."""
        starts = [0]
        for number, part in enumerate(self.parts):
            seam = number < len(self.parts) - 1 and not part.ends_line
            starts.append(starts[-1] + len(part.heading) + part.signature.size + seam)
        return starts

    def _of_part(
        self, number: int, skip: int, limit_bytes: int, *, is_last: bool
    ) -> tuple[bytes, int]:
        """Return bytes of a part, and by how much the last one has grown."""
        part = self.parts[number]
        head = part.heading[skip : skip + limit_bytes]
        from_ = max(0, skip - len(part.heading))
        room = limit_bytes - len(head)
        if not is_last:
            room = min(room, max(0, part.signature.size - from_))
        signature, content = files.read_range(part.path, from_, room, root=self.root)
        if is_last:
            return head + content, signature.size - part.signature.size
        whole = head + content
        if not part.ends_line and len(whole) < limit_bytes:
            whole += b"\n"
        return whole, 0


def joined(
    root: Path, stages: Sequence[tuple[int, str, Path]], before: JoinedLog | None = None
) -> JoinedLog:
    """Return the log of stages, each its index, its title and where its log would lie.

    Stages without a log are left out. What is the same as `before` is not looked into again.

    Raises:
        OSError: A log is there and cannot be looked at.
    """
    known = {part.path: part for part in before.parts} if before else {}
    parts: list[LogPart] = []
    for index, title, path in stages[:_MOST_PARTS]:
        signature = files.signature(path)
        if signature is None or not signature.size:
            continue
        if (part := known.get(path)) is not None and part.signature == signature:
            parts.append(part)
            continue
        heading = {"type": STAGE_HEADING, "index": index, "title": title}
        content = f"{json.dumps(heading)}\n".encode()
        _, last = files.read_range(path, signature.size - 1, 1, root=root)
        parts.append(LogPart(path, content, signature, ends_line=last == b"\n"))
    return JoinedLog(tuple(parts), root)
