"""Pages of what a stage wrote."""

from __future__ import annotations

import json
import re
import tempfile
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.line_looks import LineChoice, LineFilter, LineLook
from orchestrator_tui.records.logs import (
    NEWEST_ATTEMPT,
    LogLine,
    LogPage,
    LogRequest,
    Stream,
    Whence,
)
from orchestrator_tui.records.manifest import CommandRecord
from orchestrator_tui.records.paths import Roots, RunPaths
from orchestrator_tui.ui.widgets.log_map import LogPlaces, map_rows
from orchestrator_tui.watch import log_pages, log_survey
from orchestrator_tui.watch.log_pages import LogFile, page_after, page_before
from orchestrator_tui.watch.log_records import LogRendering, begins_with_chunks, records_in
from orchestrator_tui.watch.log_starts import StartIndex
from orchestrator_tui.watch.logs import StageLogs
from tests.watch.disk import FIXTURES, KEY, NOON_TEXT, write_run

START = {"type": "command:start", "command": "make"}
BEGIN = {"type": "exec:begin", "attempt": 1}
END = {"type": "command:end", "exit_code": 0, "signal": None, "duration_ms": 4200}


def chunk(data: str, stream: str = "stdout") -> dict[str, Any]:
    return {"type": "exec:chunk", "stream": stream, "data": data}


def mirror(data: str, stream: str = "stdout") -> dict[str, Any]:
    return {"type": f"command:{stream}", "data": data}


def encoded(*records: dict[str, Any]) -> bytes:
    lines = (json.dumps({**record, "timestamp": NOON_TEXT, "index": 1}) for record in records)
    return "".join(f"{line}\n" for line in lines).encode()


def texts(lines: tuple[LogLine, ...]) -> list[str]:
    return [line.text for line in lines]


class Stage:
    """The first stage of a run, and what its log shows."""

    def __init__(self, repo: Path, **changes: Any) -> None:
        self.roots = Roots.of(repo)
        self.paths: RunPaths = write_run(self.roots, **changes)
        self.path = self.paths.stage_log(1, "build")
        self.logs = StageLogs(self.roots)

    def write(self, *records: dict[str, Any]) -> None:
        with self.path.open("ab") as log:
            log.write(encoded(*records))

    def page(
        self, whence: Whence = Whence.END, offset: int = 0, max_lines: int = 1000, stage: int = 1
    ) -> LogPage:
        request = LogRequest(self.paths.key, stage, whence, offset, max_lines)
        return self.logs.read_now(request)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_output_in_pieces_becomes_lines_between_notes(stage: Stage) -> None:
    stage.write(START, BEGIN, chunk("one\ntw"), chunk("oops\n", "stderr"), chunk("o\n"), END)
    page = stage.page()
    assert [(line.stream, line.text) for line in page.lines] == [
        (Stream.NOTE, "$ make"),
        (Stream.STDOUT, "one"),
        (Stream.STDERR, "oops"),
        (Stream.STDOUT, "two"),
        (Stream.NOTE, "exit 0 after 0:04"),
    ]
    assert page.at_start
    assert page.at_end
    assert page.partial == ()
    assert (page.start, page.end, page.problem) == (0, page.size, None)


@pytest.mark.anyio
async def test_a_page_can_be_awaited(stage: Stage) -> None:
    stage.write(START)
    assert texts((await stage.logs.read(LogRequest(KEY, 1))).lines) == ["$ make"]


@pytest.mark.acceptance(115)
@pytest.mark.parametrize(
    "records",
    [
        (START, mirror("a\n"), mirror("b\n", "stderr"), END),
        (START, BEGIN, chunk("a\n"), chunk("b\n", "stderr"), END),
        (START, BEGIN, chunk("a\n"), mirror("a\n"), chunk("b\n", "stderr"),
         mirror("b\n", "stderr"), END),
    ],
    ids=["plain", "chunks", "mirrored"],
)  # fmt: skip
def test_each_style_of_log_shows_the_same_text_once(
    stage: Stage, records: tuple[dict[str, Any], ...]
) -> None:
    stage.write(*records)
    assert texts(stage.page().lines) == ["$ make", "a", "b", "exit 0 after 0:04"]


def test_a_style_of_one_attempt_says_nothing_of_the_next(stage: Stage) -> None:
    stage.write(START, BEGIN, chunk("a\n"), mirror("a\n"), END, START, mirror("b\n"), END)
    assert texts(stage.page().lines)[1:6] == ["a", "exit 0 after 0:04", "$ make", "b",
                                              "exit 0 after 0:04"]  # fmt: skip


def test_a_progress_bar_leaves_its_last_state(stage: Stage) -> None:
    stage.write(START, BEGIN, chunk("10%\r20%\r"), chunk("100%\ndone\r\n"))
    assert texts(stage.page().lines)[1:] == ["100%", "done"]


def test_a_line_that_has_not_ended_is_partial_and_comes_again(stage: Stage) -> None:
    stage.write(START, BEGIN, chunk("whole\nbegun"))
    page = stage.page()
    assert texts(page.partial) == ["begun"]
    stage.write(chunk(" and ended\n"))
    after = stage.page(Whence.AFTER, page.end)
    assert texts(after.lines) == ["begun and ended"]
    assert after.partial == ()


def test_the_end_of_a_command_ends_its_last_line(stage: Stage) -> None:
    stage.write(START, BEGIN, chunk("no newline"), END)
    assert texts(stage.page().lines) == ["$ make", "no newline", "exit 0 after 0:04"]


@pytest.mark.parametrize(
    ("record", "note"),
    [
        ({**END, "exit_code": 2}, "exit 2 after 0:04"),
        ({**END, "exit_code": 128, "signal": "SIGKILL"}, "signal SIGKILL after 0:04"),
        ({**END, "exit_code": 143, "timed_out": True}, "timed out after 0:04"),
        ({"type": "command:config", "timeout_ms": 90_000}, "stops after 1:30"),
        ({"type": "exec:retry", "delay_ms": 500, "error": "busy"}, "tried again after 0.5 s: busy"),
        (
            {"type": "command:fallback", "reason": "timed_out"},
            "the command timed out; the pipeline allows it",
        ),
        (
            {"type": "command:warning", "warning": "log-capped", "limit_bytes": 4096},
            "the log has reached its limit of 4 KiB; older lines give way to newer ones",
        ),
        (
            {"type": "command:warning", "warning": "log-truncated", "left_out_bytes": 2048},
            "2 KiB left out here, the log had reached its limit",
        ),
        ({"type": "command:warning", "message": "odd\nvery"}, "warning: odd …"),
        ({"type": "command:start", "command": "a\nb"}, "$ a …"),
    ],
)
def test_what_happened_to_the_command_is_a_note(
    stage: Stage, record: dict[str, Any], note: str
) -> None:
    stage.write(record)
    (line,) = stage.page().lines
    assert (line.stream, line.text) == (Stream.NOTE, note)


def test_records_of_no_use_and_of_wrong_types_show_nothing(stage: Stage) -> None:
    stage.write({"type": "exec:begin"}, {"type": 7}, {"data": "x"}, chunk("a\n"),
                {"type": "exec:chunk", "stream": "stdout", "data": 7})  # fmt: skip
    assert texts(stage.page().lines) == ["a"]


def test_attempts_are_counted_in_any_page(tmp_path: Path) -> None:
    stage = Stage(tmp_path, resume_events=({"outcome": "accepted"},))
    for attempt in range(3):
        stage.write(START, BEGIN, chunk(f"in {attempt + 1}\n"), END)
    whole = stage.page(Whence.START)
    assert [line.attempt for line in whole.lines] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    last = stage.page(Whence.END, max_lines=2)
    assert [(line.text, line.attempt) for line in last.lines] == [
        ("in 3", 3),
        ("exit 0 after 0:04", 3),
    ]


@pytest.mark.acceptance(116)
def test_a_torn_last_record_waits_and_a_bad_one_is_told(stage: Stage) -> None:
    stage.write(START, BEGIN, chunk("a\n"))
    with stage.path.open("ab") as log:
        log.write(b'{"type":"exec:chunk","da')
    page = stage.page()
    assert texts(page.lines) == ["$ make", "a"]
    assert page.end < page.size
    with stage.path.open("ab") as log:
        log.write(b"\n")
    stage.write(chunk("b\n"))
    after = stage.page(Whence.AFTER, page.end)
    assert texts(after.lines) == ["a record that cannot be read", "b"]


def test_nothing_new_is_an_empty_page_at_the_same_place(stage: Stage) -> None:
    stage.write(START, BEGIN, chunk("a\n"))
    page = stage.page()
    again = stage.page(Whence.AFTER, page.end)
    assert (again.lines, again.start, again.end, again.at_end) == ((), page.end, page.end, True)
    assert not again.replaced


def test_a_log_that_is_another_file_says_so(stage: Stage) -> None:
    stage.write(START, BEGIN, chunk("a\n"))
    page = stage.page()
    stage.path.rename(stage.path.with_suffix(".old"))
    stage.write(START, BEGIN, chunk("a\nb\nc\n"))
    assert stage.page(Whence.AFTER, page.end).replaced
    assert not stage.page(Whence.START).replaced


@pytest.mark.parametrize("whence", [Whence.AFTER, Whence.BEFORE])
def test_a_log_that_shrank_says_so(stage: Stage, whence: Whence) -> None:
    stage.write(START, BEGIN, chunk("a\n" * 100))
    page = stage.page()
    stage.path.write_bytes(encoded(START, chunk("x\n")))
    assert stage.page(whence, page.end).replaced


@pytest.mark.parametrize(
    ("commands", "problem"),
    [
        ((CommandRecord(1, "build", "Build", "make"),), "the stage has not started"),
        (
            (CommandRecord(1, "build", "Build", "make", status="running"),),
            "the stage has written nothing yet",
        ),
        (
            (CommandRecord(1, "build", "Build", "make", status="failed"),),
            "there is no log at .runs/0951-log-view/cli/"
            "2026-01-01T11-59-00-000Z-c2d9e410/commands/01-build.ndjson",
        ),
        ((), "the run has no stage 1"),
    ],
)
def test_a_stage_without_a_log_says_why(
    tmp_path: Path, commands: tuple[CommandRecord, ...], problem: str
) -> None:
    page = Stage(tmp_path, commands=commands).page()
    assert (page.lines, page.problem) == ((), problem)


def test_a_subpipeline_stage_names_its_child(tmp_path: Path) -> None:
    record = CommandRecord(
        1, "docs", "Docs", kind="subpipeline", status="failed", sub_run_id="child-7"
    )
    page = Stage(tmp_path, commands=(record,)).page()
    assert texts(page.lines) == ["this stage ran as a run of its own: child-7"]
    assert page.problem is None


def test_a_log_that_lies_elsewhere_in_the_run_is_found_by_the_manifest(tmp_path: Path) -> None:
    told = f".runs/{KEY.task_id}/cli/{KEY.run_id}/commands/other.ndjson"
    record = CommandRecord(1, "build", "Build", "make", status="failed", log_path=told)
    stage = Stage(tmp_path, commands=(record,))
    (tmp_path / told).write_bytes(encoded(START))
    assert texts(stage.page().lines) == ["$ make"]


@pytest.mark.parametrize("told", ["../../secret", "/etc/passwd", "codex.orchestrator.json", "\0"])
def test_a_log_path_that_leads_out_of_the_run_is_not_followed(tmp_path: Path, told: str) -> None:
    (tmp_path / "codex.orchestrator.json").write_text("secret")
    record = CommandRecord(1, "build", "Build", "make", status="failed", log_path=told)
    page = Stage(tmp_path, commands=(record,)).page()
    assert page.lines == ()
    assert page.problem is not None


def test_a_link_in_place_of_a_log_is_not_followed(stage: Stage) -> None:
    secret = stage.roots.repo / "secret"
    secret.write_bytes(encoded(chunk("secret\n")))
    stage.path.symlink_to(secret)
    assert stage.page().lines == ()


def test_an_unknown_run_and_a_torn_manifest_are_told(stage: Stage) -> None:
    request = LogRequest(RunKey("task", "absent"), 1)
    assert stage.logs.read_now(request).problem == "the run is gone"
    stage.paths.manifest.write_text("{")
    assert "cannot be read" in (stage.page().problem or "")


@pytest.mark.acceptance(112)
def test_a_run_of_october_2025_shows_what_it_kept() -> None:
    logs = StageLogs(Roots.of(FIXTURES / "legacy-2025-10"))
    key = RunKey("0001", "2025-10-18T18-30-06-976Z-41083")
    page = logs.read_now(LogRequest(key, 1))
    assert page.problem is None
    assert "timed out after 10 seconds" in page.lines[0].text


def test_the_plain_log_of_an_older_run_is_read_as_lines(tmp_path: Path) -> None:
    folder = tmp_path / ".runs" / "0001" / "mcp" / "run-1"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(
        '{"status": "failed", "commands": [{"index": 1, "command": "x", "status": "failed"}]}'
    )
    (folder / "runner.log").write_text("one\ntwo\n" + "y" * 20_000 + "\n")
    page = StageLogs(Roots.of(tmp_path)).read_now(LogRequest(RunKey("0001", "run-1"), 1))
    assert texts(page.lines)[:2] == ["one", "two"]
    assert page.lines[2].cut_bytes > 0
    assert {line.attempt for line in page.lines} == {1}


@pytest.mark.acceptance(115)
def test_the_logs_of_the_node_original_read_well() -> None:
    roots = Roots.of(FIXTURES / "node-peer")
    task = "0911-orchestrator-status-ui"
    key = RunKey(task, "2026-11-22T07-27-22-757Z-90c0adde")
    page = StageLogs(roots).read_now(LogRequest(key, 3))
    assert texts(page.lines)[1:41] == [f"test {n} ok" for n in range(1, 41)]
    assert texts(page.lines)[41:] == ["exit 0 after 0:00"]


LINES = st.tuples(
    st.text("ab\r€", max_size=8), st.integers(0, 8), st.sampled_from(["stdout", "stderr"])
)
ATTEMPTS = st.lists(
    st.tuples(
        st.sampled_from(["plain", "chunks", "mirrored"]),
        st.lists(LINES, max_size=12),
        st.booleans(),
    ),
    max_size=4,
)


def attempt(style: str, lines: list[tuple[str, int, str]], ends: bool) -> list[dict[str, Any]]:
    """Return the records of one attempt, each line in two pieces."""
    records: list[dict[str, Any]] = [START] if style == "plain" else [START, BEGIN]
    for text, cut, stream in lines:
        for piece in (text[:cut], f"{text[cut:]}\n"):
            if style != "plain":
                records.append(chunk(piece, stream))
            if style != "chunks":
                records.append(mirror(piece, stream))
    return [*records, END] if ends else records


def all_lines(content: bytes) -> tuple[LogLine, ...]:
    records = records_in(content, 0)
    rendering = LogRendering(0, begins_with_chunks(records))
    return tuple(line for record in records for line in rendering.feed(record))


@settings(max_examples=150)
@given(attempts=ATTEMPTS, max_lines=st.integers(1, 7), window=st.integers(2000, 4000))
def test_pages_in_either_direction_join_to_the_whole(
    attempts: list[tuple[str, list[tuple[str, int, str]], bool]], max_lines: int, window: int
) -> None:
    content = encoded(*(record for each in attempts for record in attempt(*each)))
    whole = all_lines(content)
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_pages, "_WINDOW_BYTES", window)
        patch.setattr(log_pages, "_BLOCK_BYTES", window)
        patch.setattr(log_pages, "LOOK_BACK_BYTES", 1000)
        path = Path(name) / "log"
        path.write_bytes(content)
        plain = LogFile(path, Path(name))
        index = StartIndex()
        log = LogFile(path, Path(name), records_in, lambda at: index.attempt_at(plain, at))
        forward: list[LogLine] = []
        page = page_after(log, 0, max_lines)
        forward += page.lines
        while not page.at_end:
            page = page_after(log, page.end, max_lines)
            assert page.end > page.start
            forward += page.lines
        assert page.end == len(content)
        backward: list[LogLine] = []
        page = page_before(log, None, max_lines)
        assert page.end == len(content)
        while True:
            backward[:0] = page.lines
            if page.at_start:
                break
            before = page.start
            page = page_before(log, page.start, max_lines)
            assert page.end == before
        assert tuple(forward) == whole
        assert tuple(backward) == whole


LOOK = LineLook(re.compile("[ab]{3}"))


@settings(max_examples=100)
@given(attempts=ATTEMPTS, step=st.integers(1, 3000))
def test_a_survey_counts_and_finds_the_lines_of_the_pages(
    attempts: list[tuple[str, list[tuple[str, int, str]], bool]], step: int
) -> None:
    content = encoded(*(record for each in attempts for record in attempt(*each)))
    whole = all_lines(content)
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_survey, "SURVEY_BYTES", step)
        patch.setattr(log_survey, "WAYPOINT_LINES", 3)
        patch.setattr(log_pages, "_BLOCK_BYTES", 2000)
        path = Path(name) / "log"
        path.write_bytes(content)
        log, end, lines = LogFile(path, Path(name)), 0, 0
        found: list[int] = []
        numbers: dict[int, int] = {}
        while True:
            step_on = log_survey.survey(log, end, [LOOK], LineChoice())
            found += step_on.found[0]
            numbers |= {s.place: lines + s.number for s in step_on.waypoints + step_on.told}
            lines, end = lines + step_on.lines, step_on.end
            if step_on.at_end:
                break
        assert end == len(content)
        assert lines == len(whole)
        assert found == [line.place for line in whole if LOOK.finds(line.text)]
        back: list[int] = []
        while end > 0:
            step_back = log_survey.survey_before(log, end, [LOOK], LineChoice())
            assert step_back.end == end > step_back.start
            back[:0], end = step_back.found[0], step_back.start
        assert back == found
        places = [line.place for line in whole]
        assert places == sorted(set(places))
        assert all(places[number - 1] == place for place, number in numbers.items())


def test_the_lines_of_one_record_lie_over_all_of_it(stage: Stage) -> None:
    stage.write(START, BEGIN, chunk("".join(f"error: number {n}\n" for n in range(1500))), END)
    request = LogRequest(stage.paths.key, 1, Whence.AFTER)
    looks = [LineLook(re.compile("error"), ("error",))]
    seen = stage.logs.survey_now(request, looks, LineChoice())
    rows = map_rows(LogPlaces(0, seen.size, 0, 1, problems=seen.found[0]), 20)
    assert sum(row.problems for row in rows) == 1500
    assert all(row.problems > 50 for row in rows)
    whole = stage.page(Whence.START, max_lines=5000).lines
    places = [line.place for line in whole if line.text.startswith("error")]
    assert list(seen.found[0]) == places
    page = stage.page(Whence.AT, places[-1])
    assert places[-1] in [line.place for line in page.lines]


@pytest.mark.parametrize("nth", [0, 1, 2_999])
def test_a_page_for_a_place_has_it_though_the_record_before_fills_a_page(
    stage: Stage, nth: int
) -> None:
    pieces = ["".join(f"{number}\n" for number in range(at, at + 3_000)) for at in (0, 3_000)]
    stage.write(START, BEGIN, *(chunk(piece) for piece in pieces), END)
    request = LogRequest(stage.paths.key, 1, Whence.AFTER)
    wanted = str(3_000 + nth)
    looks = [LineLook(re.compile(f"^{wanted}$"))]
    place = stage.logs.survey_now(request, looks, LineChoice()).found[0][0]
    page = stage.page(Whence.AT, place)
    assert [line.text for line in page.lines if line.place == place] == [wanted]


def test_a_survey_looks_at_shown_lines_alone(stage: Stage) -> None:
    stage.write(START, BEGIN, chunk("an err\x1b[31mor\n"), chunk("error\nfine\n", "stderr"), END)
    request = LogRequest(stage.paths.key, 1, Whence.AFTER, attempt=NEWEST_ATTEMPT)
    look = LineLook(re.compile("error"), ("error",))
    found = stage.logs.survey_now(request, [look], LineChoice())
    assert (found.lines, len(found.found[0])) == (5, 2)
    assert [spot.text for spot in found.told] == ["an error", "error"]
    only = LineChoice(frozenset([Stream.STDERR]))
    assert len(stage.logs.survey_now(request, [look], only).found[0]) == 1
    hidden = LineChoice(kept=LineFilter("!an", LineLook(re.compile("an")), hides=True))
    assert len(stage.logs.survey_now(request, [look], hidden).found[0]) == 1


def test_attempts_of_one_log_are_read_apart(stage: Stage) -> None:
    def page(whence: Whence = Whence.END, offset: int = 0, number: int = 0) -> LogPage:
        request = LogRequest(stage.paths.key, 1, whence, offset, 1000, number)
        return stage.logs.read_now(request)

    stage.write(START, BEGIN, chunk("first\n"), END)
    alone = page()
    assert (alone.attempt, alone.attempts) == (1, 1)
    # Output that looks like a start is none.
    stage.write(START, BEGIN, chunk('\n{"type":"command:start"}\nsecond\n'))
    newest = page()
    assert (newest.attempt, newest.attempts, newest.first) == (2, 2, alone.end)
    assert texts(newest.lines) == ["$ make", "", '{"type":"command:start"}', "second"]
    assert {line.attempt for line in newest.lines} == {2}
    assert newest.at_start and newest.at_end
    assert newest.begun_at is not None
    older = page(Whence.START, number=1)
    assert texts(older.lines) == ["$ make", "first", "exit 0 after 0:04"]
    assert (older.attempt, older.attempts, older.size) == (1, 2, alone.end)
    assert older.at_end
    last = newest.lines[-1]
    at = page(Whence.AT, last.place)
    assert at.lines[-1].text == "second"
    assert at.lines[-1].place == last.place
    # What follows the end of the first attempt is the second one.
    assert page(Whence.AFTER, alone.end).attempt == 2
    assert texts(stage.page().lines)[0:4] == ["$ make", "first", "exit 0 after 0:04", "$ make"]


def test_attempts_of_the_node_original_are_read_apart(stage: Stage) -> None:
    """A resumed run of it appends to the file that it has."""
    key = RunKey("0911-orchestrator-status-ui", "2026-11-22T07-27-23-948Z-8fcdfbda")
    log = FIXTURES / "node-peer" / ".runs" / key.task_id / "cli" / key.run_id / "commands"
    content = (log / "02-compile.ndjson").read_bytes()
    stage.path.write_bytes(content + content)
    request = LogRequest(stage.paths.key, 1, attempt=1)
    first = stage.logs.read_now(request)
    second = stage.logs.read_now(replace(request, attempt=2))
    assert (first.attempts, second.attempt) == (2, 2)
    assert texts(first.lines) == texts(second.lines)
    assert first.size == second.first == len(content)


@pytest.fixture(scope="module")
def big_log(tmp_path_factory: pytest.TempPathFactory) -> LogFile:
    """A log of 48 MB: many records of short lines, and one record too long to read."""
    folder = tmp_path_factory.mktemp("big")
    path = folder / "log"
    lines = encoded(*(chunk(f"line {n}\n") for n in range(1000)))
    with path.open("wb") as log:
        log.write(encoded(START, BEGIN))
        for _ in range(100):
            log.write(lines)
        log.write(encoded(chunk("x" * 24_000_000 + "\n")))
        for _ in range(100):
            log.write(lines)
        log.write(encoded(END))
    return LogFile(path, folder)


def test_a_page_of_a_long_log_takes_little_memory(big_log: LogFile) -> None:
    tracemalloc.start()
    end = page_before(big_log, None, 200)
    middle = page_before(big_log, end.start, 200)
    after = page_after(big_log, middle.start, 200)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert texts(end.lines)[-1] == "exit 0 after 0:04"
    assert (len(end.lines), len(middle.lines)) == (200, 200)
    assert after.lines == middle.lines
    assert peak_bytes < 8 * 1024 * 1024


def test_a_record_too_long_to_read_is_passed_over_and_told(big_log: LogFile) -> None:
    size = page_before(big_log, None, 1).size
    half = len(encoded(START, BEGIN)) + 100 * len(
        encoded(*(chunk(f"line {n}\n") for n in range(1000)))
    )
    forward = page_after(big_log, half, 1)
    assert texts(forward.lines) == ["a record of 22.9 MiB left out"]
    backward = page_before(big_log, forward.end, 10)
    assert texts(backward.lines) == ["a record of 22.9 MiB left out"]
    assert backward.start == half
    assert forward.end < size
    assert texts(page_before(big_log, backward.start, 1).lines) == ["line 999"]


def test_a_line_over_many_records_keeps_its_beginning_and_its_length(stage: Stage) -> None:
    stage.write(START, BEGIN, *(chunk("z" * 4000) for _ in range(5)), chunk("\nnext\n"))
    page = stage.page()
    assert len(page.lines[1].text) == 8192
    assert page.lines[1].cut_bytes == 20_000 - 8192
    assert page.lines[2].text == "next"
