"""The lines at the top and the bottom: where we are, what needs someone, which keys there are."""

from __future__ import annotations

from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.ui.terminal import MIN_COLUMNS, MIN_ROWS
from orchestrator_tui.ui.widgets.cells import fit, fit_right


@dataclass(frozen=True, slots=True)
class HeaderView:
    """What the header says; `clock` is the time of day as text."""

    place: str = ""
    attention: int = 0
    running: int = 0
    queued: int = 0
    failed: int = 0


class HeaderCounts(Widget):
    """Name, place, and how many runs need someone, run, or wait."""

    COMPONENT_CLASSES = {
        "state--failed",
        "state--running",
        "state--queued",
        "state--awaiting",
        "strong",
        "muted",
    }
    DEFAULT_CSS = "HeaderCounts { width: 1fr; height: 1; }"
    view: reactive[HeaderView] = reactive(HeaderView(), init=False)

    def render_line(self, y: int) -> Strip:
        """Return the line; the counts keep their place at the right."""
        view, base, width = self.view, self.rich_style, self.size.width
        wide = width >= 100
        counts = [
            ("attention" if wide else "!", view.attention, "state--awaiting"),
            ("running" if wide else ">", view.running, "state--running"),
            ("queued" if wide else ".", view.queued, "state--queued"),
            ("failed" if wide else "x", view.failed, "state--failed"),
        ]
        right = [Segment("  ", base)]
        for word, count, name in counts:
            style = base + self.get_component_rich_style(name, partial=True)
            quiet = base + self.get_component_rich_style("muted", partial=True)
            right.append(Segment(f"{word} {count}  ", style if count else quiet))
        cells = sum(segment.cell_length for segment in right)
        name_style = base + self.get_component_rich_style("strong", partial=True)
        muted = base + self.get_component_rich_style("muted", partial=True)
        left = fit(f" {safe_text(view.place)}", max(0, width - cells - 10))
        return Strip([Segment(" orch-tui ", name_style), Segment(left, muted), *right], width)


class HeaderClock(Static):
    """The time of day in a widget of its own, so that a tick repaints ten cells."""

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def show(self, text: str) -> None:
        """Show the time."""
        # Without a new layout, or each second would paint the whole screen.
        self.update(fit_right(f"{text} ", 10), layout=False)


class HeaderBar(Horizontal):
    """The line at the top."""

    def compose(self) -> ComposeResult:
        """Put the clock at the right of the counts."""
        yield HeaderCounts()
        yield HeaderClock()

    def show(self, view: HeaderView, clock: str) -> None:
        """Show counts and time; what is equal is not painted again."""
        self.query_one(HeaderCounts).view = view
        self.query_one(HeaderClock).show(clock)


@dataclass(frozen=True, slots=True)
class FooterView:
    """Keys as (key, word), and at the right how fresh the screen is."""

    keys: tuple[tuple[str, str], ...] = ()
    freshness: str = ""
    is_troubled: bool = False


class FooterBar(Widget):
    """The line at the bottom: as many keys as fit, freshness at the right."""

    COMPONENT_CLASSES = {"footer-bar--key", "state--stalled"}
    view: reactive[FooterView] = reactive(FooterView(), init=False)

    def render_line(self, y: int) -> Strip:
        """Return the line."""
        base, width = self.rich_style, self.size.width
        key_style = base + self.get_component_rich_style("footer-bar--key", partial=True)
        fresh = f" {safe_text(self.view.freshness)} " if self.view.freshness else ""
        room = width - len(fresh)
        segments: list[Segment] = [Segment(" ", base)]
        used = 1
        for key, word in self.view.keys:
            cells = len(key) + len(word) + 3
            if used + cells > room:
                break
            segments += [Segment(key, key_style), Segment(f" {word}  ", base)]
            used += cells
        segments.append(Segment(" " * max(0, room - used), base))
        trouble = self.get_component_rich_style("state--stalled", partial=True)
        segments.append(Segment(fresh, base + (trouble if self.view.is_troubled else Style())))
        return Strip(segments).adjust_cell_length(width, base)


class TooSmall(Static):
    """What is shown where there is no room for a screen."""

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def on_resize(self) -> None:
        """Name the size that there is."""
        size = self.app.size
        self.update(
            f"Too small: {size.width}x{size.height}\n"
            f"orch-tui needs {MIN_COLUMNS}x{MIN_ROWS}.\n"
            "Headless:  orch-tui list"
        )
