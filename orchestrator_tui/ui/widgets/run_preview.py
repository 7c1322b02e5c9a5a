"""RunPreview: the selected run at a glance; its stages, and its last output or its failure."""

from __future__ import annotations

from typing import Protocol

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.reactive import reactive

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.logs import LogLine, Stream
from orchestrator_tui.state.estimates import Forecast
from orchestrator_tui.state.formatting import counted, elapsed
from orchestrator_tui.state.liveness import FINISHED, State
from orchestrator_tui.state.run_view import ErrorCard, RunView, StageRow
from orchestrator_tui.ui.keymap import Named, edge_words, hint, named_keys
from orchestrator_tui.ui.look import run_look, stage_look, symbol_of
from orchestrator_tui.ui.widgets.cells import fit, fit_right
from orchestrator_tui.ui.widgets.lines import Line, LineBlock, Span, entitle

USUAL_CELLS = 8
MOST_BAR_CELLS = 60
BAR_FROM_ROWS = 8  # below this the output needs the row more
THIRD_PANE_FROM = 200  # columns of the terminal
STAGES_CELLS = 46  # width of the list of stages where there is room for two panes


def stage_lines(view: RunView, width: int, height: int, *, ascii_only: bool) -> tuple[Line, ...]:
    """Return a line a stage and the facts of the run; the current stage is always among them."""
    first = max(0, min(view.current_index - height // 2 - 1, len(view.stages) - height))
    shows_usual = any(stage.usual for stage in view.stages)
    lines: list[Line] = []
    for stage in view.stages[first : first + height]:
        look = stage_look(stage.state)
        symbol = symbol_of(look, ascii_only=ascii_only)
        told = stage.word if stage.state not in ("succeeded", "running", "pending") else ""
        time = fit_right(stage.elapsed, 7)
        usual = f"~{elapsed(stage.usual.usual_s)}" if stage.usual else ""
        usual = fit_right(usual, USUAL_CELLS) if shows_usual else ""
        name_cells = width - 16 - len(usual) - (len(told) + 1 if told else 0)
        name = f"+ {stage.title}" if stage.is_subpipeline else stage.title
        lines.append(
            (
                Span(f" {symbol} ", f"state--{look.style}"),
                Span(f"{stage.index:>2}  ", "muted"),
                Span(fit(safe_text(name), max(4, name_cells)) + " "),
                Span(f"{safe_text(told)} " if told else "", f"state--{look.style}"),
                Span(time, "" if stage.elapsed_s is not None else "muted"),
                *([Span(usual, "muted")] if usual else []),
            )
        )
    if len(lines) + 2 <= height:
        lines.append(())
        for fact in view.facts:
            text = f"{fact.at.astimezone():%b %d %H:%M:%S} " if fact.at else ""
            label = Span(f" {fact.label:<9} ", "muted")
            lines.append((label, Span(fit(safe_text(text + fact.text), max(1, width - 11)))))
        if view.row.state is State.RUNNING and shows_usual:
            is_slow = "SLOW" in view.row.badges
            pace = Span("yes", "state--stalled") if is_slow else Span("no")
            lines += [(), (Span(" slower than usual: ", "muted"), pace)]
    return tuple(lines[:height])


def progress_line(forecast: Forecast, width: int, *, ascii_only: bool) -> Line:
    """Return a bar of what is done of a run, and what is left of it, both estimated."""
    words = f"  {forecast.share:>4.0%}  {forecast.words} ({forecast.grounds})"
    cells = min(MOST_BAR_CELLS, width - len(words) - 2)
    if cells < 5:
        return (Span(fit(f"  {forecast.words}", width), "muted"),)
    done = int(forecast.share * cells)
    full, empty = ("#", ".") if ascii_only else ("█", "░")
    return (
        Span(f" {full * done}", "state--running"),
        Span(empty * (cells - done), "muted"),
        Span(words, "muted"),
    )


def strip_line(view: RunView, width: int, *, ascii_only: bool) -> Line:
    """Return all stages on one line, from the last done on where they do not fit."""
    pieces = [_strip_piece(stage, ascii_only=ascii_only) for stage in view.stages]
    begin = 0
    while begin < view.current_index - 1 and sum(len(p.text) for p in pieces[begin:]) > width - 4:
        begin += 1
    head = (Span(f"+{begin} ", "muted"),) if begin else ()
    return (Span(" "), *head, *pieces[begin:])


def _strip_piece(stage: StageRow, *, ascii_only: bool) -> Span:
    look = stage_look(stage.state)
    time = f" {stage.elapsed}" if stage.elapsed_s is not None else ""
    text = f"{symbol_of(look, ascii_only=ascii_only)} {safe_text(stage.title)}{time}  "
    return Span(text, f"state--{look.style}")


def log_line(line: LogLine, width: int) -> Line:
    """Return a line of output: time, gutter, text."""
    clock = f" {line.at.astimezone():%H:%M:%S} " if line.at else " " * 10
    gutter, style = "  ", ""
    if line.stream is Stream.STDERR:
        gutter = "E "
    elif line.stream is Stream.NOTE:
        style = "muted"
    text = fit(safe_text(line.text), max(1, width - 12))
    return (Span(clock, "muted"), Span(gutter, "state--failed"), Span(text, style))


def failure_lines(card: ErrorCard, width: int, room: int) -> tuple[Line, ...]:
    """Return the first and last lines of a failed stage's stderr, in at most `room` lines.

    Where it wrote none, those are the last lines of its standard output.
    """
    if not card.output:
        return ((Span(fit(f"   {safe_text(card.reason)}", width)),),)[:room]
    lines: list[Line] = []
    shown = card.stderr or card.stdout[-max(1, room) :]
    if len(shown) > room:
        first = max(1, (room - 1) // 2)
        last = max(0, room - 1 - first)
        left_out = len(shown) - first - last
        note = f"   .. {counted(left_out, 'line')} .."
        lines += [_error_line(text, width) for text in shown[:first]]
        lines.append((Span(fit(f"{note}  {card.cut}", width), "muted"),))
        lines += [_error_line(text, width) for text in shown[len(shown) - last :]]
    else:
        lines += [_error_line(text, width) for text in shown]
    return tuple(lines[: max(0, room)])


def _error_line(text: str, width: int) -> Line:
    return (Span("   "), Span(fit(safe_text(text), max(1, width - 3)), "stderr"))


class StagesBrief(LineBlock):
    """The stages of the selected run."""

    view: reactive[RunView | None] = reactive(None, init=False, repaint=False)

    def watch_view(self) -> None:
        """Repaint what differs."""
        self.rebuild()

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return the stages."""
        if self.view is None:
            return ()
        return stage_lines(self.view, width, height, ascii_only=self.ascii_only)


class OutputBrief(LineBlock):
    """The last output of the selected run, or its failure; with the stages where it is alone.

    With `is_beside_card` the failure is told by another pane, so the output is always shown.
    """

    view: reactive[RunView | None] = reactive(None, init=False, repaint=False)
    is_beside_card = False

    def watch_view(self) -> None:
        """Repaint what differs."""
        self.rebuild()

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return state, reason and output."""
        view = self.view
        if view is None:
            return ()
        row, look = view.row, run_look(view.row.state)
        has_bar = view.forecast is not None and height >= BAR_FROM_ROWS
        left = f"  {view.forecast.words}" if view.forecast and not has_bar else ""
        words = f"{row.word.long}  {row.elapsed}{left}  {row.reason}"
        if row.badges:
            words += f"  [{', '.join(row.badges)}]"
        symbol = symbol_of(look, ascii_only=self.ascii_only)
        lines: list[Line] = [
            (Span(fit(f" {symbol} {safe_text(words)}", width), f"state--{look.style}"),)
        ]
        if view.stages and not self.screen.has_class("-wide"):
            lines.append(strip_line(view, width, ascii_only=self.ascii_only))
        lines += [
            (Span(fit(f" ! {safe_text(problem)}", width), "state--stalled"),)
            for problem in view.problems[:2]
        ]
        if view.forecast and has_bar:
            lines.append(progress_line(view.forecast, width, ascii_only=self.ascii_only))
        room = height - len(lines)
        card = view.errors[0] if view.errors and not view.errors[0].is_past else None
        if row.state is State.FAILED and card is not None and not self.is_beside_card:
            lines += failure_lines(card, width, room)
        elif view.tail:
            lines += [log_line(line, width) for line in view.tail[-max(0, room) :]]
        elif view.is_loaded:
            waits = "no output" if row.state in FINISHED else "no output yet"
            lines.append((Span(f"   {waits}", "muted"),))
        return tuple(lines[:height])


_OPEN = hint("open", "run.open")


class _Card(Protocol):
    display: bool
    view: RunView | None


class RunPreview(Horizontal):
    """The selected run below the table: one pane, or two where the screen is `-wide`.

    From `THIRD_PANE_FROM` columns on a third tells why a run failed.
    """

    view: reactive[RunView | None] = reactive(None, init=False, repaint=False)

    def __init__(self, *, ascii_only: bool = False, named: Named | None = None) -> None:
        super().__init__()
        self._ascii_only = ascii_only
        named = named_keys() if named is None else named
        self._key_names = named
        self._beside: list[_Card] = []
        self._hint_going = edge_words((_OPEN, hint("cancel", "run.cancel")), named)
        self._hint_over = edge_words((_OPEN, hint("run again", "run.again")), named)

    def compose(self) -> ComposeResult:
        """Yield the two panes."""
        yield StagesBrief(classes="pane", ascii_only=self._ascii_only)
        yield OutputBrief(classes="pane", ascii_only=self._ascii_only)

    async def on_resize(self) -> None:
        """Tell a failure in a pane of its own where there is room for it."""
        if self.app.size.width >= THIRD_PANE_FROM and not self._beside:
            # Loaded and made when it is first needed: most terminals never are so wide.
            from orchestrator_tui.ui.widgets.failure_beside import FailureBeside

            named, plain = self._key_names, self._ascii_only
            card = FailureBeside(named, classes="pane", ascii_only=plain)
            self._beside = [card]
            await self.mount(card)
        self._show_failure(self.view)

    def _show_failure(self, view: RunView | None) -> None:
        has_failed = view is not None and view.row.state is State.FAILED
        is_told = bool(has_failed and view and view.errors and not view.errors[0].is_past)
        output = self.query_one(OutputBrief)
        output.is_beside_card = False
        for card in self._beside:
            is_wide = self.app.size.width >= THIRD_PANE_FROM
            output.is_beside_card = card.display = is_told and is_wide
            card.view = view

    def watch_view(self, _old: RunView | None, new: RunView | None) -> None:
        """Hand the view to the panes and name the run above them."""
        self._show_failure(new)
        stages, output = self.query_one(StagesBrief), self.query_one(OutputBrief)
        stages.view = output.view = new
        if new is None:
            entitle(output, "", "")
            return
        goes_on = new.cancel_refusal is None and new.resume_refusal is not None
        entitle(stages, f"Stages {new.row.stages_done}/{new.row.stage_of}", "")
        entitle(output, new.title, self._hint_going if goes_on else self._hint_over)
