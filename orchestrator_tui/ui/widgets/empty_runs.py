"""EmptyRuns: what stands in the table's place when there is no row, and how to begin."""

from __future__ import annotations

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.pipeline import ConfigProblem, OrchestratorConfig
from orchestrator_tui.ui.palette import style_of


@dataclass(frozen=True, slots=True)
class EmptyView:
    """Why there is no row: nothing read yet, no folder, no run, or all hidden by the filter."""

    runs_dir: str = ""
    config_path: str = ""
    is_missing: bool = False
    is_reading: bool = True
    config: OrchestratorConfig | ConfigProblem | None = None
    hidden: int = 0
    last_term: str = ""
    problem: str | None = None
    is_shown: bool = True


class EmptyRuns(Widget):
    """The words of an empty table."""

    DEFAULT_CSS = "EmptyRuns { height: 1fr; padding: 1 3; }"
    view: reactive[EmptyView] = reactive(EmptyView(), init=False)

    def watch_view(self, _old: EmptyView, new: EmptyView) -> None:
        """Take the table's place only when it is empty."""
        self.display = new.is_shown

    def render(self) -> Text:
        """Return what is missing and which keys help."""
        view = self.view
        muted = style_of(self, "muted")
        strong = style_of(self, "strong")
        key = style_of(self, "key")
        trouble = style_of(self, "state--stalled")
        text = Text(end="")
        if view.is_reading and not view.hidden:
            return text.append("Reading runs ...", muted)
        if view.hidden:
            runs = "run is" if view.hidden == 1 else "runs are"
            text.append("No run matches. ", strong)
            text.append(f"{view.hidden:,} {runs} hidden by the filter.\n\n")
            text.append("  esc", key).append("         clear the filter")
            if view.last_term:
                term = safe_text(view.last_term)
                text.append("\n  backspace", key).append(f"   drop the last term ({term})")
            return text
        title = "No runs can be seen here." if view.problem else "No runs here yet."
        text.append(f"{title}\n\n", strong)
        found = "not there yet, it is watched for" if view.is_missing else "found, empty"
        if view.problem:
            text.append(f"! {safe_text(view.problem)}\n\n", trouble)
        text.append("Looking in   ", muted).append(safe_text(view.runs_dir))
        text.append(f"   ({found})\n", muted)
        text.append("Pipelines    ", muted).append(safe_text(view.config_path))
        self._append_pipelines(text)
        text.append("\n  s", key).append("   start a run        ")
        text.append("?", key).append("   keys        ").append(":", key).append("   commands\n\n")
        text.append(
            "Runs started by codex-orchestrator or in any terminal show up by themselves.", muted
        )
        return text

    def _append_pipelines(self, text: Text) -> None:
        config = self.view.config
        muted = style_of(self, "muted")
        trouble = style_of(self, "state--stalled")
        match config:
            case OrchestratorConfig():
                count = len(config.pipelines)
                text.append(f"   {count} pipeline{'s' * (count != 1)}\n", muted)
            case ConfigProblem():
                text.append(f"\n             ! {safe_text(config.text)}\n", trouble)
            case None:
                text.append("   (not there: create it to start runs from here)\n", muted)
