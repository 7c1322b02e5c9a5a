"""Every place where a run may lie, and what was read there last."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.state.observations import RunSeen, RunVanished, Unreadable
from orchestrator_tui.watch.roster import BAD_FOR_GOOD_S, Reading, Roster
from tests.fakes import HandClock
from tests.watch.disk import FIXTURES, KEY, write_run


class Desk:
    """A roster over an empty repository."""

    def __init__(self, repo: Path) -> None:
        self.roots = Roots.of(repo)
        self.clock = HandClock()
        self.roster = Roster(self.roots, self.clock)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / ".runs").mkdir()
    return Desk(tmp_path)


def test_new_places_are_listed_newest_first_over_all_tasks(desk: Desk) -> None:
    keys = [RunKey(f"task-{n % 3}", f"2026-01-0{n}T00-00-00-000Z-0000000{n}") for n in range(1, 7)]
    for key in keys:
        write_run(desk.roots, key)
    found, gone = desk.roster.list_all()
    assert found == list(reversed(keys))
    assert gone == []
    assert desk.roster.list_all() == ([], [])


@pytest.mark.acceptance(111, 113)
def test_a_run_with_its_pointer_and_its_summary_is_one_place(desk: Desk) -> None:
    paths = write_run(desk.roots)
    for copy in (paths.mcp_pointer, paths.summary_manifest):
        copy.parent.mkdir(parents=True)
        copy.write_text('{"redirect_to": "x"}')
    found, _ = desk.roster.list_all()
    assert found == [KEY]
    ref = desk.roster.places.ref(KEY)
    assert ref is not None
    assert ref.shape is RunShape.CLI


def test_a_run_in_cli_takes_the_place_of_an_older_folder_of_its_name(desk: Desk) -> None:
    older = desk.roots.runs / KEY.task_id / KEY.run_id
    older.mkdir(parents=True)
    assert desk.roster.list_all()[0] == [KEY]
    write_run(desk.roots)
    assert desk.roster.list_all()[0] == [KEY]
    ref = desk.roster.places.ref(KEY)
    assert ref is not None
    assert ref.shape is RunShape.CLI


def test_what_did_not_change_is_not_read_again(desk: Desk) -> None:
    write_run(desk.roots)
    desk.roster.list_all()
    assert isinstance(desk.roster.read(KEY).seen[0], RunSeen)
    assert desk.roster.read(KEY).seen == ()
    assert desk.roster.read(KEY, anew=True).seen != ()
    write_run(desk.roots, status="failed")
    (seen,) = desk.roster.read(KEY).seen
    assert isinstance(seen, RunSeen)
    assert seen.facts.status == "failed"


def test_a_file_of_a_moment_ago_is_read_again_though_its_signature_is_the_same(desk: Desk) -> None:
    paths = write_run(desk.roots)
    desk.roster.list_all()
    moment = desk.clock.now().timestamp()
    os.utime(paths.manifest, (moment, moment))
    assert desk.roster.read(KEY).seen
    assert KEY in desk.roster.unsettled()
    assert desk.roster.read(KEY).seen
    desk.clock.advance(3)
    assert desk.roster.read(KEY).seen
    assert desk.roster.read(KEY).seen == ()
    assert KEY not in desk.roster.unsettled()


def test_a_torn_manifest_keeps_the_last_good_one_for_three_seconds(desk: Desk) -> None:
    paths = write_run(desk.roots)
    desk.roster.list_all()
    desk.roster.read(KEY)
    paths.manifest.write_text('{"run_id": ')
    assert desk.roster.read(KEY).seen == ()
    desk.clock.advance(BAD_FOR_GOOD_S)
    (seen,) = desk.roster.read(KEY).seen
    assert isinstance(seen, Unreadable)
    assert seen.path.endswith("manifest.json")
    write_run(desk.roots)
    assert isinstance(desk.roster.read(KEY).seen[0], RunSeen)
    assert KEY not in desk.roster.unsettled()


def test_a_manifest_torn_long_ago_is_told_at_once(desk: Desk) -> None:
    write_run(desk.roots).manifest.write_text("{")
    desk.roster.list_all()
    (seen,) = desk.roster.read(KEY).seen
    assert isinstance(seen, Unreadable)


def test_a_manifest_cut_anywhere_never_raises_and_never_loses_the_run(desk: Desk) -> None:
    paths = write_run(desk.roots)
    whole = paths.manifest.read_bytes()
    desk.roster.list_all()
    desk.roster.read(KEY)
    for length in range(len(whole)):
        paths.manifest.write_bytes(whole[:length])
        for seen in desk.roster.read(KEY, anew=True).seen:
            assert not isinstance(seen, RunVanished)
    paths.manifest.write_bytes(whole)
    assert isinstance(desk.roster.read(KEY, anew=True).seen[0], RunSeen)


def test_a_folder_that_is_gone_is_told_once(desk: Desk) -> None:
    paths = write_run(desk.roots)
    desk.roster.list_all()
    desk.roster.read(KEY)
    shutil.rmtree(paths.run_dir)
    assert desk.roster.read(KEY).seen == (RunVanished(KEY),)
    assert desk.roster.list_all() == ([], [])


def test_a_task_that_is_gone_takes_its_runs_along(desk: Desk) -> None:
    paths = write_run(desk.roots)
    desk.roster.list_all()
    desk.roster.read(KEY)
    shutil.rmtree(paths.run_dir.parent.parent)
    assert desk.roster.list_all() == ([], [RunVanished(KEY)])


def test_a_run_without_its_manifest_is_unreadable_before_it_is_gone(desk: Desk) -> None:
    paths = write_run(desk.roots)
    desk.roster.list_all()
    desk.roster.read(KEY)
    paths.manifest.unlink()
    assert desk.roster.read(KEY).seen == ()
    desk.clock.advance(BAD_FOR_GOOD_S)
    assert isinstance(desk.roster.read(KEY).seen[0], Unreadable)


def test_a_new_folder_is_looked_at_until_its_manifest_comes(desk: Desk) -> None:
    folder = desk.roots.runs / KEY.task_id / "cli" / KEY.run_id
    folder.mkdir(parents=True)
    moment = desk.clock.now().timestamp()
    os.utime(folder, (moment, moment))
    desk.roster.list_all()
    assert desk.roster.read(KEY).seen == ()
    assert desk.roster.newborn() == (KEY,)
    write_run(desk.roots)
    assert isinstance(desk.roster.read(KEY).seen[0], RunSeen)
    assert desk.roster.newborn() == ()


def test_a_folder_that_stays_empty_is_no_run_and_not_looked_at_for_ever(desk: Desk) -> None:
    folder = desk.roots.runs / KEY.task_id / "cli" / KEY.run_id
    folder.mkdir(parents=True)
    moment = desk.clock.now().timestamp()
    os.utime(folder, (moment, moment))
    desk.roster.list_all()
    desk.roster.read(KEY)
    desk.clock.advance(60)
    desk.roster.read(KEY)
    assert desk.roster.newborn() == ()
    assert desk.roster.read(KEY).seen == ()
    assert desk.roster.unsettled() == ()


def test_every_place_has_its_turn(desk: Desk) -> None:
    keys = {RunKey("task", f"run-{n:02}") for n in range(10)}
    for key in keys:
        write_run(desk.roots, key)
    desk.roster.list_all()
    for key in keys:
        desk.roster.read(key)
    for _ in range(2):
        for key in keys:
            write_run(desk.roots, key)
        taken = [key for _ in range(5) for key in desk.roster.changed_by_turns(4)]
        assert set(taken) == keys


def test_the_shelves_are_where_the_next_run_will_appear(desk: Desk) -> None:
    write_run(desk.roots)
    (desk.roots.runs / "empty-task").mkdir()
    desk.roster.list_all()
    before = desk.roster.places.generation
    assert desk.roster.places.newest_shelves(10) == {
        desk.roots.runs / KEY.task_id / "cli",
        desk.roots.runs / "empty-task",
    }
    assert len(desk.roster.places.newest_shelves(1)) == 1
    (desk.roots.runs / "empty-task" / "cli").mkdir()
    desk.roster.list_all()
    assert desk.roster.places.generation != before


@pytest.mark.acceptance(110)
@pytest.mark.parametrize("content", ["{}", "[]", "null", "", "\ufeff{}", '{"status": NaN}'])
def test_content_that_is_no_manifest_is_told_and_never_raises(desk: Desk, content: str) -> None:
    paths = write_run(desk.roots)
    paths.manifest.write_text(content)
    desk.roster.list_all()
    (seen,) = desk.roster.read(KEY).seen
    assert isinstance(seen, Unreadable)
    assert seen.reason


@pytest.mark.acceptance(119)
def test_a_manifest_replaced_a_thousand_times_is_never_unreadable(desk: Desk) -> None:
    paths = write_run(desk.roots)
    desk.roster.list_all()
    for turn in range(1000):
        write_run(desk.roots, summary=f"turn {turn}")
        if turn % 4 == 0:
            for seen in desk.roster.read(KEY).seen:
                assert isinstance(seen, RunSeen)
    assert json.loads(paths.manifest.read_text())["summary"] == "turn 999"
    (last,) = desk.roster.read(KEY).seen
    assert isinstance(last, RunSeen)
    assert last.facts.summary == "turn 999"


@pytest.mark.parametrize("are_very_many", [False, True])
def test_many_manifests_are_read_as_each_alone_is(desk: Desk, are_very_many: bool) -> None:
    for runs in sorted(FIXTURES.rglob(".runs")):
        shutil.copytree(runs, desk.roots.runs, symlinks=True, dirs_exist_ok=True)
    task = desk.roots.runs / KEY.task_id / "cli"
    for number, content in enumerate((b"{", b"[]", b"{}", b"", b'{"status": 7}', b"\xff")):
        folder = task / f"2026-02-0{number + 1}T00-00-00-000Z-00000000"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_bytes(content)
    (task / "2026-03-01T00-00-00-000Z-00000000").mkdir()
    one, many = desk.roster, Roster(desk.roots, desk.clock)
    found, _ = one.list_all()
    assert sorted(many.list_all()[0], key=str) == sorted(found, key=str)
    assert len(found) > 15
    stranger = RunKey("nobody", KEY.run_id)
    keys = [*found, stranger]
    singly = [one.read(key) for key in keys]
    together = list(many.read_many(keys, are_very_many=are_very_many))
    assert list(map(told, together)) == list(map(told, singly))
    assert many.news == one.news > 0
    assert many.unsettled() == one.unsettled()
    # Again, when the signatures are known.
    assert list(map(told, many.read_many(keys))) == [told(one.read(key)) for key in keys]


def told(reading: Reading) -> tuple[object, ...]:
    """Return what a reading tells, with how long the stages took of each run that was seen."""
    runs = [each for each in reading.seen if isinstance(each, RunSeen)]
    stages = [run.stages() for run in runs if run.stages is not None]
    seen = [each.facts if isinstance(each, RunSeen) else each for each in reading.seen]
    return reading.facts, seen, stages
