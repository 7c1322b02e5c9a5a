"""ConfigMemory: configurations that were checked before and have not changed since."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
import platformdirs

from orchestrator_tui import __version__
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records import pipeline as records
from orchestrator_tui.records.pipeline import (
    CommandStage,
    ConfigProblem,
    OrchestratorConfig,
    Pipeline,
    RunnerLimits,
    Stage,
    SubpipelineStage,
)
from orchestrator_tui.records.program import PROGRAM

# A file that was written a moment ago may be written again without another time or size: file
# systems count in steps of up to two seconds.
REST = timedelta(seconds=3)
KEPT = 64  # configurations that are remembered; each takes some kB
_LIMIT_BYTES = 8 * 1024 * 1024
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_CHECKERS = ("configuration_checks.py", "configuration_doubts.py", "configuration_shapes.py")


class ConfigMemory:
    """Spares the checks of a configuration that passed through them before.

    To load the checker takes longer than five stages. What it found is kept under the file's path
    and told again only while path, device, inode, size, both times and this program are the same.
    Whatever is damaged, or could have been written by another user, counts as not there.

    Args:
        folder: Where memories lie, one file each; made when the first one is kept.
        clock: Tells whether a file has rested.
    """

    def __init__(self, folder: Path, clock: Clock = SYSTEM_CLOCK) -> None:
        self.folder = folder
        self._clock = clock

    @classmethod
    def of_user(cls) -> ConfigMemory:
        """Return the memory in the user's own cache folder."""
        return cls(platformdirs.user_cache_path(PROGRAM) / "configurations")

    def checked(
        self,
        path: Path,
        shown: str,
        check: Callable[[], OrchestratorConfig | ConfigProblem | None],
    ) -> OrchestratorConfig | ConfigProblem | None:
        """Return what is remembered of a file, or else what `check` says; that is then kept.

        Args:
            path: The configuration.
            shown: Its path as the texts of problems name it.
            check: Reads and checks it.
        """
        begun = self._clock.now()
        signature = _signature(path)
        if signature is None:
            return check()
        label = _label(path, shown, signature)
        place = self.folder / f"{zlib.crc32(str(path).encode('utf-8', 'replace')):08x}.json"
        remembered = _remembered(place, label)
        if remembered is not None:
            return remembered
        found = check()
        is_at_rest = begun - max(signature.modified_at, signature.changed_at) > REST
        if is_at_rest and isinstance(found, OrchestratorConfig) and _signature(path) == signature:
            # What JSON cannot hold, a number beyond 64 bits or a name that is no text, is not kept.
            with suppress(OSError, TypeError):
                self._keep(place, label, found)
        return found

    def _keep(self, place: Path, label: list[Any], config: OrchestratorConfig) -> None:
        body = orjson.dumps({"of": label, "config": config}, default=dict)
        files.make_folder(self.folder, mode=_PRIVATE_FOLDER)
        self._make_room()
        content = b"%08x %b" % (zlib.crc32(body), body)
        files.write_atomic(place, content, mode=_PRIVATE_FILE)

    def _make_room(self) -> None:
        paths = [self.folder / entry.name for entry in files.list_folder(self.folder)]
        dated = [(found.mtime_ns, path) for path in paths if (found := files.signature(path))]
        for _, path in sorted(dated)[: max(0, len(dated) - KEPT + 1)]:
            files.remove(path)


def _signature(path: Path) -> FileSignature | None:
    try:
        return files.signature(path)
    except OSError:
        return None


def _label(path: Path, shown: str, signature: FileSignature) -> list[Any]:
    """Return what must be the same for a memory to hold."""
    return [str(path), shown, *signature, __version__, *_program()]


@cache
def _program() -> tuple[int, ...]:
    """Return what tells this program's checks from those of another installation of it."""
    here = Path(__file__)
    sources = [*(here.with_name(name) for name in _CHECKERS), Path(records.__file__), here]
    found = [_signature(source) for source in sources]
    return tuple(number for one in found if one for number in (one.size, one.mtime_ns))


def _remembered(place: Path, label: list[Any]) -> OrchestratorConfig | None:
    """Return what is kept there, None unless all of it is sound and about the same file."""
    try:
        content = files.read_private(place, limit_bytes=_LIMIT_BYTES)
        crc, _, body = content.partition(b" ")
        if int(crc, 16) != zlib.crc32(body):
            return None
        document = orjson.loads(body)
        return _config(document["config"]) if document["of"] == label else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _config(document: dict[str, Any]) -> OrchestratorConfig:
    return OrchestratorConfig(
        pipelines=tuple(_pipeline(entry) for entry in document["pipelines"]),
        default_pipeline=document["default_pipeline"],
        limits=RunnerLimits(**document["limits"]),
        problems=MappingProxyType(
            {name: ConfigProblem(**told) for name, told in document["problems"].items()}
        ),
        doubts=tuple(map(str, document["doubts"])),
    )


def _pipeline(entry: dict[str, Any]) -> Pipeline:
    stages = tuple(_stage(stage) for stage in entry["stages"])
    return Pipeline(**{**entry, "stages": stages, "tags": tuple(entry["tags"])})


def _stage(entry: dict[str, Any]) -> Stage:
    if "command" not in entry:
        return SubpipelineStage(**entry)
    return CommandStage(**{**entry, "env": MappingProxyType(entry["env"])})
