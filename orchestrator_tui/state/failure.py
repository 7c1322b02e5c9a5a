"""How a stage or a run ended, in the words that a person reads first."""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestrator_tui.records.facts import RunFacts

# The two summaries that the Node original writes for ends without an exit code of their own.
_TIMED_OUT = re.compile(r"Timed out after \d+ms")
_SIGNAL = re.compile(r"Terminated with signal (SIG[A-Z0-9+]{1,10})")


def exit_words(
    exit_code: int | None,
    summary: str | None,
    *,
    signal: str | None = None,
    timed_out: bool = False,
) -> str:
    """Return how a command ended: `timed out`, `signal SIGKILL`, `exit 2`, or else `failed`.

    A signal or a time-out comes before the exit code, which is 128 or nothing then. Both are
    taken from the summary where no error file tells them.
    """
    text = summary or ""
    if timed_out or _TIMED_OUT.match(text):
        return "timed out"
    found = _SIGNAL.match(text)
    if signal or found:
        return f"signal {signal or (found and found[1])}"
    return "failed" if exit_code is None else f"exit {exit_code}"


def stage_place(facts: RunFacts) -> str | None:
    """Return the place of the stage to name, `4/5 test`, or None where none is known."""
    if facts.stage_index == 0:
        return None
    place = f"{facts.stage_index}/{facts.stage_of}"
    return f"{place} {facts.stage_id}" if facts.stage_id else place


def _stage_failed(name: str, facts: RunFacts) -> str:
    words = exit_words(facts.exit_code, facts.stage_summary)
    joint = " " if words in ("failed", "timed out") else " failed, "
    return f"stage {name}{joint}{words}"


def _stage_error(name: str, facts: RunFacts) -> str:
    told = (facts.stage_summary or facts.summary or "").removeprefix("Execution error: ")
    return f"stage {name} could not run: {told}" if told else f"stage {name} could not run"


def _child_failed(name: str, facts: RunFacts) -> str:
    return f"sub-pipeline {name} failed"


def _child_error(name: str, facts: RunFacts) -> str:
    told = (facts.stage_summary or "").removeprefix("Sub-pipeline error: ")
    return f"sub-pipeline {name} could not start{': ' + told if told else ''}"


_BY_KIND: dict[tuple[str, str], Callable[[str, RunFacts], str]] = {
    ("stage", "failed"): _stage_failed,
    ("stage", "error"): _stage_error,
    ("subpipeline", "failed"): _child_failed,
    ("subpipeline", "error"): _child_error,
}
_BY_DETAIL = {
    "control_failed": "failed by a control request",
    "control-plane-validation-failed": "the request was not valid",
    "resume-pre-start-failed": "could not be resumed",
    "cloud-execution-failed": "the cloud execution failed",
    "cloud-target-missing": "the cloud target is missing",
    "cloud-env-missing": "the cloud environment is missing",
}


def failure_reason(facts: RunFacts) -> str:
    """Return why a failed run failed: `stage test failed, exit 1`, `stage build timed out`.

    From `status_detail` where it has one of the known forms, else from the failed stage, else the
    detail itself or the first line of the summary.
    """
    detail = facts.status_detail or ""
    kind, _, rest = detail.partition(":")
    name, _, how = rest.rpartition(":")
    told = _BY_KIND.get((kind, how))
    if told is not None and name:
        return told(name, facts)
    if detail in _BY_DETAIL:
        return _BY_DETAIL[detail]
    if facts.stage_status == "failed" and facts.stage_id:
        return _stage_failed(facts.stage_id, facts)
    if detail and detail != "pipeline-failed":
        return detail
    return facts.summary or "failed"
