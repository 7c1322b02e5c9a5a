"""ActivityList: what was done and told, one line each, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.program import PROGRAM
from orchestrator_tui.state.activity import Entry, Result
from orchestrator_tui.state.away import Away, AwayRun, away_words
from orchestrator_tui.state.liveness import State
from orchestrator_tui.ui.look import Look, run_look, symbol_of
from orchestrator_tui.ui.widgets.cells import broken_at_spaces, fit, moment_words
from orchestrator_tui.ui.widgets.choice_list import MARKER_CELLS, Choice, ChoiceList
from orchestrator_tui.ui.widgets.lines import Line, LineBlock, Span

TIME_CELLS, RESULT_CELLS = 14, 11
_LOOKS: Mapping[Result, Look] = MappingProxyType(
    {
        Result.PENDING: Look("◌", ".", "queued"),
        Result.DONE: Look("✓", "+", "succeeded"),
        Result.REFUSED: Look("✗", "x", "stalled"),
        Result.UNKNOWN: Look("?", "?", "queued"),
        Result.TOLD: Look("-", "-", "queued"),
        Result.TROUBLE: Look("!", "!", "stalled"),
        Result.OVER: Look("+", "+", "succeeded"),
    }
)


@dataclass(frozen=True, slots=True)
class ActivityRow(Choice):
    """One line; `line` is what is copied, `run` the run that it concerns.

    `whole` is what the label leaves out a part of.
    """

    name: str = ""
    time: str = ""
    look: Look = _LOOKS[Result.TOLD]
    result: str = ""
    line: str = ""
    whole: str = ""
    run: RunKey | None = None
    is_head: bool = False


def row_of(entry: Entry, now: datetime) -> ActivityRow:
    """Return the line of an entry."""
    words = " ".join(entry.words.split())
    return ActivityRow(
        key="",
        label=entry.command.removeprefix(f"{PROGRAM} ") or words,
        remark=words if entry.command else "",
        name=entry.name,
        time=moment_words(entry.at, now),
        look=_LOOKS[entry.result],
        result=entry.result.value,
        line=entry.line,
        whole=entry.command,
        run=entry.key,
    )


def away_rows(away: Away, now: datetime) -> tuple[ActivityRow, ...]:
    """Return the lines that tell what happened while nobody looked; none if nothing did."""
    told = away_words(away, now.astimezone())
    if not told:
        return ()
    head = ActivityRow(
        key="", label=told, name="away", result="away", line=told, is_head=True, time="while away"
    )
    return (head, *(_away_row(each, now) for each in away.runs))


def _away_row(each: AwayRun, now: datetime) -> ActivityRow:
    row = each.row
    name = " / ".join(part for part in (row.task, row.pipeline, row.run) if part)
    says_when = row.state in (State.LOST, State.STALLED)
    why = f"{row.reason} ({each.remark})" if each.remark and not says_when else row.reason
    return ActivityRow(
        key="",
        label=name,
        remark=why,
        name=f"away {row.key}",
        time=moment_words(each.at, now),
        look=run_look(row.state),
        result=row.word.short.lower(),
        line=f"{name}: {row.word.long}: {why}",
        run=row.key,
    )


class ActivityList(ChoiceList):
    """The lines; enter opens the run that a line concerns."""

    def __init__(self, *, id: str | None = None, ascii_only: bool = False) -> None:
        super().__init__((), id=id)
        self._ascii_only = ascii_only
        self.rows: tuple[ActivityRow, ...] = ()

    @property
    def selected(self) -> ActivityRow | None:
        """The line that the cursor is on."""
        return self.rows[self.index] if self.index < len(self.rows) else None

    def take(self, rows: tuple[ActivityRow, ...]) -> None:
        """Show other lines; the cursor stays on its line."""
        if rows == self.rows:
            return
        selected, names = self.selected, [row.name for row in rows]
        index = 0 if selected is None or selected.name not in names else names.index(selected.name)
        self.rows = self._choices = rows
        if self.virtual_size.height != len(rows):
            self.virtual_size = Size(1, len(rows))
        self._go_to(index)

    def render_line(self, y: int) -> Strip:
        """Return one line."""
        index, (base, width, _) = self.scroll_offset.y + y, self.ground
        if index >= len(self.rows):
            return Strip.blank(width, base)
        row, here = self.rows[index], index == self.index
        if here:
            base += self._style("cursor-line" if self.has_focus else "cursor-line-blurred")
        quiet = base + self._style("muted")
        room = width - MARKER_CELLS - TIME_CELLS - RESULT_CELLS - 1  # the scrollbar's column
        symbol = symbol_of(row.look, ascii_only=self._ascii_only)
        segments = [
            Segment("> " if here else "  ", base),
            Segment(fit(row.time, TIME_CELLS), quiet),
        ]
        if row.is_head:
            strong = base + self._style("strong")
            segments.append(Segment(fit(safe_text(row.label), room + RESULT_CELLS), strong))
            return Strip(segments).adjust_cell_length(width, base)
        state = base + self._style(f"state--{row.look.style}")
        segments.append(Segment(fit(f"{symbol} {row.result}", RESULT_CELLS), state))
        label, remark = str(safe_text(row.label)), safe_text(row.remark)
        if remark:
            label_room = max(room // 2, room - cell_len(remark) - 2)
            label = fit(label, min(cell_len(label), label_room)) + "  "
        segments += [
            Segment(label, base),
            Segment(fit(remark, max(0, room - cell_len(label))), quiet),
        ]
        return Strip(segments).adjust_cell_length(width, base)


class ActivityDetail(LineBlock):
    """The selected line in full."""

    view: reactive[ActivityRow | None] = reactive(None, init=False, repaint=False)

    def watch_view(self) -> None:
        """Repaint the lines that differ."""
        self.rebuild()

    def build(self, width: int, height: int) -> tuple[Line, ...]:
        """Return command, result and run."""
        row = self.view
        if row is None:
            return ()
        result = symbol_of(row.look, ascii_only=self.ascii_only) + f" {row.result}  "
        head: Line = (Span(result, f"state--{row.look.style}"), Span(row.time, "muted"))
        lines: list[Line] = [] if row.is_head else [head]
        for text, style in ((row.whole or row.label, "strong"), (row.remark, "")):
            safe = safe_text(text)
            lines += (
                [
                    (Span(piece, style),)
                    for words in broken_at_spaces(safe, width - 1)
                    for piece in chop_cells(words, max(8, width - 1))
                ]
                if safe
                else []
            )
        if row.run is not None:
            lines.append((Span("run ", "muted"), Span(safe_text(str(row.run)))))
        return tuple(lines[:height])
