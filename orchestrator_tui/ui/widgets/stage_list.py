"""StageList and RunFactsPanel: the stages of a run, and what else is known of it."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.state.formatting import elapsed
from orchestrator_tui.state.run_view import Fact, StageRow, StageState
from orchestrator_tui.ui.keys import STAGE_KEYS
from orchestrator_tui.ui.look import stage_look, symbol_of
from orchestrator_tui.ui.palette import style_of
from orchestrator_tui.ui.widgets.cells import fit, fit_name, fit_right
from orchestrator_tui.ui.widgets.ground import Grounded
from orchestrator_tui.ui.widgets.lines import Line, LineBlock, Span

TIME_CELLS = 6
USUAL_CELLS = 8
USUAL_FROM_CELLS = 40  # from this width on, each stage says what it usually takes
WORD_FROM_CELLS = 32  # from this width on, a failed stage says how it ended
LABEL_CELLS = 9
FULL_FACTS_FROM_CELLS = 30
MOST_SHARE = 0.99  # a stage that runs is never shown as done

_QUIET_WORDS = frozenset(
    [StageState.SUCCEEDED, StageState.RUNNING, StageState.PENDING, StageState.KEPT]
)


def stage_name(stage: StageRow, width: int) -> str:
    """Return a stage's title in exactly `width` cells; a long one loses its middle."""
    lead = "+ " if stage.is_subpipeline else ""
    return fit_name(lead + safe_text(stage.title), width)


def shows_usual(stages: tuple[StageRow, ...], width: int) -> bool:
    """Tell whether there is a column for what stages usually take: it needs room and samples."""
    return width >= USUAL_FROM_CELLS and any(stage.usual for stage in stages)


def usual_words(stage: StageRow) -> str:
    """Return what a stage usually takes, `~4:30`, set to the right of its column."""
    words = f"~{elapsed(stage.usual.usual_s)}" if stage.usual else ""
    return fit_right(f"{words} ", USUAL_CELLS)


class StageList(ScrollView, Grounded, can_focus=True):
    """The stages in their order; the cursor moves when the user moves it, never by itself."""

    DEFAULT_CSS = "StageList { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"
    BINDINGS = STAGE_KEYS

    view: reactive[tuple[StageRow, ...]] = reactive((), init=False, repaint=False)

    class StageChosen(Message):
        """The cursor is on another stage; `index` counts from 1."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class StageOpened(Message):
        """Enter or a second click on a stage; `index` counts from 1."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ascii_only = ascii_only
        self._at = 0
        self._styles: dict[str, Style] = {}

    @property
    def _bar_below(self) -> int:
        """The place of the stage that has a bar below it, -1 for none."""
        return next((n for n, stage in enumerate(self.view) if has_bar(stage)), -1)

    def _row_of(self, at: int) -> int:
        """Return the row in which a stage stands."""
        return at + (0 <= self._bar_below < at)

    def _at_row(self, row: int) -> tuple[int, bool]:
        """Return the place of the stage in a row, and whether the row is that of its bar."""
        bar = self._bar_below
        if bar < 0 or row <= bar:
            return row, False
        return row - 1, row == bar + 1

    @property
    def _rows(self) -> int:
        return len(self.view) + (self._bar_below >= 0)

    @property
    def chosen(self) -> StageRow | None:
        """The stage that the cursor is on."""
        return self.view[self._at] if self._at < len(self.view) else None

    def choose(self, index: int) -> None:
        """Put the cursor on a stage, counted from 1, because the user asked for it."""
        self._go_to(index - 1)

    def watch_view(self, old: tuple[StageRow, ...], new: tuple[StageRow, ...]) -> None:
        """Repaint the rows that differ."""
        if [has_bar(stage) for stage in old] != [has_bar(stage) for stage in new]:
            self._at = max(0, min(self._at, len(new) - 1))
            self.virtual_size = Size(self.size.width, self._rows)
            self._keep_visible()
            self.refresh()
            return
        for at, (before, after) in enumerate(zip(old, new, strict=True)):
            if before != after:
                self._refresh_row(at)

    def _refresh_row(self, at: int) -> None:
        y = self._row_of(at) - self.scroll_offset.y
        rows = 2 if at == self._bar_below else 1
        if -rows < y < self.size.height:
            self.refresh(Region(0, y, self.size.width, rows))

    def _go_to(self, at: int) -> None:
        if not self.view:
            return
        old, self._at = self._at, max(0, min(at, len(self.view) - 1))
        self._keep_visible()
        for row in {old, self._at}:
            self._refresh_row(row)
        self.post_message(self.StageChosen(self._at + 1))

    def _keep_visible(self) -> None:
        top, height, row = self.scroll_offset.y, max(1, self.size.height), self._row_of(self._at)
        if row < top:
            self.scroll_to(y=row, animate=False)
        elif row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False)

    def action_move(self, rows: int) -> None:
        """Move the cursor by some stages."""
        self._go_to(self._at + rows)

    def action_move_to(self, end: str) -> None:
        """Move the cursor to the `first` or `last` stage."""
        self._go_to(0 if end == "first" else len(self.view) - 1)

    def action_page(self, pages: float) -> None:
        """Move the cursor by a part of the visible height."""
        self._go_to(self._at + int(pages * max(1, self.size.height - 1)))

    def action_open(self) -> None:
        """Go to what the stage wrote."""
        if self.view:
            self.post_message(self.StageOpened(self._at + 1))

    def on_click(self, event: events.Click) -> None:
        """Choose the stage under the mouse; a second click opens it."""
        at, _ = self._at_row(self.scroll_offset.y + event.y)
        if at < len(self.view):
            self._go_to(at)
            if event.chain > 1:
                self.action_open()

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor on the screen."""
        self.virtual_size = Size(event.size.width, self._rows)
        self._keep_visible()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show by the cursor's line whether keys go here."""
        super().watch_has_focus(has_focus)
        self._refresh_row(self._at)

    def notify_style_update(self) -> None:
        """Forget the styles of the theme before."""
        self._styles.clear()
        super().notify_style_update()

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = style_of(self, name)
        return self._styles[name]

    def render_line(self, y: int) -> Strip:
        """Return one stage's row."""
        base, width, _ = self.ground
        at, is_bar = self._at_row(self.scroll_offset.y + y)
        if at >= len(self.view):
            return Strip([Segment(" " * width, base)], width)
        stage, here = self.view[at], at == self._at
        if is_bar:
            return self._bar(stage, base, width)
        if here:
            base += self._style("cursor-line" if self.has_focus else "cursor-line-blurred")
        look = stage_look(stage.state)
        state = base + self._style(f"state--{look.style}")
        quiet = base + self._style("muted")
        told = width >= WORD_FROM_CELLS and stage.state not in _QUIET_WORDS
        word = f" {safe_text(stage.word)}" if told else ""
        number = f" {stage.index:>{len(str(len(self.view)))}} "
        usual = usual_words(stage) if shows_usual(self.view, width) else ""
        room = max(1, width - 2 - len(number) - TIME_CELLS - cell_len(word) - len(usual))
        waits = stage.state in (StageState.PENDING, StageState.SKIPPED)
        return Strip(
            [
                Segment(">" if here else " ", base),
                Segment(symbol_of(look, ascii_only=self._ascii_only), state),
                Segment(number, quiet),
                Segment(stage_name(stage, room), quiet if waits else base),
                Segment(word, state),
                Segment(fit_right(f"{stage.elapsed} ", TIME_CELLS), quiet if waits else base),
                *([Segment(usual, quiet)] if usual else []),
            ]
        ).adjust_cell_length(width, base)

    def _bar(self, stage: StageRow, base: Style, width: int) -> Strip:
        """Return how far a stage has come, as a bar with its usual time or share."""
        usual_s = stage.usual.usual_s if stage.usual else 0.0
        share = min(MOST_SHARE, (stage.elapsed_s or 0.0) / usual_s) if usual_s > 0 else MOST_SHARE
        indent = 3 + len(str(len(self.view)))
        is_wide = shows_usual(self.view, width)
        words = f" {share:4.0%}  " if is_wide else f" ~{elapsed(usual_s)} "
        cells = max(1, width - indent - len(words))
        filled = round(cells * share)
        full, empty = ("#", ".") if self._ascii_only else ("█", "░")
        return Strip(
            [
                Segment(" " * indent, base),
                Segment(full * filled, base + self._style("state--running")),
                Segment(empty * (cells - filled), base + self._style("muted")),
                Segment(words, base + self._style("muted")),
            ]
        ).adjust_cell_length(width, base)


class StageHeads(LineBlock):
    """What the columns of the stages are, where there is one more than the time."""

    view: reactive[tuple[StageRow, ...]] = reactive((), init=False, repaint=False)

    def watch_view(self) -> None:
        """Come and go with the column."""
        self.display = bool(self.parent and shows_usual(self.view, self._room))
        self.rebuild()

    @property
    def _room(self) -> int:
        return self.parent.size.width if isinstance(self.parent, Widget) else 0

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return the one line."""
        number = len(str(len(self.view)))
        times = fit_right("TIME ", TIME_CELLS) + fit_right("USUAL ", USUAL_CELLS)
        return ((Span(fit(f"   {'#':>{number}} STAGE", width - len(times)) + times, "muted"),),)


class StageLegend(LineBlock):
    """What the rarer signs beside the stages mean, those that are there."""

    view: reactive[tuple[StageRow, ...]] = reactive((), init=False, repaint=False)

    def watch_view(self, old: tuple[StageRow, ...], new: tuple[StageRow, ...]) -> None:
        """Show other signs."""
        if _signs(old) != _signs(new):
            self.refresh(layout=True)
        self.rebuild()

    def get_content_height(self, _container: Size, _viewport: Size, _width: int) -> int:
        """Return a row a sign."""
        return len(_signs(self.view))

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return a line a sign."""
        lines: list[Line] = []
        for state, words in _signs(self.view):
            look = stage_look(state) if state else None
            sign = symbol_of(look, ascii_only=self.ascii_only) if look else "+"
            style = f"state--{look.style}" if look else "muted"
            lines.append((Span(f" {sign} ", style), Span(fit(words, width - 3), "muted")))
        return tuple(lines[:height])


def _signs(stages: tuple[StageRow, ...]) -> tuple[tuple[str, str], ...]:
    states = {stage.state for stage in stages}
    told = (
        ("kept", "kept from earlier", StageState.KEPT in states),
        ("soft_failed", "failed, and may fail", StageState.SOFT_FAILED in states),
        ("interrupted", "its runner ended", StageState.INTERRUPTED in states),
        ("", "a run of its own, enter opens it", any(s.is_subpipeline for s in stages)),
    )
    return tuple((state, words) for state, words, holds in told if holds)


def has_bar(stage: StageRow) -> bool:
    """Tell whether a bar says how far a stage has come: it runs, and its usual time is known."""
    return stage.state == StageState.RUNNING and stage.usual is not None


def fact_words(fact: Fact) -> str:
    """Return what is known: a moment in local time, then the text; not yet safe."""
    moment = f"{fact.at.astimezone():%b %d %H:%M:%S}" if fact.at else ""
    return " ".join(part for part in (moment, fact.text) if part)


class RunFactsPanel(LineBlock):
    """What is known of a run besides its stages; in few cells only the most telling."""

    view: reactive[tuple[Fact, ...]] = reactive((), init=False, repaint=False)

    def watch_view(self, old: tuple[Fact, ...], new: tuple[Fact, ...]) -> None:
        """Repaint what differs."""
        if len(old) != len(new):
            self.refresh(layout=True)
        self.rebuild()

    def get_content_height(self, _container: Size, _viewport: Size, width: int) -> int:
        """Return a row a fact."""
        return len(self._brief(width)) if width < FULL_FACTS_FROM_CELLS else len(self.view)

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return a line a fact."""
        if width < FULL_FACTS_FROM_CELLS:
            return self._brief(width)[:height]
        room = width - LABEL_CELLS - 2
        return tuple(
            (
                Span(f" {fit(fact.label, LABEL_CELLS)}", "muted"),
                Span(fit_name(safe_text(fact_words(fact)), room)),
            )
            for fact in self.view
        )[:height]

    def _brief(self, width: int) -> tuple[Line, ...]:
        told = {fact.label: fact_words(fact) for fact in self.view}
        lines: list[Line] = []
        for label, lead in (("attempt", "attempt "), ("runner", ""), ("beat", "beat ")):
            if label in told:
                # What stands in brackets or after a semicolon is the finer part.
                words = told[label].partition(" (")[0].partition(";")[0]
                lines.append((Span(fit(f" {lead}{safe_text(words)}", width), "muted"),))
        return tuple(lines)
