"""The logs of all stages of a run as one: every offset keeps its meaning while stages come."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator_tui.records.line_looks import LineChoice, LineLook
from orchestrator_tui.records.logs import ALL_STAGES, LogPage, LogRequest, Whence
from orchestrator_tui.records.manifest import CommandRecord
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.watch import log_pages
from orchestrator_tui.watch.joined_logs import JoinedLog, joined
from orchestrator_tui.watch.logs import StageLogs
from tests.watch.disk import write_run
from tests.watch.test_logs import BEGIN, END, START, chunk, encoded, texts

STAGES = ("build", "test", "ship")


class Run:
    """A run of three stages, and what all their logs show together."""

    def __init__(self, repo: Path) -> None:
        self.roots = Roots.of(repo)
        commands = tuple(
            CommandRecord(index=n, id=name, title=name.title(), command="make", status="running")
            for n, name in enumerate(STAGES, 1)
        )
        self.paths = write_run(self.roots, commands=commands)
        self.logs = StageLogs(self.roots)

    def path(self, name: str) -> Path:
        return self.paths.stage_log(STAGES.index(name) + 1, name)

    def write(self, name: str, *said: str, torn: bytes = b"") -> None:
        content = encoded(START, BEGIN, *(chunk(f"{text}\n") for text in said), END)
        with self.path(name).open("ab") as log:
            log.write(content + torn)

    def page(self, whence: Whence = Whence.END, offset: int = 0, lines: int = 1000) -> LogPage:
        return self.logs.read_now(LogRequest(self.paths.key, ALL_STAGES, whence, offset, lines))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_stages_stand_one_after_the_other_below_their_titles(run: Run) -> None:
    run.write("build", "compiled")
    run.write("ship", "sent")
    page = run.page()
    assert texts(page.lines) == [
        *("==== 1 Build ====", "$ make", "compiled", "exit 0 after 0:04"),
        *("==== 3 Ship ====", "$ make", "sent", "exit 0 after 0:04"),
    ]
    assert (page.at_start, page.at_end, page.attempts) == (True, True, 1)
    assert page.begun_at is not None
    assert {line.attempt for line in page.lines} == {1}


def test_what_comes_is_read_on_through_the_stages(run: Run) -> None:
    run.write("build", "one")
    page = run.page()
    for name, said in (("build", "two"), ("test", "three"), ("test", "four"), ("ship", "five")):
        run.write(name, said)
        page = run.page(Whence.AFTER, page.end)
        assert not page.replaced
        assert said in texts(page.lines)
        assert page.at_end
    whole = texts(run.page(Whence.START).lines)
    assert [text for text in whole if text.isalpha()] == ["one", "two", "three", "four", "five"]


def test_a_torn_log_ends_before_the_next_stage_begins(run: Run) -> None:
    run.write("build", "one", torn=b'{"type":"exec:chu')
    run.write("test", "two")
    assert texts(run.page().lines)[4:7] == [
        "a record that cannot be read",
        "==== 2 Test ====",
        "$ make",
    ]


@pytest.mark.parametrize("change", ["a stage before it", "another file", "shorter"])
def test_offsets_of_a_log_that_changed_before_its_end_are_refused(run: Run, change: str) -> None:
    run.write("build", "one")
    run.write("ship", "two")
    page = run.page()
    if change == "a stage before it":
        run.write("test", "late")
    elif change == "another file":
        content = run.path("build").read_bytes()
        run.path("build").rename(run.path("build").with_suffix(".old"))
        run.path("build").write_bytes(content)
    else:
        run.path("ship").write_bytes(b"")
        run.write("ship")
    assert run.page(Whence.AFTER, page.end).replaced
    assert run.page().lines


def test_links_and_logs_of_nothing_are_left_out(run: Run) -> None:
    run.write("ship", "sent")
    run.path("build").symlink_to("/etc/passwd")
    run.path("test").write_bytes(b"")
    assert texts(run.page().lines)[0] == "==== 3 Ship ===="
    run.path("ship").unlink()
    nothing = run.page()
    assert (nothing.lines, nothing.problem, nothing.at_end) == ((), None, True)


def test_a_survey_finds_lines_of_every_stage(run: Run) -> None:
    run.write("build", "an error")
    run.write("test", "fine", "error")
    look = LineLook(re.compile("error"))
    request = LogRequest(run.paths.key, ALL_STAGES, Whence.AFTER)
    found = run.logs.survey_now(request, [look], LineChoice())
    lines = run.page().lines
    assert found.lines == len(lines)
    assert found.found[0] == tuple(line.place for line in lines if "error" in line.text)


@settings(max_examples=60)
@given(
    said=st.lists(st.lists(st.text("ab\n", max_size=30), max_size=6), min_size=3, max_size=3),
    max_lines=st.integers(1, 5),
    window=st.integers(1500, 4000),
)
def test_pages_in_either_direction_join_to_the_whole(
    said: list[list[str]], max_lines: int, window: int
) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_pages, "_WINDOW_BYTES", window)
        patch.setattr(log_pages, "_BLOCK_BYTES", window)
        patch.setattr(log_pages, "LOOK_BACK_BYTES", 1000)
        run = Run(Path(name))
        for stage, texts_said in zip(STAGES, said, strict=True):
            run.write(stage, *texts_said)
        whole = texts(run.page(Whence.START).lines)
        forward: list[str] = []
        page = run.page(Whence.START, 0, max_lines)
        while True:
            forward += texts(page.lines)
            if page.at_end:
                break
            page = run.page(Whence.AFTER, page.end, max_lines)
        backward: list[str] = []
        page = run.page(Whence.END, 0, max_lines)
        while True:
            backward[:0] = texts(page.lines)
            if page.at_start:
                break
            page = run.page(Whence.BEFORE, page.start, max_lines)
        assert forward == backward == whole


@settings(max_examples=100)
@given(
    contents=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4),
    offset=st.integers(0, 400),
    limit=st.integers(0, 200),
)
def test_any_piece_of_the_whole_can_be_read(contents: list[bytes], offset: int, limit: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stages = [(n, "x", folder / str(n)) for n in range(len(contents))]
        for (_, _, path), content in zip(stages, contents, strict=True):
            path.write_bytes(content)
        log: JoinedLog = joined(folder, stages)
        whole = b""
        for part, content in zip(log.parts, contents, strict=True):
            is_torn = part is not log.parts[-1] and not content.endswith(b"\n")
            whole += part.heading + content + b"\n" * is_torn
        signature, piece = log.read(offset, limit)
        assert piece == whole[offset : offset + limit]
        if offset <= len(whole):
            assert signature.size == len(whole)
