"""What stands in the place of a log that is not there."""

from __future__ import annotations

from typing import Final

from orchestrator_tui.primitives import files
from orchestrator_tui.records.facts import RunShape
from orchestrator_tui.records.logs import LogLine, LogPage, Stream
from orchestrator_tui.records.manifest import CommandKind, CommandRecord
from orchestrator_tui.records.paths import Roots, run_paths_in
from orchestrator_tui.store.reading import BadContent, parse_object, reason_of
from orchestrator_tui.watch.stage_places import StagePlace

_RESPONSE_LIMIT_BYTES: Final = 64 * 1024


def problem_page(problem: str, lines: tuple[LogLine, ...] = ()) -> LogPage:
    """Return a page that says why there is nothing to show."""
    return LogPage(lines, 0, 0, 0, problem=problem)


def page_without_log(roots: Roots, place: StagePlace) -> LogPage:
    """Return why a stage has no log, or what an older run kept of its output."""
    command = place.command
    if command.kind == CommandKind.SUBPIPELINE:
        return LogPage((LogLine(Stream.NOTE, _child_words(command)),), 0, 0, 0)
    if place.ref.shape is not RunShape.CLI:
        return _older_page(roots, place)
    match command.status:
        case "pending":
            return problem_page("the stage has not started")
        case "running":
            return problem_page("the stage has written nothing yet")
        case _:
            where = run_paths_in(roots, place.ref.key, place.ref.run_dir)
            shown = roots.relative(where.stage_log(command.index, command.id))
            return problem_page(f"there is no log at {shown}")


def _child_words(command: CommandRecord) -> str:
    named = f": {command.sub_run_id}" if command.sub_run_id else ""
    match command.status:
        case "pending":
            return "this stage runs another pipeline, as a run of its own"
        case "running":
            return f"this stage runs as a run of its own{named}"
        case _:
            return f"this stage ran as a run of its own{named}"


def _older_page(roots: Roots, place: StagePlace) -> LogPage:
    """Return what a run of October 2025 kept of a stage: the texts of its response file."""
    told = place.command.extras.get("response_file")
    response = roots.repo / told if isinstance(told, str) else None
    if response is None or not response.is_relative_to(place.ref.run_dir):
        return problem_page("this run kept no output")
    try:
        content = files.read_bytes(response, limit_bytes=_RESPONSE_LIMIT_BYTES, root=roots.runs)
    except OSError as error:
        return problem_page(f"{told} cannot be read: {reason_of(error)}")
    texts = _response_texts(content)
    lines = tuple(LogLine(Stream.STDOUT, line) for text in texts for line in text.split("\n"))
    return LogPage(lines, 0, 0, len(content)) if lines else problem_page("it kept no output")


def _response_texts(content: bytes) -> list[str]:
    # The file holds a list, which is no object; as a member of one it is read by the same rules.
    document = parse_object(b'{"entries":' + content + b"}", "response")
    entries = [] if isinstance(document, BadContent) else document.get("entries")
    return [
        entry["text"]
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("text"), str)
    ]
