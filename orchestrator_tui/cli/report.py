"""Report: one run as text, for `status` and at the end of `start` and `resume`."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator_tui.cli.output import ascii_only, coloured, print_line
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.program import PROGRAM
from orchestrator_tui.state.liveness import State
from orchestrator_tui.state.run_view import ErrorCard, Fact, RunView, StageRow, StageState
from orchestrator_tui.ui.look import run_look, stage_look, symbol_of

STDERR_LINES = 12  # of the end of an error output; `logs` shows the rest
_AGAIN = frozenset([State.FAILED, State.CANCELLED, State.LOST])


def print_report(view: RunView) -> None:
    """Print what is known of a run: state and reason, stages, problems, what to do next."""
    look = run_look(view.row.state)
    head = f"{symbol_of(look, ascii_only=ascii_only())} {view.row.word.long}"
    badges = "".join(f"  {badge}" for badge in view.row.badges)
    told = f"{head}  {view.title}  {view.row.elapsed}{badges}"
    print_line(coloured(safe_text(told), view.row.state))
    print_line(f"  {safe_text(view.row.reason)}")
    for fact in view.facts:
        print_line(safe_text(f"  {fact.label:<9} {_fact_text(fact)}"))
    for stage in view.stages:
        print_line(safe_text(stage_line(stage, len(view.stages))))
    for problem in view.problems:
        print_line(safe_text(f"  ! {problem}"))
    for card in view.errors:
        if not card.is_past:
            for line in card_lines(card):
                print_line(line)
    for line in next_lines(view):
        print_line(line)


def _fact_text(fact: Fact) -> str:
    moment = f"{fact.at.astimezone():%Y-%m-%d %H:%M:%S}" if fact.at else ""
    return " ".join(part for part in (moment, fact.text) if part)


def stage_line(stage: StageRow, of: int) -> str:
    """Return one line on a stage, not yet safe."""
    symbol = symbol_of(stage_look(stage.state.value), ascii_only=ascii_only())
    line = f"  {symbol} {stage.index}/{of} {stage.id}  {stage.word}"
    if stage.elapsed_s is not None:
        line += f"  {stage.elapsed}"
    # A progress bar draws over itself: the last of what it drew stays.
    first = stage.summary.partition("\n")[0].rstrip("\r").rpartition("\r")[2]
    shown = first and stage.state not in (StageState.FAILED, StageState.PENDING)
    return f"{line}  {first}" if shown else line


def card_lines(card: ErrorCard, *, all_lines: bool = False) -> Iterator[str]:
    """Yield why a stage failed, safe: a headline and the end of its error output, or all of it."""
    yield safe_text(f"  {card.title}: {card.words}; {card.reason}")
    if card.cut:
        yield safe_text(f"    stderr: {card.cut}")
    kept = [line for line in card.stderr if line.strip()]
    shown = kept if all_lines else kept[-STDERR_LINES:]
    if len(kept) > len(shown):
        yield f"    … {len(kept) - len(shown)} lines before"
    for line in shown:
        yield f"    {safe_text(line)}"


def next_lines(view: RunView) -> Iterator[str]:
    """Yield the commands that a person is likely to want next, safe."""
    failed = next((s for s in view.stages if s.state == StageState.FAILED), None)
    if failed:
        # Without an error output there would be nothing to print.
        told = any(card.index == failed.index and card.stderr for card in view.errors)
        only = " --errors" if told else ""
        yield safe_text(f"  logs:   {PROGRAM} logs {view.row.run} --stage {failed.id}{only}")
    if view.row.state in _AGAIN and view.resume_refusal is None:
        yield safe_text(f"  again:  {PROGRAM} resume {view.row.run}")
