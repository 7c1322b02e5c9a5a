"""Each tool reads what the other wrote, and both say the same."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

import orjson
import pytest

from orchestrator_tui.records.manifest import JsonObject
from tests.interop.conftest import Tool
from tests.interop.waiting import wait_for

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]
FIXTURE = Path(__file__).parent.parent / "fixtures" / "node-peer"
VALIDATE = """
const path = require('path'), fs = require('fs');
const root = path.resolve(process.argv[1], '../../..');
const Ajv = require(path.join(root, 'node_modules/ajv/dist/ajv.js')).default;
const schema = JSON.parse(fs.readFileSync(path.join(
    root, 'node_modules/@kbediako/codex-orchestrator/schemas/manifest.json')));
const ajv = new Ajv({strict: false, allErrors: true, formats: {'date-time': true}});
const valid = ajv.compile(schema);
console.log(JSON.stringify(process.argv.slice(2).flatMap(
    file => valid(JSON.parse(fs.readFileSync(file))) ? [] : valid.errors)));
"""


def schema_errors(peer_binary: Path, *manifests: Path) -> list[JsonObject]:
    """Return what the original's own schema finds wrong with some manifests."""
    done = subprocess.run(
        ["node", "-e", VALIDATE, str(peer_binary), *map(str, manifests)],
        capture_output=True,
        text=True,
        check=True,
    )
    errors: list[JsonObject] = orjson.loads(done.stdout)
    return errors


def without_log_times(document: JsonObject) -> JsonObject:
    """Return a status without what depends on file times, which a copy changes, and our addition.

    The original takes the log file's time; orch-tui takes the time of the log's last line.
    """
    ours = ("orch_tui", "config_resolution", "activity")
    return {key: value for key, value in document.items() if key not in ours}


@pytest.mark.acceptance(65, 110)
@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_the_original_reads_our_runs(
    ours: Tool, peer: Tool, peer_binary: Path, shared: Path, status: str
) -> None:
    if status == "failed":
        (shared / "broken").touch()
    if status == "cancelled":
        (shared / "slow").touch()
        running = ours.begin("start", "steps", "--format", "json")
        wait_for((shared / "reached").exists)
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=30)
        assert running.returncode == 130
        document = orjson.loads(out)
    else:
        document = ours("start", "steps", "--format", "json").document
    assert document["status"] == status
    told = peer("status", "--run", document["run_id"], "--format", "json")
    assert told.status == 0
    mine = ours("status", "--run", document["run_id"], "--format", "json")
    assert without_log_times(told.document) == without_log_times(mine.document)
    assert told.document["status"] == status
    assert peer("status", "--run", document["run_id"]).status == 0
    assert schema_errors(peer_binary, shared / document["manifest"]) == []


def test_we_read_the_runs_of_the_original_as_it_does(ours: Tool, peer: Tool, shared: Path) -> None:
    shutil.copytree(FIXTURE, shared, dirs_exist_ok=True)
    listed = ours("list", "--format", "json").document["runs"]
    assert len(listed) == 8
    for run in listed:
        arguments = ("status", "--run", run["run_id"], "--format", "json")
        theirs, mine = peer(*arguments), ours(*arguments)
        assert (theirs.status, mine.status) == (0, 0)
        assert without_log_times(theirs.document) == without_log_times(mine.document)


def test_a_run_of_the_original_can_be_watched_while_it_goes_on(
    ours: Tool, peer: Tool, shared: Path
) -> None:
    (shared / "slow").touch()
    running = peer.begin("start", "steps", "--format", "json")
    try:
        wait_for((shared / "reached").exists)
        (active,) = ours("status", "--format", "json").document["runs"]
        assert active["orch_tui"]["state"] == "running"
        assert active["orch_tui"]["stage"]["id"] == "slow"
    finally:
        (shared / "slow").unlink()
        running.communicate(timeout=30)
    assert ours("status", "@latest", "--format", "json").document["status"] == "succeeded"
