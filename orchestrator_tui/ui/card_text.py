"""What is told of a failure: the same words on its card, in Markdown and by `orch-tui errors`."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import strip_sequences
from orchestrator_tui.state.attempts import stage_numbers
from orchestrator_tui.state.formatting import counted, elapsed
from orchestrator_tui.state.observations import EarlierRun, SinceGreen
from orchestrator_tui.state.run_view import ErrorCard, RunView, StageState
from orchestrator_tui.state.same_failure import EarlierFailure, failure_words
from orchestrator_tui.ui.failure_text import first_error, first_problem, named_place

HEAD_LINES = 10  # of an error output that is longer than all that is shown of it
TAIL_LINES = 30
AROUND_LINES = 3  # shown before and after the line that tells most
NAMES_LENGTH = 120  # characters of the names of changed files
_STAYS = (StageState.SUCCEEDED, StageState.KEPT, StageState.SKIPPED, StageState.SOFT_FAILED)


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is told of a failure; the text is not yet safe for a terminal."""

    label: str
    text: str
    style: str = ""


def told_of(card: ErrorCard, view: RunView) -> tuple[Told, ...]:
    """Return what is known of a failure, what tells most first."""
    line = error_line(card)
    before = changed = ""
    if not card.is_past:
        before = failure_words(card.stage_id, line, _failures(view.earlier))
        changed = changed_words(view.since_green)
    told = (
        Told("error", line, "strong"),
        Told("at", place_in(card) or "", "key"),
        Told("command", card.command or ""),
        Told("ran", _ran(card)),
        Told("reason", card.reason),
        Told("file", card.path or ""),
        Told("before", before),
        Told("changed", changed),
    )
    return tuple(each for each in told if each.text)


def error_line(card: ErrorCard) -> str:
    """Return the line that tells most, without its escape sequences; empty where none does.

    Whatever stands last on stderr tells something; the last line of a standard output need not.
    """
    plain = [strip_sequences(line) for line in card.output]
    return (first_error(plain) if card.stderr else first_problem(plain)) or ""


def place_in(card: ErrorCard) -> str | None:
    """Return the place in the source that a failure names, or None.

    A standard output names many places: that of the line that tells most comes first.
    """
    plain = [strip_sequences(line) for line in card.output]
    if card.stderr:
        return named_place(plain)
    line = error_line(card)
    return (named_place([line]) or named_place(plain)) if line else None


def _ran(card: ErrorCard) -> str:
    parts = [
        f"in {card.cwd}" if card.cwd not in (None, "", ".") else "",
        f"started {card.started_at.astimezone():%b %d %H:%M:%S}" if card.started_at else "",
        f"took {elapsed(card.took_s)}" if card.took_s is not None else "",
        f"ended {card.at.astimezone():%b %d %H:%M:%S}" if card.at and not card.started_at else "",
        f"attempt {card.attempt} of {card.attempts}" if card.attempts > 1 else "",
    ]
    return "   ".join(part for part in parts if part)


def headline(card: ErrorCard) -> str:
    """Return the stage, how it ended and when: `stage 4 Test   exit 1   6:02 into the run`."""
    into = ""
    if card.into_s is not None and not card.is_past:
        into = f"   {elapsed(card.into_s)} into the {'attempt' if card.attempts > 1 else 'run'}"
    past = "   before the present attempt" if card.is_past else ""
    return f"stage {card.index} {card.title}   {card.words}{into}{past}"


def changed_words(since: SinceGreen | None) -> str:
    """Return which files changed in git since a run that succeeded; empty where nobody knows."""
    if since is None:
        return ""
    if not since.count:
        return f"nothing in git since green run {since.run.short}"
    shown: list[str] = []
    for name in since.names:
        if shown and sum(map(len, shown)) + len(name) > NAMES_LENGTH:
            break
        shown.append(name)
    more = since.count - len(shown)
    rest = f" +{more} more" if more > 0 else ""
    files = counted(since.count, "file")
    return f"{files} since green run {since.run.short}: {', '.join(shown)}{rest}"


def _failures(earlier: Sequence[EarlierRun]) -> tuple[EarlierFailure, ...]:
    """Return the error line of each stage that failed in earlier runs."""
    return tuple(
        EarlierFailure(
            run.key.short,
            run.has_failed,
            {
                error.stage_id: first_error(map(strip_sequences, error.stderr.split("\n"))) or ""
                for error in run.errors
            },
        )
        for run in earlier
    )


@dataclass(frozen=True, slots=True)
class OutputPart:
    """Lines of an output that follow one another; `left_out` come before them."""

    left_out: int
    lines: tuple[str, ...]


def shown_output(card: ErrorCard) -> tuple[OutputPart, ...]:
    """Return the first and the last lines, and those around the one that tells most.

    Of a standard output only the end is known: its first lines there say nothing more than others.
    """
    lines = card.output
    if len(lines) <= HEAD_LINES + TAIL_LINES:
        return (OutputPart(0, lines),) if lines else ()
    error, head = error_at(card), HEAD_LINES if card.stderr else 0
    around = range(error - AROUND_LINES, error + AROUND_LINES + 1) if error >= 0 else ()
    last = range(len(lines) - HEAD_LINES - TAIL_LINES + head, len(lines))
    wanted = {*range(head), *around, *last}
    parts: list[OutputPart] = []
    begin, end = 0, 0  # of what was shown last
    for number in [*sorted(n for n in wanted if 0 <= n < len(lines)), len(lines) + 1]:
        if number != end:
            left_out = begin - (sum(p.left_out + len(p.lines) for p in parts))
            parts.append(OutputPart(left_out, lines[begin:end]))
            begin = number
        end = number + 1
    return tuple(part for part in parts if part.lines)


def told_lines(card: ErrorCard) -> tuple[str, ...]:
    """Return what is printed of an output: all that was kept of stderr, what is shown of stdout."""
    shown = (line for part in shown_output(card) for line in part.lines)
    return card.stderr or tuple(shown)


def error_at(card: ErrorCard) -> int:
    """Return the place of the line that tells most in the output, -1 for none."""
    told = error_line(card)
    if not told:
        return -1
    return next((n for n, line in enumerate(card.output) if told in strip_sequences(line)), -1)


def output_words(card: ErrorCard) -> str:
    """Return how much of an output is shown, and how much of it was kept at all."""
    shown = sum(len(part.lines) for part in shown_output(card))
    of = len(card.output)
    lines = f"{shown} of {counted(of, 'line')}" if shown < of else counted(of, "line")
    if not card.stderr:
        return f"its end: {lines}"
    return "; ".join(part for part in (lines, card.cut) if part)


def _again(way: str) -> tuple[str, ...]:
    return ("run.again", f"run.again_{way}")


def ways_to_go_on(view: RunView, card: ErrorCard) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Return the bindings that go on from a failure, and what each does, in order."""
    kept = stage_numbers([stage.index for stage in view.stages if stage.state in _STAYS])
    keeps = f" (keeps {kept})" if kept else ""
    where = next((s.index for s in view.stages if s.state not in _STAYS), card.index)
    again: list[tuple[tuple[str, ...], str]] = [
        (_again("resume"), f"resume from stage {where}{keeps}"),
        (_again("from"), "run from a stage on"),
        (_again("new"), "new run, same pipeline and task"),
        (_again("only"), f"only stage {where}"),
    ]
    if view.resume_refusal is not None:
        again = [(_again("new"), "new run"), ((), f"no resume: {view.resume_refusal}")]
    stage = next((s for s in view.stages if s.index == card.index), None)
    more: tuple[tuple[str, ...], str] = (("app.full_log",), "full log at the first error")
    if stage is not None and stage.is_subpipeline:  # its output is that of another run
        more = ((), f"run {stage.child.short}, among Children, says why" if stage.child else "")
    return (*again, more, (("copy.menu", "copy.piece_e"), "copy this as Markdown"))
