"""Checks: what `orch-tui doctor` looks at; each says what it found and, where bad, the cure."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from orchestrator_tui import __version__
from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.primitives.files import EntryKind
from orchestrator_tui.primitives.lock_owner import describe, judge, pinned
from orchestrator_tui.records.identifiers import InvalidIdentifier
from orchestrator_tui.records.paths import CONFIG_NAME, is_temporary, resolve_task_paths
from orchestrator_tui.records.pipeline import ConfigProblem
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.formatting import counted
from orchestrator_tui.store.configuration import load_config
from orchestrator_tui.store.discovery import task_ids
from orchestrator_tui.watch.mounts import remote_kind

PACKAGES: Final = ("textual", "pydantic", "rich", "watchfiles", "anyio")
LOCK_STALE_AFTER_S: Final = 300.0  # docs/interop.md, locks
PENDING_OLD_AFTER_S: Final = 60.0  # a writer that lives has taken its record along by then
PROBE_NAME: Final = ".orch-tui-doctor.tmp"
INOTIFY: Final = Path("/proc/sys/fs/inotify")
# What is scarce below; a screen watches up to 3000 folders by two watchers.
FEW: Final = {"max_user_watches": 8192, "max_user_instances": 64}
_SMALL_FILE_BYTES: Final = 64


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it is, and for WARN and FAIL what helps."""

    id: str
    verdict: Verdict
    text: str
    cure: str = ""


def all_checks(settings: Settings, *, terminal: bool) -> Iterator[Check]:
    """Yield the checks one after the other; nothing of the environment ends them."""
    looks: list[Callable[[], Iterator[Check]]] = [
        _versions,
        lambda: _writable(settings),
        lambda: _config(settings),
        lambda: _file_system(settings),
        _watch_limits,
        lambda: _tasks(settings),
    ]
    if terminal:
        looks.append(lambda: terminal_checks(settings.environ))
    for look in looks:
        try:
            yield from look()
        except OSError as error:
            yield Check("environment", Verdict.FAIL, str(error), "make it readable")


def _versions() -> Iterator[Check]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", Verdict.OK, f"Python {python}, orch-tui {__version__}")
    for name in PACKAGES:
        try:
            yield Check(name, Verdict.OK, f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            yield Check(name, Verdict.FAIL, f"{name} is not installed", f"pip install {name}")


def _writable(settings: Settings) -> Iterator[Check]:
    roots = settings.roots
    for name, folder in (("runs", roots.runs), ("out", roots.out)):
        there = next(each for each in (folder, *folder.parents) if files.is_folder(each))
        probe = there / PROBE_NAME
        try:
            files.write_atomic(probe, b"")
            files.remove(probe)
        except OSError as error:
            yield Check(name, Verdict.FAIL, str(error), f"make {there} writable for you")
            continue
        is_missing = "" if there == folder else ", which the first run makes"
        yield Check(name, Verdict.OK, f"{folder} can be written to{is_missing}")


def _config(settings: Settings) -> Iterator[Check]:
    config = load_config(settings.roots, settings.environ)
    if config is None:
        cure = "write one; the README shows how"
        yield Check("pipelines", Verdict.WARN, f"no {CONFIG_NAME} in {settings.roots.repo}", cure)
    elif isinstance(config, ConfigProblem):
        yield Check("pipelines", Verdict.FAIL, config.text, f"correct {CONFIG_NAME}")
    else:
        told = counted(len(config.pipelines), "pipeline")
        yield Check("pipelines", Verdict.OK, f"{told} in {CONFIG_NAME}")
        for problem in config.problems.values():
            yield Check("pipelines", Verdict.WARN, problem.text, f"correct {CONFIG_NAME}")
        for doubt in config.doubts:
            yield Check("pipelines", Verdict.WARN, doubt, f"correct {CONFIG_NAME}")


def _file_system(settings: Settings) -> Iterator[Check]:
    kind = remote_kind(settings.roots.runs)
    if kind is None:
        yield Check("file-system", Verdict.OK, "runs lie on a local file system")
        return
    text = f"runs lie on {kind}: changes made elsewhere are seen within 2 s, not at once"
    yield Check("file-system", Verdict.WARN, text, "keep them on a local disk, by --runs-dir")


def _watch_limits() -> Iterator[Check]:
    for name, least in FEW.items():
        try:
            content = files.read_bytes(INOTIFY / name, limit_bytes=_SMALL_FILE_BYTES)
            limit = int(content)
        except (OSError, ValueError):
            yield Check(name, Verdict.WARN, f"{INOTIFY / name} cannot be read", "mount /proc")
            continue
        cure = "" if limit >= least else f"sysctl fs.inotify.{name}={least}"
        verdict = Verdict.WARN if cure else Verdict.OK
        yield Check(name, verdict, f"fs.inotify.{name} is {limit}", cure)


def _tasks(settings: Settings) -> Iterator[Check]:
    """Look for locks whose owner is gone, and for records that nobody took along."""
    now, roots = SYSTEM_CLOCK.now(), settings.roots
    found: list[Check] = []
    for task in task_ids(roots) if files.is_folder(roots.runs) else ():
        try:
            paths = resolve_task_paths(roots, task)
        except InvalidIdentifier:
            continue
        for lock in (paths.lock, paths.metrics_lock):
            found += _left_lock(lock, now)
        for folder in (paths.pending_dir, paths.metrics_pending_dir):
            found += _left_records(folder, now)
    yield from found or [Check("leftovers", Verdict.OK, "no lock and no record was left behind")]


def _left_lock(path: Path, now: datetime) -> Iterator[Check]:
    with pinned(path) as lock:
        if lock is None:
            return
        holder = judge(lock, now, LOCK_STALE_AFTER_S, frozenset())
        if holder.may_be_broken:
            text = describe(holder, LOCK_STALE_AFTER_S).partition(";")[0]
            yield Check("lock", Verdict.WARN, text, "the next run of the task removes it")


def _left_records(folder: Path, now: datetime) -> Iterator[Check]:
    try:
        entries = files.list_folder(folder)
    except FileNotFoundError:
        return
    old = [
        entry.name
        for entry in entries
        if entry.kind is EntryKind.FILE
        and not is_temporary(entry.name)
        and (found := files.signature(folder / entry.name)) is not None
        and (now - found.modified_at).total_seconds() > PENDING_OLD_AFTER_S
    ]
    if old:
        text = f"{counted(len(old), 'record')} not merged yet in {folder}"
        yield Check("pending", Verdict.WARN, text, "the next run of the task takes them along")


def terminal_checks(environ: Mapping[str, str]) -> Iterator[Check]:
    """Yield what is known of the terminal, from the environment and the standard streams."""
    has_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    size = shutil.get_terminal_size()
    yield Check(
        "terminal",
        Verdict.OK if has_terminal else Verdict.WARN,
        f"{size.columns} columns, {size.lines} rows" if has_terminal else "there is no terminal",
        "" if has_terminal else "start it without a pipe or redirection",
    )
    term = environ.get("TERM", "")
    bad = term in ("", "dumb")
    yield Check(
        "TERM",
        Verdict.WARN if bad else Verdict.OK,
        f"TERM is {term or 'not set'}",
        "set TERM to what the terminal is, such as xterm-256color" if bad else "",
    )
    yield Check("colours", Verdict.OK, _colours(environ, term))
    encoding = sys.stdout.encoding or "unknown"
    is_utf8 = encoding.lower().replace("-", "").startswith("utf")
    cure = "" if is_utf8 else "set LANG to a UTF-8 locale, or use --ascii"
    verdict = Verdict.OK if is_utf8 else Verdict.WARN
    yield Check("encoding", verdict, f"output is written as {encoding}", cure)
    yield Check("clipboard", Verdict.OK, _clipboard(environ, term))


def _colours(environ: Mapping[str, str], term: str) -> str:
    if environ.get("NO_COLOR"):
        return "none: NO_COLOR is set"
    if environ.get("COLORTERM", "") in ("truecolor", "24bit"):
        return "16 million, by COLORTERM"
    return "256, by TERM" if "256color" in term else "16"


def _clipboard(environ: Mapping[str, str], term: str) -> str:
    if environ.get("TMUX") or term.startswith("tmux"):
        return "by OSC 52 through tmux: set-clipboard or allow-passthrough must be on"
    if environ.get("STY") or term.startswith("screen"):
        return "by OSC 52 through screen: the terminal around it must allow it"
    return "by OSC 52, if the terminal allows it"
