"""The environment that a stage's command runs in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from orchestrator_tui.primitives import files
from orchestrator_tui.records.paths import Roots, RunPaths
from orchestrator_tui.records.secrets import secrets_in

PACKAGE_ROOT = Path(__file__).parent.parent
PACKAGE_VARIABLE = "CODEX_ORCHESTRATOR_PACKAGE_ROOT"  # stays the Node original's where it is set
RUN_DIR_VARIABLE = "CODEX_ORCHESTRATOR_RUN_DIR"
NODE_VARIABLE = "CODEX_ORCHESTRATOR_NODE_BIN"
RUN_VARIABLES = (
    "CODEX_ORCHESTRATOR_RUN_ID",
    "CODEX_ORCHESTRATOR_PIPELINE_ID",
    "CODEX_ORCHESTRATOR_MANIFEST_PATH",
)
RUNTIME_MODE = "cli"  # docs/formats.md, runtime: this program has no other


def run_environment(
    environ: Mapping[str, str], roots: Roots, paths: RunPaths, pipeline_id: str
) -> dict[str, str]:
    """Return what every stage of a run finds in its environment; its own settings come on top.

    The names are the Node original's of every generation: its scripts read one or the other for
    the repository, so both are there. Paths are absolute.

    Args:
        environ: What the runner itself was given; all of it is handed on.
        roots: The folders of the repository.
        paths: The files of the run.
        pipeline_id: The pipeline that the run executes.
    """
    own = {
        "MCP_RUNNER_TASK_ID": paths.key.task_id,
        "CODEX_ORCHESTRATOR_TASK_ID": paths.key.task_id,
        "CODEX_ORCHESTRATOR_RUN_ID": paths.key.run_id,
        "CODEX_ORCHESTRATOR_PIPELINE_ID": pipeline_id,
        "CODEX_ORCHESTRATOR_MANIFEST_PATH": str(paths.manifest),
        RUN_DIR_VARIABLE: str(paths.run_dir),
        "CODEX_ORCHESTRATOR_RUNS_DIR": str(roots.runs),
        "CODEX_ORCHESTRATOR_OUT_DIR": str(roots.out),
        "CODEX_ORCHESTRATOR_ROOT": str(roots.repo),
        "CODEX_ORCHESTRATOR_REPO_ROOT": str(roots.repo),
        "CODEX_ORCHESTRATOR_PACKAGE_ROOT": environ.get(PACKAGE_VARIABLE) or str(PACKAGE_ROOT),
        "CODEX_ORCHESTRATOR_RUNTIME_MODE": RUNTIME_MODE,
        "CODEX_ORCHESTRATOR_RUNTIME_MODE_ACTIVE": RUNTIME_MODE,
    }
    node = environ.get(NODE_VARIABLE) or _found_in(environ.get("PATH", ""), "node")
    if node:
        own[NODE_VARIABLE] = node
    return {**environ, **own}


def environment_of_no_run(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what a run gives its stages: for what outlives the run."""
    own = (RUN_DIR_VARIABLE, *RUN_VARIABLES)
    return {name: value for name, value in environ.items() if name not in own}


def stage_environment(run_env: Mapping[str, str], stage_env: Mapping[str, str]) -> dict[str, str]:
    """Return a run's environment with a stage's own settings; the path of node stays the run's."""
    merged = {**run_env, **stage_env}
    if NODE_VARIABLE in run_env:
        merged[NODE_VARIABLE] = run_env[NODE_VARIABLE]
    return merged


def secrets_to_mask(env: Mapping[str, str]) -> frozenset[bytes]:
    """Return what the output of a command must not hold that gets these variables, in UTF-8.

    The place of a secret, such as a file of credentials, is none.
    """
    texts: set[str] = set()
    for name, value in env.items():
        found = secrets_in(name, value)
        if found and not (value.startswith("/") and _is_there(Path(value))):
            texts |= found
    escaped = {json.dumps(text, ensure_ascii=False)[1:-1] for text in texts}
    return frozenset(text.encode("utf-8", "surrogateescape") for text in texts | escaped)


def _found_in(search_path: str, program: str) -> str | None:
    candidates = (Path(folder) / program for folder in search_path.split(":") if folder)
    return next((str(path) for path in candidates if _is_there(path)), None)


def _is_there(path: Path) -> bool:
    try:
        return files.exists(path)
    except OSError:  # a folder that may not be searched has no program for us
        return False
