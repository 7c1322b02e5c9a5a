"""Configuration: `codex.orchestrator.json`, checked whole before anything is started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from orchestrator_tui.primitives import files
from orchestrator_tui.records.paths import CONFIG_NAME, Roots
from orchestrator_tui.records.pipeline import ConfigProblem, OrchestratorConfig
from orchestrator_tui.store.configuration_memory import ConfigMemory
from orchestrator_tui.store.reading import BadContent, parse_object, reason_of

CONFIG_PATH_VARIABLE = "CODEX_ORCHESTRATOR_REPO_CONFIG_PATH"
CONFIG_LIMIT_BYTES = 4 * 1024 * 1024


def load_config(
    roots: Roots, environ: Mapping[str, str], memory: ConfigMemory | None = None
) -> OrchestratorConfig | ConfigProblem | None:
    """Return what the repository's configuration offers, why it cannot be used, or None if absent.

    A bad pipeline does not spoil the good ones: it is told in `OrchestratorConfig.problems`. The
    file is `codex.orchestrator.json` in the repository's root, or the one that
    CODEX_ORCHESTRATOR_REPO_CONFIG_PATH names; a named one has to be there. With a `memory`, one
    that was checked before and has not changed is not checked again.
    """
    named = environ.get(CONFIG_PATH_VARIABLE, "").strip()
    path = roots.repo / (named or CONFIG_NAME)
    shown = _shown(roots, path)
    if memory is None:
        return _checked(path, shown, is_named=bool(named))
    return memory.checked(path, shown, lambda: _checked(path, shown, is_named=bool(named)))


def _checked(
    path: Path, shown: str, *, is_named: bool
) -> OrchestratorConfig | ConfigProblem | None:
    try:
        content = files.read_bytes(path, limit_bytes=CONFIG_LIMIT_BYTES)
    except FileNotFoundError:
        if not is_named:
            return None
        text = f"{shown} does not exist; {CONFIG_PATH_VARIABLE} names it: unset it or correct it"
        return ConfigProblem(shown, text)
    except OSError as error:
        return ConfigProblem(shown, f"{shown}: {reason_of(error)}")
    document = parse_object(content, shown)
    if isinstance(document, BadContent):
        return ConfigProblem(shown, f"{shown}: {document.reason}; correct the file")
    # pydantic costs more time than the first look at the runs may take, so it is loaded only here
    from orchestrator_tui.store.configuration_checks import config_of

    return config_of(document, shown)


def _shown(roots: Roots, path: Path) -> str:
    return roots.relative(path) if path.is_relative_to(roots.repo) else str(path)
