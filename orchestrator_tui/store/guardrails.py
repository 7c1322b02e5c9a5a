"""Guardrails: which stages guard a run, and what a manifest says of how they went."""

from __future__ import annotations

from dataclasses import replace

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.manifest import CommandRecord, CommandStatus, Manifest
from orchestrator_tui.records.pipeline import CommandStage, Pipeline, Stage

_NEEDLES = ("spec-guard", "specguardrunner")
_SKIP_WORDS = ("[spec-guard] skipped", "spec-guard skipped", "spec guard skipped")
_SUMMARY_PREFIX = "guardrails:"
_ADVICE_PREFIXES = ("Guardrail command missing;", "Guardrail command failed;")
_MISSING_ADVICE = "Guardrail command missing; add a stage that runs spec-guard to this pipeline."
_FAILED_ADVICE = "Guardrail command failed; see its error file, then run the stage again."


@dataclass(frozen=True, slots=True)
class GuardrailStatus:
    """How the guardrail stages of a run went.

    `is_present` says that one of them passed. `summary` is one line; `advice` another one or None.
    """

    is_present: bool
    summary: str
    advice: str | None
    total: int


def is_guardrail(*texts: str | None) -> bool:
    """Tell whether a stage with these texts (id, title, command) is a guardrail."""
    haystack = " ".join(text for text in texts if text).lower()
    return any(needle in haystack for needle in _NEEDLES)


def requirement_of(pipeline: Pipeline) -> tuple[bool, str]:
    """Return whether a pipeline requires guardrails, and who says so: `explicit` or its stages."""
    if pipeline.guardrails_required is not None:
        return pipeline.guardrails_required, "explicit"
    return any(map(_guards, pipeline.stages)), "stage_detection"


def guardrail_status(manifest: Manifest) -> GuardrailStatus:
    """Return how the guardrail stages went, in the Node original's words."""
    guards = [c for c in manifest.commands if is_guardrail(c.id, c.title, c.command)]
    required = bool(guards)
    if manifest.guardrails_required is not None:
        required = manifest.guardrails_required
    outcomes = [_outcome(command) for command in guards]
    failed = outcomes.count(CommandStatus.FAILED)
    advice = _FAILED_ADVICE if failed else (_MISSING_ADVICE if required and not guards else None)
    return GuardrailStatus(
        is_present=CommandStatus.SUCCEEDED in outcomes,
        summary=f"Guardrails: spec-guard {_verdict(outcomes, required=required)}.",
        advice=advice,
        total=len(guards),
    )


def with_guardrail_summary(manifest: Manifest) -> Manifest:
    """Return the manifest with fresh guardrail lines at the end of its summary.

    There are none if the pipeline has no guardrail and requires none.
    """
    status = guardrail_status(manifest)
    lines = [line for line in (manifest.summary or "").split("\n") if not _is_guardrail_line(line)]
    if status.total or manifest.guardrails_required:
        lines += [line for line in (status.advice, status.summary) if line]
    return replace(manifest, summary="\n".join(lines).strip() or None)


def _guards(stage: Stage) -> bool:
    what = stage.command if isinstance(stage, CommandStage) else stage.pipeline
    return is_guardrail(stage.id, stage.title, what)


def _outcome(command: CommandRecord) -> str:
    if command.status != CommandStatus.SUCCEEDED:
        return command.status
    said = (command.summary or "").lower()
    skipped = any(words in said for words in _SKIP_WORDS)
    return CommandStatus.SKIPPED if skipped else CommandStatus.SUCCEEDED


def _verdict(outcomes: list[str], *, required: bool) -> str:
    total = len(outcomes)
    failed = outcomes.count(CommandStatus.FAILED)
    passed = outcomes.count(CommandStatus.SUCCEEDED)
    skipped = outcomes.count(CommandStatus.SKIPPED)
    if not total:
        return "command not found" if required else "not configured for this pipeline"
    if failed:
        return f"failed ({failed}/{total} failed)"
    if passed == total:
        return f"succeeded ({total} passed)"
    if skipped == total:
        return f"skipped (all {total} skipped)"
    counts = ((passed, "passed"), (skipped, "skipped"), (total - passed - skipped, "pending"))
    parts = ", ".join(f"{count} {word}" for count, word in counts if count)
    return f"partial ({parts} of {total})"


def _is_guardrail_line(line: str) -> bool:
    stripped = line.strip()
    return stripped.lower().startswith(_SUMMARY_PREFIX) or stripped.startswith(_ADVICE_PREFIXES)
