"""TimelinePane: the stages of a run as bars over time."""

from __future__ import annotations

from collections.abc import Sequence

from textual.reactive import reactive

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.state.formatting import elapsed
from orchestrator_tui.state.run_view import RunView
from orchestrator_tui.state.timeline import Bar, Timeline, timeline
from orchestrator_tui.ui.look import stage_look, symbol_of
from orchestrator_tui.ui.widgets.cells import fit, fit_name, fit_right
from orchestrator_tui.ui.widgets.lines import Line, Span, entitle
from orchestrator_tui.ui.widgets.reading_pane import ReadingPane

TIME_CELLS = 8
MOST_NAME_CELLS = 28
LEAST_BAR_CELLS = 10
_GLYPHS = ("█", "▒", "░")  # done, running, expected
_PLAIN_GLYPHS = ("#", "=", ".")


class TimelinePane(ReadingPane):
    """Solid bars are done, dense ones run, light ones are expected from earlier runs."""

    view: reactive[RunView | None] = reactive(None, init=False, repaint=False)

    def watch_view(self) -> None:
        """Show what changed."""
        if self.is_on_screen:
            self.rebuild()

    def on_show(self) -> None:
        """Take in what changed while it was hidden."""
        self.rebuild()

    @property
    def _glyphs(self) -> tuple[str, str, str]:
        return _PLAIN_GLYPHS if self.ascii_only else _GLYPHS

    def build(self, width: int) -> Sequence[Line]:
        """Return a bar a stage, and the scale below them."""
        found = timeline(self.view.stages) if self.view else None
        if found is None:
            return ()
        # A title that counts would repaint the whole pane each second; the header counts.
        is_known = found.expected_s is not None and found.expected_s > found.now_s
        words = f"   ~{elapsed(found.expected_s)} expected" if is_known else ""
        done, runs, expected = self._glyphs
        entitle(
            self,
            f"Timeline{words}",
            f"{done} done   {runs} running   {expected} expected from earlier runs",
        )
        titles = [len(safe_text(bar.stage.title)) for bar in found.bars]
        name_cells = min(MOST_NAME_CELLS, max(titles), width // 3)
        cells = max(LEAST_BAR_CELLS, width - name_cells - 4 - TIME_CELLS)
        lines = [self._line(bar, found, name_cells, cells) for bar in found.bars]
        return [*lines, _scale(found, name_cells, cells)]

    def _line(self, bar: Bar, found: Timeline, name_cells: int, cells: int) -> Line:
        look = stage_look(bar.stage.state)
        style = f"state--{look.style}"
        done, runs, expected = self._glyphs
        is_going = bar.stage.state in ("running", "stalled")
        begin = _cell(bar.begin_s, found, cells)
        end = begin
        if bar.end_s is not None:
            # A stage that took no time to speak of is seen all the same.
            end = max(min(begin, cells - 1) + 1, _cell(bar.end_s, found, cells))
            begin = min(begin, cells - 1)
        until = max(end, _cell(bar.expected_end_s, found, cells))
        words = bar.stage.elapsed if bar.stage.elapsed_s is not None else ""
        if bar.stage.elapsed_s is None and bar.expected_end_s is not None and bar.stage.usual:
            words = f"~{elapsed(bar.stage.usual.usual_s)}"
        return (
            Span(f" {symbol_of(look, ascii_only=self.ascii_only)} ", style),
            Span(fit_name(safe_text(bar.stage.title), name_cells) + " "),
            Span(" " * begin),
            Span((runs if is_going else done) * (end - begin), style),
            Span(expected * (until - end), "muted"),
            Span(" " * (cells - until)),
            Span(fit_right(f"{words} ", TIME_CELLS), "muted"),
        )


class TimelineStrip(TimelinePane, can_focus=False):
    """The timeline below a log, where the terminal has rows to spare."""

    def watch_view(self) -> None:
        """Show what changed, in as many rows as it takes."""
        stages = len(self.view.stages) if self.view else 0
        self.styles.height = stages + 3  # with the scale and the frame
        super().watch_view()


def _cell(moment_s: float | None, found: Timeline, cells: int) -> int:
    """Return the cell in which a moment lies, 0 for none."""
    return 0 if moment_s is None else min(cells, round(moment_s / found.length_s * cells))


def _scale(found: Timeline, name_cells: int, cells: int) -> Line:
    """Return the marks of the scale, as many as do not run into one another."""
    text, at_s = "", 0
    while at_s < found.length_s:
        place = _cell(at_s, found, cells)
        if place >= len(text) + (2 if text else 0) or not text:
            text = text.ljust(place) + elapsed(at_s)
        at_s += found.step_s
    return (Span(" " * (name_cells + 4)), Span(fit(text, cells), "muted"))
