"""Facts reading: what a list shows of a run, without making its whole manifest."""

from __future__ import annotations

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records.facts import RunFacts, RunShape, Told, facts_of_usual
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.manifest import is_usual
from orchestrator_tui.records.paths import Roots
from orchestrator_tui.records.stage_lengths import StageLengths, stage_lengths_of_usual
from orchestrator_tui.store.json_text import BadJson, decode_json
from orchestrator_tui.store.older_shapes import is_run_summary
from orchestrator_tui.store.reading import MANIFEST_LIMIT_BYTES, RunRef


@dataclass(frozen=True, slots=True)
class UsualRun:
    """The facts of a run as `read_run` tells them, and the bytes that they were read from.

    The signature is that of the bytes or of a version before them.
    """

    facts: RunFacts
    signature: FileSignature
    content: bytes

    def stages(self) -> StageLengths:
        """Return how long its stages took, read anew at each call."""
        return stage_lengths_of_usual(decode_json(self.content))


def read_usual(roots: Roots, ref: RunRef) -> UsualRun | None:
    """Return a run whose manifest is as the programs of today write it, else None.

    None says nothing: `read_run` then tells what there is. Never raises.
    """
    if ref.shape is not RunShape.CLI:
        return None
    path = ref.manifest
    try:
        signature, content = files.read_range(path, 0, MANIFEST_LIMIT_BYTES + 1, root=roots.runs)
    except OSError:
        return None
    if len(content) > MANIFEST_LIMIT_BYTES:
        return None
    return usual_run(ref.key, ref.folder_in(roots), signature, content)


def usual_run(
    key: RunKey, folder: str, signature: FileSignature, content: bytes, *, is_of_many: bool = False
) -> UsualRun | None:
    """Return what `read_usual` does of the bytes of a manifest in `folder`, seen from the root.

    If it `is_of_many` it is read in two thirds of the time, once what does so is loaded.
    """
    document = _decoded_quickly(content) if is_of_many else _decoded(content)
    if document is None:
        return None
    run_id, task_id = document.get("run_id"), document.get("task_id")
    if run_id not in (None, key.run_id) or task_id not in (None, key.task_id):
        return None
    facts = facts_of_usual(key, RunShape.CLI, folder, document)
    return UsualRun(facts, signature, content)


def _decoded(content: bytes) -> Told | None:
    try:
        document = decode_json(content)
    except BadJson:
        return None
    if not isinstance(document, dict) or not document or is_run_summary(document):
        return None
    return document if is_usual(document) else None


def _decoded_quickly(content: bytes) -> Told | None:
    from orchestrator_tui.store.quick_decoding import decode_usual  # takes 15 ms and 5 MiB

    return decode_usual(content)
