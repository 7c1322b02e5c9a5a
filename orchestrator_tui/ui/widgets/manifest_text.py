"""ManifestText: the facts of a run and its whole manifest, to read."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.reactive import reactive

from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.manifest import Manifest
from orchestrator_tui.state.run_view import RunView
from orchestrator_tui.ui.manifest_json import manifest_lines
from orchestrator_tui.ui.widgets.cells import fit
from orchestrator_tui.ui.widgets.lines import Line, Span
from orchestrator_tui.ui.widgets.reading_pane import ReadingPane, folded_lines
from orchestrator_tui.ui.widgets.stage_list import fact_words

LABEL_CELLS = 10
LINE_LIMIT = 4_000  # characters of one JSON line
MOST_LINES = 20_000


class ManifestText(ReadingPane):
    """What is known of a run in words, then its manifest as JSON; read-only."""

    view: reactive[RunView | None] = reactive(None, init=False, repaint=False)
    manifest: reactive[Manifest | None] = reactive(None, init=False, repaint=False)

    def watch_view(self, old: RunView | None, new: RunView | None) -> None:
        """Show other facts."""
        if self.is_on_screen and (old is None or new is None or old.facts != new.facts):
            self.rebuild()

    def watch_manifest(self) -> None:
        """Show another manifest."""
        if self.is_on_screen:
            self.rebuild()

    def on_show(self) -> None:
        """Take in what changed while it was hidden."""
        self.rebuild()

    def build(self, width: int) -> Sequence[Line]:
        """Return facts, problems and JSON."""
        lines: list[Line] = []
        if self.view is not None:
            for fact in self.view.facts:
                label = Span(f" {fit(fact.label, LABEL_CELLS)}", "muted")
                room = max(8, width - LABEL_CELLS - 1)
                lines.append((label, Span(fit(safe_text(fact_words(fact)), room))))
            for problem in self.view.problems:
                lines += folded_lines(
                    f"! {safe_text(problem)}", width, indent=1, style="state--stalled"
                )
            lines.append(())
        if self.manifest is not None:
            lines += self._json(self.manifest, width)
        return lines

    @staticmethod
    def _json(manifest: Manifest, width: int) -> list[Line]:
        texts = manifest_lines(manifest)[:MOST_LINES]
        return [line for text in texts for line in _json_lines(text, width)]


def _json_lines(text: str, width: int) -> list[Line]:
    """Return one line of JSON, its name dim; a value that is too long goes on below."""
    name, colon, value = text.partition('": ')
    if not colon or not name.lstrip().startswith('"'):
        return folded_lines(_json_value(text), width, indent=1)
    key = Span(f" {safe_text(name)}{colon}", "muted")
    shown = _json_value(value)
    if cell_len(key.text) + cell_len(shown) <= width:
        return [(key, Span(shown))]
    indent = len(text) - len(text.lstrip()) + 3
    return [(key,), *folded_lines(shown, width, indent=indent)]


def _json_value(text: str) -> str:
    return safe_text(text, limit=LINE_LIMIT)
