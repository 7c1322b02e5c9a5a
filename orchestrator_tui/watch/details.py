"""Details of the runs in focus: whole manifest, errors, and the end of the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import Clock
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records.facts import RunFacts, current_command
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.life import GitFacts
from orchestrator_tui.records.logs import LogLine, LogPage, LogRequest, Stream, Whence
from orchestrator_tui.records.manifest import Manifest, RunStatus
from orchestrator_tui.records.paths import Roots, RunPaths, run_paths_in
from orchestrator_tui.state.event_words import RunEvent, event_of
from orchestrator_tui.state.observations import (
    Artifacts,
    DetailSeen,
    EarlierRun,
    Observation,
    RunDetail,
    SinceGreen,
)
from orchestrator_tui.store.events import read_last_events
from orchestrator_tui.store.life import read_stage_errors
from orchestrator_tui.store.reading import ReadRun, RunRef, read_run
from orchestrator_tui.watch.artifacts import find_artifacts
from orchestrator_tui.watch.places import Places
from orchestrator_tui.watch.settling import SETTLED_AFTER
from orchestrator_tui.watch.stage_places import StagePlace, log_path

TAIL_LINES: Final = 200
TAIL_ENOUGH: Final = 50  # lines of output; with fewer the pages before the last are read too
TAIL_PAGES: Final = 4  # most that are read for it
EARLIER_RUNS: Final = 5  # with which a failure is compared
EARLIER_READS: Final = 20  # manifests that are read to find them
ARTIFACTS_EVERY_S: Final = 5.0
EVENTS_SHOWN: Final = 500
EVENTS_BYTES: Final = 256 * 1024  # of the end of the file; an event takes some 400 bytes
LOOK_EVERY_S: Final = 1.0
LOOK_ON_NOTICE_S: Final = 0.2  # between two looks that notices ask for

_Signatures = tuple[FileSignature | None, ...]


@dataclass(slots=True)
class _Focused:
    """A run in focus; `signatures` are those of the files that its details were read from.

    `earlier` is None until the runs before it were looked at, which happens once it has failed.
    `shown` is what was told last.
    """

    ref: RunRef
    paths: RunPaths
    signatures: _Signatures | None = None
    tail_path: Path | None = None
    next_look_s: float = 0.0
    looked_s: float = -1e9
    earlier: tuple[EarlierRun, ...] | None = None
    since_green: SinceGreen | None = None
    compare_next: bool = False
    compared: GitFacts | None = None  # what was compared with a green run
    artifacts: Artifacts = Artifacts()
    artifacts_s: float = -1e9
    shown: tuple[RunFacts, RunDetail] | None = None
    events: tuple[RunEvent, ...] = ()
    events_signature: FileSignature | None = None


class FocusedRuns:
    """Reads all that the screens of the runs in focus show, again when a file of it changed.

    What reads logs and Git is loaded with the first run in focus, after the first frame.
    """

    def __init__(
        self, roots: Roots, clock: Clock, places: Places, environ: Mapping[str, str]
    ) -> None:
        self._roots = roots
        self._environ = environ
        self._clock = clock
        self._places = places
        self._read_page: Callable[[LogRequest], LogPage] | None = None
        self._runs: dict[RunKey, _Focused] = {}
        self._wanted: frozenset[RunKey] = frozenset()

    def choose(self, keys: frozenset[RunKey]) -> None:
        """Set which runs are in focus; those that stay are not read again for it."""
        self._wanted = keys
        for key in self._runs.keys() - keys:
            del self._runs[key]

    @property
    def keys(self) -> frozenset[RunKey]:
        """The runs in focus, whether they are there or not."""
        return self._wanted

    def folders(self) -> frozenset[Path]:
        """Return the folders in which changes concern the runs in focus."""
        return frozenset(
            folder
            for run in self._runs.values()
            for folder in (run.paths.run_dir, run.paths.commands_dir, run.paths.errors_dir)
            if _is_folder(folder)
        )

    def due_in_s(self) -> float:
        """Return in how many seconds the next look is due, a long time if there is none."""
        now_s = self._clock.monotonic()
        return min((run.next_look_s - now_s for run in self._runs.values()), default=60.0)

    def hasten(self, key: RunKey) -> None:
        """Look at a run soon: something in its folder changed."""
        run = self._runs.get(key)
        if run is not None:
            run.next_look_s = min(run.next_look_s, run.looked_s + LOOK_ON_NOTICE_S)

    def look_when_due(self, ahead_s: float = 0.0) -> list[Observation]:
        """Look at the runs in focus whose turn it is, or is so soon; return the news of details."""
        self._find()
        now_s = self._clock.monotonic()
        seen: list[Observation] = []
        for key, run in self._runs.items():
            if run.next_look_s <= now_s + ahead_s:
                run.looked_s, run.next_look_s = now_s, now_s + LOOK_EVERY_S
                seen += self._look(key, run)
        return seen

    def read_now(self, key: RunKey) -> RunDetail | None:
        """Return all of one run at once, git included: for who looks a single time."""
        self.choose(frozenset([key]))
        self._find()
        run = self._runs.get(key)
        if run is None:
            return None
        self._look(key, run)
        if run.compare_next:
            self._compare(key, run)
        return run.shown[1] if run.shown else None

    def _find(self) -> None:
        for key in self._wanted - self._runs.keys():
            ref = self._places.ref(key)
            if ref is not None:
                paths = run_paths_in(self._roots, key, ref.run_dir)
                self._runs[key] = _Focused(ref, paths)

    def _look(self, key: RunKey, run: _Focused) -> list[Observation]:
        if run.compare_next:
            return self._compare(key, run)
        signatures = self._signatures(run)
        if signatures == run.signatures and all(map(self._has_rested, signatures)):
            return []
        found = read_run(self._roots, run.ref)
        if not isinstance(found, ReadRun):
            return []  # the roster tells what is wrong with it; shown stays what was read last
        run.signatures = signatures
        from orchestrator_tui.watch.greens import git_of

        stage = _stage_to_show(found.manifest)
        detail = RunDetail(
            manifest=found.manifest,
            errors=read_stage_errors(run.paths),
            tail_stage_index=stage,
            earlier=self._earlier(run, found.facts),
            events=self._events(run),
            git=git_of(run.paths, found.manifest),
            since_green=run.since_green if found.facts.status == RunStatus.FAILED else None,
            artifacts=self._artifacts(run, found.facts),
        )
        if stage:
            place = StagePlace(run.ref, found.manifest, found.manifest.commands[stage - 1])
            detail = self._with_tail(key, run, detail, place)
        run.shown = (found.facts, detail)
        if found.facts.status == RunStatus.FAILED and detail.git not in (None, run.compared):
            # Git may take a while, and the rest shall be on the screen by then.
            run.compare_next, run.next_look_s = True, run.looked_s + LOOK_ON_NOTICE_S
        return [DetailSeen(key, detail)]

    def _compare(self, key: RunKey, run: _Focused) -> list[Observation]:
        """Return what changed since a green run, once for each state of the repository."""
        run.compare_next = False
        if run.shown is None:
            return []
        facts, detail = run.shown
        git = run.compared = detail.git
        if git is None:
            return []
        from orchestrator_tui.watch.greens import since_green

        own, others = self._places.before(key), self._places.elsewhere_before(key, EARLIER_READS)
        greens = (*own[:EARLIER_READS], *others)
        run.since_green = since_green(self._roots, self._environ, greens, facts, git)
        detail = replace(detail, since_green=run.since_green)
        run.shown = (facts, detail)
        return [DetailSeen(key, detail)]

    def _artifacts(self, run: _Focused, facts: RunFacts) -> Artifacts:
        """Return the files of a run, looked for from time to time while more come."""
        now_s = self._clock.monotonic()
        if facts.completed_at is not None or now_s - run.artifacts_s >= ARTIFACTS_EVERY_S:
            run.artifacts_s = now_s
            run.artifacts = find_artifacts(self._roots, run.paths, facts)
        return run.artifacts

    def _events(self, run: _Focused) -> tuple[RunEvent, ...]:
        """Return the last events, read anew where their file changed or changed just now."""
        signature = _signature(run.paths.events)
        if signature == run.events_signature and self._has_rested(signature):
            return run.events
        run.events_signature = signature
        try:
            documents = read_last_events(run.paths.events, EVENTS_BYTES)
        except OSError:  # what cannot be read is not shown; the manifest tells the same in brief
            documents = ()
        events = (event_of(document) for document in documents[-EVENTS_SHOWN:])
        run.events = tuple(event for event in events if event is not None)
        return run.events

    def _earlier(self, run: _Focused, facts: RunFacts) -> tuple[EarlierRun, ...]:
        """Return what a failed run is compared with; those runs have ended: one look is enough."""
        if facts.status != RunStatus.FAILED:
            run.earlier = None
            return ()
        if run.earlier is None:
            found: list[EarlierRun] = []
            for ref in self._places.before(facts.key)[:EARLIER_READS]:
                earlier = self._ended_like(ref, facts.pipeline_id)
                found += [earlier] if earlier else []
                if len(found) == EARLIER_RUNS:
                    break
            run.earlier = tuple(found)
        return run.earlier

    def _ended_like(self, ref: RunRef, pipeline_id: str | None) -> EarlierRun | None:
        """Return a run if it is one of that pipeline and has succeeded or failed."""
        read = read_run(self._roots, ref)
        if not isinstance(read, ReadRun) or read.facts.pipeline_id != pipeline_id:
            return None
        if read.facts.status == RunStatus.SUCCEEDED:
            return EarlierRun(ref.key, has_failed=False)
        if read.facts.status != RunStatus.FAILED:
            return None
        errors = read_stage_errors(run_paths_in(self._roots, ref.key, ref.run_dir))
        return EarlierRun(ref.key, has_failed=True, errors=errors)

    def _with_tail(
        self, key: RunKey, run: _Focused, detail: RunDetail, place: StagePlace
    ) -> RunDetail:
        try:
            path = log_path(self._roots, place)
        except OSError:  # the page that is asked for next tells why
            path = None
        if path != run.tail_path:
            run.tail_path, run.signatures = path, None
        return replace(detail, tail=self._tail(key, detail.tail_stage_index))

    def _tail(self, key: RunKey, stage_index: int) -> tuple[LogLine, ...]:
        """Return the last lines of a log.

        A page leaves out a record that has more lines than are left on it, so that the last one
        may have a note alone where the output before it came in one piece.
        """
        page = self._page(LogRequest(key, stage_index, Whence.END, max_lines=TAIL_LINES))
        tail = (*page.lines, *page.partial)
        for _ in range(TAIL_PAGES - 1):
            output = sum(line.stream is not Stream.NOTE for line in tail)
            if output >= TAIL_ENOUGH or page.at_start or page.problem:
                break
            before = LogRequest(key, stage_index, Whence.BEFORE, page.start, TAIL_LINES)
            page = self._page(before)
            tail = (*page.lines, *tail)
        return tail[-TAIL_LINES:]

    def _page(self, request: LogRequest) -> LogPage:
        if self._read_page is None:
            from orchestrator_tui.watch.logs import StageLogs

            self._read_page = StageLogs(self._roots).read_now
        return self._read_page(request)

    def _signatures(self, run: _Focused) -> _Signatures:
        return (
            _signature(run.ref.manifest),
            _folder_signature(run.paths.errors_dir),
            _signature(run.tail_path) if run.tail_path else None,
            _signature(run.paths.events),
            _signature(run.paths.runner_json),
        )

    def _has_rested(self, signature: FileSignature | None) -> bool:
        return signature is None or (abs(self._clock.now() - signature.modified_at) > SETTLED_AFTER)


def _stage_to_show(manifest: Manifest) -> int:
    current = current_command(manifest)
    positions = (n for n, command in enumerate(manifest.commands, 1) if command is current)
    return next(positions, 0)


def _signature(path: Path) -> FileSignature | None:
    try:
        return files.signature(path)
    except OSError:
        return None


def _folder_signature(path: Path) -> FileSignature | None:
    try:
        return files.folder_signature(path)
    except OSError:
        return None


def _is_folder(path: Path) -> bool:
    return _folder_signature(path) is not None
