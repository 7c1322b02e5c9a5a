"""The early frame: the runs as rows before Textual is loaded, which takes longer than they do.

It shows what was read of the runs so far where the home screen will show it, and so little else
that it says nothing that the first frame of the home screen would take back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.style import Style

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import BACKSTOP, safe_text
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.ordering import RunOrder
from orchestrator_tui.state.placing import Asked, SeenRuns
from orchestrator_tui.ui.colours import Palette
from orchestrator_tui.ui.look import PLAIN_GLYPHS
from orchestrator_tui.ui.tty import MIN_COLUMNS, MIN_ROWS
from orchestrator_tui.ui.widgets.cells import fit
from orchestrator_tui.ui.widgets.run_columns import Cell, RowMaker, heads_text, lead_cell

NARROW_COLUMNS: Final = 80  # below it there is no preview, and the selected run has two lines
WIDE_COLUMNS: Final = 120
SHORT_ROWS, TINY_ROWS = 24, 17  # below them the preview is small, and not there
FEW_RUNS, HANDFUL = 9, 4  # up to so many the table leaves room to the preview


@dataclass(frozen=True, slots=True)
class Page:
    """What the frame is drawn on: its size in cells, and what the terminal can show."""

    columns: int
    rows: int
    palette: Palette
    color_system: ColorSystem
    ascii_only: bool = False

    @property
    def has_room(self) -> bool:
        """Whether the home screen has room, too."""
        return self.columns >= MIN_COLUMNS and self.rows >= MIN_ROWS

    def table_rows(self, runs: int) -> int:
        """Return how many lines the table of so many runs has, as `styles/runs.tcss` has it."""
        body = self.rows - 2
        return max(0, self._pane_rows(runs, body) - 3)

    def _pane_rows(self, runs: int, body: int) -> int:
        if self.columns < NARROW_COLUMNS or self.rows < TINY_ROWS:
            return body
        is_wide, is_short = self.columns >= WIDE_COLUMNS, self.rows < SHORT_ROWS
        if runs <= (FEW_RUNS if is_wide else HANDFUL):
            return body // 2 if is_short else 13 if is_wide else 8
        if is_short:
            return body - 5
        return body - (max(9, min(20, int(0.45 * body))) if is_wide else 11)


def line_styles(palette: Palette) -> Mapping[str, Style]:
    """Return what the names that rows use add to a line, as `styles/base.tcss` has it."""
    bold = {
        "state--failed": palette.failed,
        "state--lost": palette.lost,
        "state--stalled": palette.stalled,
        "state--awaiting": palette.awaiting,
        "key": palette.primary,
    }
    plain = {
        "state--succeeded": palette.succeeded,
        "state--cancelled": palette.muted,
        "state--paused": palette.stalled,
        "state--queued": palette.muted,
        "state--running": palette.running,
        "state--unknown": palette.stalled,
        "muted": palette.muted,
    }
    return {
        "": Style.null(),
        "strong": Style(bold=True),
        "state--kept": Style(color=palette.succeeded, dim=True),
        "cursor-line": Style(bgcolor=palette.line),
        **{name: Style(color=color, bold=True) for name, color in bold.items()},
        **{name: Style(color=color) for name, color in plain.items()},
    }


def early_frame(
    fleet: Fleet, asked: Asked, seen: SeenRuns, now: datetime, *, place: str, page: Page
) -> str:
    """Return what writes the frame on an empty screen; "" where there is nothing to show.

    Made of places, styles and safe text alone, as Textual's frames are.
    """
    runs = RunOrder()
    listed = runs.answer(fleet, now, asked, seen).keys
    room = page.table_rows(len(listed))
    keys = listed[:room]
    if not keys or not page.has_room:
        return ""
    sheet = _Sheet(page)
    palette, width = page.palette, page.columns - 2
    base = Style(color=palette.text, bgcolor=palette.ground)
    bar = Style(color=palette.text, bgcolor=palette.bar)
    edge = Style(color=palette.primary, bgcolor=palette.ground)
    styles = line_styles(palette)
    muted = styles["muted"]
    title, words = " orch-tui  ", "reading "
    sheet.line(
        (title, bar + styles["strong"]),
        (fit(f"  {safe_text(place)}", page.columns - len(title)), bar + muted),
    )
    sheet.line(("╭─ ", edge), ("Runs", edge + Style(bold=True)), (f" {'─' * (width - 7)}╮", edge))
    heads = heads_text(width, asked.sort, is_reversed=asked.is_reversed)
    sheet.line(("│", edge), (fit(heads, width), base + muted), ("│", edge))
    maker = RowMaker(ascii_only=page.ascii_only)
    lines: list[tuple[Cell, ...]] = []
    for index, key in enumerate(keys):
        lead = lead_cell(is_cursor=not index, is_marked=False, is_unseen=runs.is_unseen(key))
        lines.append((lead, *maker.cells(fleet, runs, key, now, width)))
        if not index and page.columns < NARROW_COLUMNS:
            lines.append(())  # its second line
    for index in range(room):
        cells = lines[index] if index < len(lines) else ()
        ground = base + styles["cursor-line"] if not index else base
        used = sum(cell_len(cell.text) for cell in cells)
        sheet.line(
            ("│", edge),
            *((cell.text, ground + styles[cell.style]) for cell in cells),
            (" " * (width - used) if used < width else "", ground),
            ("│", edge),
        )
    sheet.line((f"╰{'─' * width}╯", edge))
    for _ in range(page.rows - room - 5):
        sheet.line((" " * page.columns, base))  # not every terminal clears in a colour
    sheet.last_line((f"{words:>{page.columns}}", bar + muted))
    return sheet.text


class _Sheet:
    """Lines of a frame, from the top down."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._lines: list[str] = []

    def line(self, *pieces: tuple[str, Style], at: int | None = None) -> None:
        """Write the next line."""
        y = len(self._lines) + 1 if at is None else at
        told = [f"\x1b[{y};1H"]
        for text, style in pieces:
            if text := BACKSTOP.sub("", text):
                if self._page.ascii_only:
                    text = text.translate(PLAIN_GLYPHS)
                told.append(style.render(text, color_system=self._page.color_system))
        self._lines.append("".join(told))

    def last_line(self, *pieces: tuple[str, Style]) -> None:
        """Write the lowest line of the terminal."""
        self.line(*pieces, at=self._page.rows)

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(self._lines)
