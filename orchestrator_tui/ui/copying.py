"""What can be copied of a run and a stage's log, and the texts of it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text, strip_sequences
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import Manifest
from orchestrator_tui.records.pipeline import CommandStage, OrchestratorConfig
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.formatting import counted
from orchestrator_tui.state.run_view import RunView, project_run
from orchestrator_tui.ui.asked import LogPicture
from orchestrator_tui.ui.card_text import told_lines, told_of
from orchestrator_tui.ui.manifest_json import manifest_lines
from orchestrator_tui.ui.widgets.choice_list import Choice

FEW_LINES = 50
_FENCE = "````"


class Piece(StrEnum):
    """What can be copied; the value is its key."""

    LINE = "l"
    LAST = "5"
    LOADED = "s"
    CARD = "e"
    COMMAND = "c"
    REPRODUCE = "r"
    RUN = "i"
    PATH = "p"
    MANIFEST = "j"


@dataclass(frozen=True, slots=True)
class CopySource:
    """What there is to copy; texts need not be safe.

    `folder` is where the stage's command runs, `log_path` where its log lies, each as a command
    can name it and empty where it is not known.
    """

    key: RunKey
    pipeline: str = ""
    stage_index: int = 0
    stage_id: str = ""
    ending: str = ""
    command: str | None = None
    folder: str = ""
    log_path: str = ""
    manifest: Manifest | None = None
    log: LogPicture = LogPicture()
    view: RunView | None = None


def copy_source(
    fleet: Fleet,
    key: RunKey,
    stage_index: int,
    log: LogPicture | None,
    repo: str,
    now: datetime,
) -> CopySource | None:
    """Return what there is to copy of a run, None if it is gone; the log's path is left empty.

    Without `stage_index` it is the stage that counts most, without `log` the end that was read.
    """
    run, detail = fleet.runs.get(key), fleet.details.get(key)
    if run is None:
        return None
    view = project_run(run, detail, now, pipeline=fleet.pipeline_of(run))
    index = stage_index or view.tail_stage_index or view.current_index or len(view.stages)
    stage = next((s for s in view.stages if s.index == index), None)
    tail = tuple(line.text for line in view.tail)
    pipeline_id = (run.facts.pipeline_id if run.facts else None) or ""
    cwd = _cwd_of(fleet, pipeline_id, stage.id) if stage else None
    return CopySource(
        key=key,
        pipeline=pipeline_id,
        stage_index=index,
        stage_id=stage.id if stage else "",
        ending=stage.word if stage else "",
        command=stage.command if stage else None,
        folder=f"{repo}/{cwd}" if repo and cwd else repo,
        log=log or LogPicture(tail[-1] if tail else None, tail),
        view=view,
        manifest=detail.manifest if detail else None,
    )


def _cwd_of(fleet: Fleet, pipeline_id: str, stage_id: str) -> str | None:
    config = fleet.config
    pipeline = config.pipeline(pipeline_id) if isinstance(config, OrchestratorConfig) else None
    stages = pipeline.stages if pipeline else ()
    return next((s.cwd for s in stages if isinstance(s, CommandStage) and s.id == stage_id), None)


def copy_choices(source: CopySource) -> tuple[Choice, ...]:
    """Return all pieces in their order, those that are not there with the reason."""
    log, no_log = source.log, None if source.log.loaded else "no lines of a log are shown"
    few, number = min(FEW_LINES, len(log.loaded)), len(log.loaded)
    no_command = None if source.command else "this stage has no command"
    no_card = None if source.view and source.view.errors else "no stage has failed"
    line = None if log.line is not None else no_log
    return (
        Choice(Piece.LINE, "This line", strip_sequences(log.line or "").strip(), line),
        Choice(Piece.LAST, f"Last {few} lines", "", no_log),
        Choice(Piece.LOADED, "Stage log", f"{counted(number, 'line')} in memory", no_log),
        Choice(Piece.CARD, "Error card", "as Markdown", no_card),
        Choice(Piece.COMMAND, "Command", source.command or "", no_command),
        Choice(Piece.REPRODUCE, "To reproduce it", "cd and command", no_command),
        Choice(Piece.RUN, "Run id", source.key.run_id),
        Choice(Piece.PATH, "Path of the log", source.log_path, _no_path(source)),
        Choice(
            Piece.MANIFEST,
            "Manifest as JSON",
            "without its token",
            None if source.manifest else "the manifest has not been read",
        ),
    )


def _no_path(source: CopySource) -> str | None:
    return None if source.log_path else "this stage has no log of its own"


def copied_lines(source: CopySource, piece: Piece) -> tuple[str, list[str]]:
    """Return what a piece is called, and its lines, not yet safe."""
    log = source.log
    made: dict[Piece, Callable[[], tuple[str, list[str]]]] = {
        Piece.LINE: lambda: ("the line", [log.line or ""]),
        Piece.LAST: lambda: ("the end of the log", list(log.loaded[-FEW_LINES:])),
        Piece.LOADED: lambda: ("the log as read", list(log.loaded)),
        Piece.CARD: lambda: ("the error card", card_markdown(source)),
        Piece.COMMAND: lambda: ("the command", (source.command or "").split("\n")),
        Piece.REPRODUCE: lambda: ("the steps to reproduce", reproduce_block(source)),
        Piece.RUN: lambda: ("the run id", [source.key.run_id]),
        Piece.PATH: lambda: ("the path of the log", [source.log_path]),
        Piece.MANIFEST: lambda: (
            "the manifest",
            manifest_lines(source.manifest) if source.manifest else [],
        ),
    }
    what, lines = made[piece]()
    return what, [strip_sequences(line) for line in lines]


def reproduce_block(source: CopySource) -> list[str]:
    """Return shell lines that run the stage's command by hand, without its environment."""
    where = f"# stage {source.stage_index} {source.stage_id} of {source.pipeline}"
    ending = f", {source.ending}" if source.ending else ""
    head = safe_text(f"{where}, run {source.key.run_id}{ending}")
    folder = [f"cd {shlex.quote(source.folder)}"] if source.folder else []
    return [head, *folder, *(source.command or "").split("\n")]


def card_markdown(source: CopySource) -> list[str]:
    """Return why the run failed as Markdown: one heading a stage, its error output in a block."""
    view, lines = source.view, list[str]()
    for card in view.errors if view else ():
        told = [(each.label, each.text) for each in told_of(card, view)] if view else []
        told.append(("run", source.key.run_id))
        title = f"{source.pipeline}: stage {card.index} {card.stage_id} {card.words}"
        lines += [f"### {title}", ""]
        lines += [f"- {label}: `{_in_code(text)}`" for label, text in told]
        if card.output:
            cut = f" ({card.cut})" if card.cut and card.stderr else ""
            plain = map(strip_sequences, told_lines(card))
            lines += ["", f"{card.output_name}{cut}", "", _FENCE, *plain, _FENCE]
        lines.append("")
    return lines[:-1]


def _in_code(text: str) -> str:
    return safe_text(text).replace("`", "'")
