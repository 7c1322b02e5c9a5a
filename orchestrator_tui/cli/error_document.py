"""The document of `errors`, apart from the others for it needs the words of the failure card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orchestrator_tui.cli.documents import git_document
from orchestrator_tui.records.manifest import JsonObject
from orchestrator_tui.records.times import format_time
from orchestrator_tui.state.observations import SinceGreen
from orchestrator_tui.state.run_view import ErrorCard, RunView
from orchestrator_tui.ui.card_text import told_lines, told_of

ERRORS_SCHEMA: Final = "orch-tui/errors/1"


def errors_document(view: RunView, cards: Sequence[ErrorCard]) -> JsonObject:
    """Return what `errors --format json` prints of a run."""
    return {
        "schema": ERRORS_SCHEMA,
        "run_id": view.row.key.run_id,
        "task_id": view.row.key.task_id,
        "git": git_document(view.git),
        "since_green": _since_green(view.since_green),
        "errors": [
            {
                "stage": card.stage_id,
                "index": card.index,
                "title": card.title,
                "text": f"{card.words}: {card.reason}",
                "command": card.command,
                "stderr": "\n".join(card.stderr),
                "stdout": "\n".join(told_lines(card)) if card.output_name == "stdout" else "",
                "cut": card.cut or None,
                "error_file": card.path,
                "at": format_time(card.at) if card.at else None,
                "is_past": card.is_past,
                "attempt": card.attempt,
                "cwd": card.cwd,
                "into_s": card.into_s,
                "took_s": card.took_s,
                "told": {told.label: told.text for told in told_of(card, view)},
            }
            for card in cards
        ],
    }


def _since_green(since: SinceGreen | None) -> JsonObject | None:
    if since is None:
        return None
    return {
        "run_id": since.run.run_id,
        "task_id": since.run.task_id,
        "commit": since.commit,
        "files": list(since.names),
        "count": since.count,
    }
