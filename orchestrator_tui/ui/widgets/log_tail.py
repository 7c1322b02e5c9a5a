"""LogTail: the last lines of a log that fit, without keys of its own."""

from __future__ import annotations

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from orchestrator_tui.records.logs import LogLine, Stream
from orchestrator_tui.ui.ansi import segments, styled_text
from orchestrator_tui.ui.widgets.cells import CUT


class LogTail(Widget):
    """The end of a log as far as its height reaches; a line that is too long is cut."""

    COMPONENT_CLASSES = {"log--time", "log--error", "log--note", "log--cut"}
    DEFAULT_CSS = "LogTail { height: 1fr; }"

    view: reactive[tuple[LogLine, ...]] = reactive((), init=False)

    def render_line(self, y: int) -> Strip:
        """Return one line; the last one stands on the last row, once there are enough."""
        base, width, height = self.rich_style, self.size.width, self.size.height
        shown = self.view[-height:] if height else ()
        if y >= len(shown):
            return Strip.blank(width, base)
        line = shown[y]
        time_style = base + self.get_component_rich_style("log--time", partial=True)
        error = base + self.get_component_rich_style("log--error", partial=True)
        note = base + self.get_component_rich_style("log--note", partial=True)
        time = f"{line.at.astimezone():%H:%M:%S} " if line.at else " " * 9
        text = styled_text(line.text)
        body = Strip(segments(text.plain, text.spans, note if line.stream is Stream.NOTE else base))
        mark = Segment("E " if line.stream is Stream.STDERR else "  ", error)
        strip = Strip([Segment(time, time_style), mark, *body])
        if strip.cell_length > width or line.cut_bytes:
            cut = Segment(CUT, base + self.get_component_rich_style("log--cut", partial=True))
            strip = Strip([*strip.crop(0, max(0, width - 1)), cut])
        return strip.adjust_cell_length(width, base)
