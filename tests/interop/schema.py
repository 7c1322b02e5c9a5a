"""The original's own schema of manifests, asked with its own validator."""

from __future__ import annotations

import subprocess
from pathlib import Path

import orjson

from orchestrator_tui.records.manifest import JsonObject

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
