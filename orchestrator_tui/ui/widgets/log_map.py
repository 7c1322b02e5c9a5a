"""LogMap: the whole log in one column: where its problems, warnings, marks and hits lie."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from textual import events
from textual.message import Message
from textual.reactive import reactive

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.logs import LogSpot
from orchestrator_tui.ui.widgets.cells import fit
from orchestrator_tui.ui.widgets.lines import Line, LineBlock, Span

MAP_CELLS = 24
VISIBLE, REST = "┃", "│"


@dataclass(frozen=True, slots=True)
class LogPlaces:
    """What there is to map: places in a log that goes from `first` to `size`, each ascending.

    What lies between `top` and `bottom` is visible. `told` are problems with their words.
    """

    first: int
    size: int
    top: int
    bottom: int
    problems: Sequence[int] = ()
    warnings: Sequence[int] = ()
    marks: Sequence[int] = ()
    hits: Sequence[int] = ()
    told: Sequence[LogSpot] = ()


@dataclass(frozen=True, slots=True)
class MapRow:
    """One row: a part of the log; `place` is what is worth going to in it."""

    visible: bool
    problems: int
    warnings: int
    marks: int
    hits: int
    text: str
    place: int


def map_rows(places: LogPlaces, height: int) -> tuple[MapRow, ...]:
    """Return as many rows as there is height, each for an equal part of the file."""
    rows: list[MapRow] = []
    length = places.size - places.first
    for y in range(height if length > 0 else 0):
        begin = places.first + length * y // height
        end = places.first + length * (y + 1) // height
        parts = [
            (bisect_left(found, begin), bisect_left(found, end))
            for found in (places.problems, places.warnings, places.marks, places.hits)
        ]
        at = bisect_left(places.told, begin, key=lambda spot: spot.place)
        told = places.told[at] if at < len(places.told) and places.told[at].place < end else None
        ways = (places.problems, places.marks, places.hits, places.warnings)
        order = (parts[0], parts[2], parts[3], parts[1])
        found = (way[start] for way, (start, stop) in zip(ways, order, strict=True) if start < stop)
        is_visible = begin < max(places.bottom, places.top + 1) and end > places.top
        problems, warnings, marks, hits = (stop - start for start, stop in parts)
        text, place = told.text if told else "", next(found, begin)
        rows.append(MapRow(is_visible, problems, warnings, marks, hits, text, place))
    return tuple(rows)


class LogMap(LineBlock):
    """The map; a click goes to what the row has."""

    DEFAULT_CSS = f"LogMap {{ width: {MAP_CELLS}; }}"
    view: reactive[LogPlaces | None] = reactive(None, init=False, repaint=False, always_update=True)

    class Picked(Message):
        """A place in the log was clicked."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def watch_view(self) -> None:
        """Repaint the rows that differ."""
        self.rebuild()

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return the rows: what is in them as letters, and the first problem's words."""
        if self.view is None:
            return ()
        return tuple(_line(row, width) for row in map_rows(self.view, height))

    def on_click(self, event: events.Click) -> None:
        """Go there."""
        rows = map_rows(self.view, self.size.height) if self.view is not None else ()
        at = event.get_content_offset(self)
        if at is not None and at.y < len(rows):
            event.stop()
            self.post_message(self.Picked(rows[at.y].place))


def _line(row: MapRow, width: int) -> Line:
    words = row.text or (f"{row.hits:,} hits" if row.hits > 1 else "")
    return (
        Span(VISIBLE, "key") if row.visible else Span(REST, "muted"),
        Span("E" if row.problems else " ", "state--failed"),
        Span("W" if row.warnings else " ", "state--stalled"),
        Span("m" if row.marks else " ", "key"),
        Span("/ " if row.hits else "  ", "key"),
        Span(fit(safe_text(words), width - 6), "muted"),
    )
