"""Choosing: from what a person types to the run that is meant."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator_tui.cli.exits import bad_usage, not_found
from orchestrator_tui.records.identifiers import InvalidIdentifier
from orchestrator_tui.records.manifest import RunStatus
from orchestrator_tui.settings import Settings
from orchestrator_tui.store.discovery import all_runs, locate_run, match_runs
from orchestrator_tui.store.reading import ReadRun, RunRef, read_run

LATEST = "@latest"
FAILED = "@failed"
MOST_CANDIDATES = 10  # listed when a text fits more than one run


def choose_run(settings: Settings, wanted: str) -> RunRef:
    """Return the run that `wanted` names.

    That is a whole run id, a beginning or an end that only one run has, `@latest`,
    `@latest:PIPELINE` or `@failed`.

    Raises:
        Stopped: No run is meant, or more than one.
    """
    if wanted.startswith("@"):
        return _newest_that(settings, wanted)
    try:
        exact = locate_run(settings.roots, wanted, settings.task_id)
    except InvalidIdentifier as error:
        raise bad_usage(str(error)) from error
    if exact is not None:
        return exact
    return _matching(settings, wanted)


def _matching(settings: Settings, wanted: str) -> RunRef:
    refs = list(all_runs(settings.roots))
    names = match_runs((ref.key.run_id for ref in refs), wanted)
    fitting = [ref for name in names for ref in refs if ref.key.run_id == name]
    found = [ref for ref in fitting if read_run(settings.roots, ref) is not None]
    if not found:
        raise not_found(f"no run {wanted} in {settings.roots.runs}")
    if len(found) > 1:
        listed = [f"  {ref.key.run_id}  {ref.key.task_id}" for ref in found[:MOST_CANDIDATES]]
        if len(found) > MOST_CANDIDATES:
            listed.append(f"  … and {len(found) - MOST_CANDIDATES} more")
        told = "\n".join(listed)
        raise not_found(f"{wanted} fits {len(found)} runs; say more:\n{told}")
    return found[0]


def _newest_that(settings: Settings, wanted: str) -> RunRef:
    name, _, pipeline = wanted.partition(":")
    if name != LATEST and wanted != FAILED:
        raise bad_usage(f"{wanted} is not known; use {LATEST}, {LATEST}:PIPELINE or {FAILED}")
    for ref, run in _newest_first(settings):
        fits = (
            run.facts.status == RunStatus.FAILED
            if wanted == FAILED
            else not pipeline or run.facts.pipeline_id == pipeline
        )
        if fits:
            return ref
    raise not_found(f"no run fits {wanted} in {settings.roots.runs}")


def _newest_first(settings: Settings) -> Iterator[tuple[RunRef, ReadRun]]:
    refs = sorted(all_runs(settings.roots), key=lambda ref: ref.key.run_id, reverse=True)
    for ref in refs:
        run = read_run(settings.roots, ref)
        if isinstance(run, ReadRun):
            yield ref, run
