"""A manifest as JSON to read or to copy."""

from __future__ import annotations

import json
from dataclasses import replace

from orchestrator_tui.records.manifest import Manifest, manifest_to_document


def manifest_lines(manifest: Manifest) -> list[str]:
    """Return the manifest's JSON by lines, not yet safe, without its token.

    The token lets whoever has it resume the run, so it is never shown.
    """
    hidden = replace(manifest, resume_token="(hidden)" if manifest.resume_token else None)
    return json.dumps(manifest_to_document(hidden), indent=2, ensure_ascii=False).split("\n")
