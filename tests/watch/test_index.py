"""What was read before: told at once where it still holds, and nothing where it does not."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator_tui.primitives import files
from orchestrator_tui.records.facts import RunFacts, RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.state.estimates import SAMPLES_NEEDED
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import State, state_of
from orchestrator_tui.state.observations import Observation, RunSeen, RunsRecalled, RunVanished
from orchestrator_tui.store import facts_reading, reading
from orchestrator_tui.watch import index as indexes
from orchestrator_tui.watch import recollection
from orchestrator_tui.watch.index import Remembered, RememberedRuns, RunIndex, Unfinished
from orchestrator_tui.watch.lookout import Cadence
from tests.watch.disk import Watch, write_run

KEYS = [RunKey(f"task-{n % 2}", f"2026-01-0{n}T00-00-00-000Z-0000000{n}") for n in range(1, 8)]
LIVE = RunKey("task-0", "2026-01-01T11-59-00-000Z-c2d9e410")


@pytest.fixture(name="reads")
def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[RunKey]:
    """Return a list that fills with the runs whose manifest is read."""
    reads: list[RunKey] = []
    single = (("read_run", reading.read_run), ("read_usual", facts_reading.read_usual))
    for name, read in single:

        def counted(
            roots: Roots, ref: reading.RunRef, read: Callable[..., object] = read
        ) -> object:
            reads.append(ref.key)
            return read(roots, ref)

        monkeypatch.setattr(f"orchestrator_tui.watch.roster.{name}", counted)

    def counted_of_many(key: RunKey, *told: Any, is_of_many: bool) -> object:
        reads.append(key)
        return facts_reading.usual_run(key, *told, is_of_many=is_of_many)

    monkeypatch.setattr("orchestrator_tui.watch.roster.usual_run", counted_of_many)
    return reads


def index_of(repo: Path) -> RunIndex:
    return RunIndex(repo / "cache" / "runs", Roots.of(repo))


def path_of(repo: Path) -> Path:
    return repo / "cache" / "runs" / indexes.INDEX_NAME


def write_past(roots: Roots) -> None:
    for key in KEYS:
        write_run(roots, key, status="failed", summary=f"{key.run_id} broke")
        # Long ago, so that the manifest counts as settled.
        os.utime(roots.runs / key.task_id / "cli" / key.run_id / "manifest.json", (1, 1))


def watched(repo: Path) -> Watch:
    return Watch(repo, index=index_of(repo))


def settled(repo: Path) -> Watch:
    watch = watched(repo)
    watch.settle()
    return watch


def runs_in(pieces: Iterable[object]) -> list[Remembered]:
    """Return the runs in the pieces of an index."""
    found = [piece for piece in pieces if isinstance(piece, RememberedRuns)]
    return [Remembered(*run) for piece in found for run in zip(*piece, strict=True)]


def facts_told(seen: Iterable[Observation]) -> list[RunFacts]:
    """Return the facts of the runs in a batch, read or recalled."""
    told: list[RunFacts] = []
    for each in seen:
        if isinstance(each, RunSeen):
            told.append(each.facts)
        elif isinstance(each, RunsRecalled):
            told += each.runs
    return told


def facts_of(fleet: Fleet) -> dict[RunKey, RunFacts | None]:
    return {key: run.facts for key, run in fleet.runs.items()}


def test_a_second_look_reads_nothing_again_and_tells_the_same(
    tmp_path: Path, reads: list[RunKey]
) -> None:
    write_past(Roots.of(tmp_path))
    first = settled(tmp_path)
    assert set(reads) == set(KEYS)
    reads.clear()
    second = settled(tmp_path)
    assert reads == []
    assert facts_of(second.fleet) == facts_of(first.fleet)
    assert stat.S_IMODE(path_of(tmp_path).stat().st_mode) == 0o600


def test_who_leaves_while_runs_are_read_does_not_begin_at_the_beginning_again(
    tmp_path: Path, reads: list[RunKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recollection, "_KEPT_WHILE_READING", 2)
    write_past(Roots.of(tmp_path))
    left = Watch(tmp_path, index=index_of(tmp_path), cadence=Cadence(first_reads=1, reads=1))
    while len(reads) < 4:
        left.step()
    kept = set(reads[:2])
    reads.clear()
    second = settled(tmp_path)
    assert set(reads) == set(KEYS) - kept
    assert set(facts_of(second.fleet)) == set(KEYS)
    reads.clear()
    settled(tmp_path)
    assert reads == []


def test_the_first_batch_has_the_runs_that_go_on_and_the_newest(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    write_past(roots)
    write_run(roots, LIVE)
    settled(tmp_path)
    watch = watched(tmp_path)
    told = [facts.key for facts in facts_told(watch.step())]
    assert told == [LIVE, *reversed(KEYS)]


def test_a_run_that_went_on_is_always_read(tmp_path: Path, reads: list[RunKey]) -> None:
    roots = Roots.of(tmp_path)
    write_past(roots)
    write_run(roots, LIVE)
    settled(tmp_path)
    reads.clear()
    settled(tmp_path)
    assert set(reads) == {LIVE}


def test_a_manifest_that_changed_is_read_and_never_told_as_it_was(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    write_past(roots)
    settled(tmp_path)
    write_run(roots, KEYS[3])
    watch = watched(tmp_path)
    watch.settle()
    told = facts_told(watch.seen)
    assert [facts.status for facts in told if facts.key == KEYS[3]] == ["in_progress"]
    assert state_of(watch.fleet.runs[KEYS[3]], watch.clock.now()) == State.RUNNING


def test_what_came_and_went_since_is_seen(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    write_past(roots)
    settled(tmp_path)
    gone = roots.runs / KEYS[0].task_id / "cli" / KEYS[0].run_id
    gone.rename(tmp_path / "elsewhere")
    write_run(roots, LIVE)
    watch = settled(tmp_path)
    assert set(watch.fleet.runs) == {*KEYS[1:], LIVE}
    assert not [seen for seen in watch.seen if isinstance(seen, RunVanished)]


def test_a_run_that_vanishes_after_it_was_recalled_is_told(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    write_past(roots)
    settled(tmp_path)
    watch = watched(tmp_path)
    watch.step()
    (roots.runs / KEYS[0].task_id / "cli" / KEYS[0].run_id).rename(tmp_path / "elsewhere")
    watch.settle()
    assert RunVanished(KEYS[0]) in watch.seen


def test_how_long_pipelines_take_is_known_again(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    for key in KEYS[:SAMPLES_NEEDED]:
        write_run(roots, key, status="succeeded", completed_at="2026-01-01T11:59:30.000Z")
        os.utime(roots.runs / key.task_id / "cli" / key.run_id / "manifest.json", (1, 1))
    first, second = settled(tmp_path), settled(tmp_path)
    assert first.fleet.pasts["diagnostics"].run is not None
    assert second.fleet.pasts == first.fleet.pasts


@pytest.mark.parametrize("other", ["program", "folder", "facts"])
def test_what_another_program_or_folder_kept_is_not_used(
    tmp_path: Path, reads: list[RunKey], monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    write_past(Roots.of(tmp_path))
    settled(tmp_path)
    reads.clear()
    if other == "program":
        monkeypatch.setattr(indexes, "__version__", "99.0")
    elif other == "facts":
        monkeypatch.setattr(indexes, "FORMAT", 99)
    else:
        (tmp_path / ".runs").rename(tmp_path / "moved")
        roots = Roots(tmp_path, tmp_path / "moved", tmp_path / "out")
        assert list(RunIndex(tmp_path / "cache" / "runs", roots).recall()) == []
        return
    watch = settled(tmp_path)
    assert set(reads) == set(KEYS)
    assert set(watch.fleet.runs) == set(KEYS)


@pytest.mark.parametrize("what", ["link", "folder", "unreadable", "fifo"])
def test_what_is_no_index_counts_as_none(tmp_path: Path, what: str) -> None:
    write_past(Roots.of(tmp_path))
    path = path_of(tmp_path)
    path.parent.mkdir(parents=True)
    match what:
        case "link":
            path.symlink_to(tmp_path / "nowhere")
        case "folder":
            path.mkdir()
        case "unreadable":
            path.write_bytes(b"\xff" * 5000)
        case _:
            os.mkfifo(path)
    assert set(settled(tmp_path).fleet.runs) == set(KEYS)


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    write_past(Roots.of(tmp_path))
    (tmp_path / "cache").write_text("in the way")
    assert set(settled(tmp_path).fleet.runs) == set(KEYS)


_DAMAGES = st.one_of(
    st.tuples(st.just("cut"), st.floats(0, 1), st.just(0)),
    st.tuples(st.just("flip"), st.floats(0, 1), st.integers(1, 255)),
)


@given(damage=_DAMAGES)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_index_never_tells_anything_wrong(
    tmp_path_factory: pytest.TempPathFactory, damage: tuple[str, float, int]
) -> None:
    repo = tmp_path_factory.mktemp("repo")
    write_past(Roots.of(repo))
    good = facts_of(settled(repo).fleet)
    content = bytearray(path_of(repo).read_bytes())
    kind, where, mask = damage
    place = min(len(content) - 1, int(where * len(content)))
    if kind == "cut":
        del content[place:]
    else:
        content[place] ^= mask
    path_of(repo).write_bytes(content)
    assert facts_of(settled(repo).fleet) == good


def test_two_programs_keep_one_whole_index(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    signature = files.FileSignature(1, 2, 3, 4, 5)
    many = [
        Remembered(
            RunFacts(
                RunKey("task", f"run-{n:05}"),
                RunShape.CLI,
                ".runs/task/cli",
                status="succeeded",
                started_at=moment,
                exit_code=0,
                problems=("a", "b"),
            ),
            signature,
        )
        for n in range(5000)
    ]
    first, second = index_of(tmp_path), index_of(tmp_path)
    assert first.keep(many, [LIVE])
    reading_on = first.recall()
    assert next(reading_on) == Unfinished((LIVE,))
    assert second.keep(many[:10], [])
    assert runs_in(RunIndex(tmp_path / "cache" / "runs", roots).recall()) == many[9::-1]
    # What was begun to be read of the other one is whole or not there, never a mixture.
    told = runs_in(reading_on)
    assert told == many[: -len(told) - 1 : -1]


@pytest.fixture(name="listed")
def count_listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that fills with the folders of which the names are read, from `.runs` on."""
    listed: list[str] = []
    folders_in = files.folders_in

    def counted(path: Path) -> frozenset[str]:
        listed.append("/".join(path.parts[path.parts.index(".runs") + 1 :]))
        return folders_in(path)

    monkeypatch.setattr(files, "folders_in", counted)
    return listed


def test_a_folder_that_is_as_it_was_is_not_listed_again(tmp_path: Path, listed: list[str]) -> None:
    roots = Roots.of(tmp_path)
    write_past(roots)
    settled(tmp_path)
    assert sorted(listed) == ["task-0", "task-0/cli", "task-1", "task-1/cli"]
    listed.clear()
    assert set(settled(tmp_path).fleet.runs) == set(KEYS)
    assert listed == []
    write_run(roots, LIVE)
    assert set(settled(tmp_path).fleet.runs) == {*KEYS, LIVE}
    assert listed == ["task-0/cli"]


def test_a_run_of_2025_that_has_not_ended_is_seen_at_each_start(tmp_path: Path) -> None:
    roots = Roots.of(tmp_path)
    write_past(roots)
    old = write_run(roots, LIVE).run_dir
    (roots.runs / LIVE.task_id / "mcp").mkdir()
    old.rename(roots.runs / LIVE.task_id / "mcp" / LIVE.run_id)
    for _ in range(3):
        fleet = settled(tmp_path).fleet
        assert set(fleet.runs) == {*KEYS, LIVE}
        facts = facts_of(fleet)[LIVE]
        assert facts is not None and facts.shape is RunShape.MCP


# What may happen to a repository between two starts, each to the run or task of a number.
def _write(roots: Roots, key: RunKey) -> None:
    write_run(roots, key, status="failed", summary="broke anew")


def _begin(roots: Roots, key: RunKey) -> None:
    write_run(roots, key)


def _tear(roots: Roots, key: RunKey) -> None:
    write_run(roots, key).manifest.write_text('{"status"')


def _empty(roots: Roots, key: RunKey) -> None:
    write_run(roots, key).manifest.unlink()


def _remove(roots: Roots, key: RunKey) -> None:
    shutil.rmtree(roots.runs / key.task_id / "cli" / key.run_id, ignore_errors=True)


def _remove_task(roots: Roots, key: RunKey) -> None:
    shutil.rmtree(roots.runs / key.task_id, ignore_errors=True)


def _make_old(roots: Roots, key: RunKey) -> None:
    run_dir = write_run(roots, key).run_dir
    old = roots.runs / key.task_id / "mcp" / key.run_id
    old.parent.mkdir(exist_ok=True)
    shutil.rmtree(old, ignore_errors=True)
    run_dir.rename(old)


_HAPPENINGS = st.sampled_from(
    [_write, _begin, _tear, _empty, _remove, _remove_task, _make_old, None]
)


@given(st.lists(st.tuples(_HAPPENINGS, st.sampled_from(KEYS)), max_size=12))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_between_two_starts_what_was_kept_hides_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    happenings: list[tuple[Callable[[Roots, RunKey], None] | None, RunKey]],
) -> None:
    repo = tmp_path_factory.mktemp("repo")
    roots = Roots.of(repo)
    write_past(roots)
    settled(repo)
    for happening, key in [*happenings, (None, KEYS[0])]:
        if happening is not None:
            happening(roots, key)
            continue
        kept, fresh = watched(repo), Watch(repo)
        for watch in (kept, fresh):
            watch.settle()
            watch.let_pass(5.0)  # until what is torn counts as such
        assert facts_of(kept.fleet) == facts_of(fresh.fleet)
        assert unreadable_in(kept.fleet) == unreadable_in(fresh.fleet)
        kept.lookout.keep_index()


def unreadable_in(fleet: Fleet) -> set[RunKey]:
    return {key for key, run in fleet.runs.items() if run.unreadable}
