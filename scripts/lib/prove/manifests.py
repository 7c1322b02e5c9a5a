"""Hostile manifests: real ones, damaged in every way, and cut at every byte."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.paths import Roots, resolve_run_paths
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import derive_state
from orchestrator_tui.state.observations import DetailSeen, Observation, RunDetail, RunSeen
from orchestrator_tui.state.reducer import observe
from orchestrator_tui.state.run_view import project_run
from orchestrator_tui.store.discovery import ref_of_manifest
from orchestrator_tui.store.reading import BadContent, ReadRun, read_run
from prove.harness import Asked, Found
from prove.memory import peak_kib, resident_kib

FIXTURES: Final = Path(__file__).parents[3] / "tests" / "fixtures"
KEY: Final = RunKey("t", "2026-01-01T12-00-00-000Z-0000abcd")
SLOW_S: Final = 0.050  # for 99 of 100
MOST_KIB: Final = 64 * 1024
DEEP: Final = "[" * 100_000 + "]" * 100_000
VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, -1, 0, 2**53, 2**63, 10**400, 1.5, -0.0, "", "x", "\ud800", "\x1b[2J"),
    *([], {}, [None], {"a": []}, "9999-99-99T99:99:99Z", "0001-01-01T00:00:00Z", "x" * 100_000),
    *("../../../etc/passwd", "[/]", "[@click=app.quit]x[/]", [[[[[[]]]]]], {"": {"": ""}}),
)
BYTES: Final = (b"\0", b"\xff", b"NaN", b"1e999", b"\xef\xbb\xbf", b'"', b"{", b"}", b"\n", b"\\u")


def prove(asked: Asked) -> Found:
    """Read each as the program does, as far as to what a screen shows of it."""
    found = Found()
    dice = asked.dice()
    originals = [
        path.read_bytes()
        for path in sorted(FIXTURES.rglob("manifest.json"))
        if path.read_bytes().lstrip().startswith(b"{")
    ]
    contents = [_damaged(dice, dice.choice(originals)) for _ in range(asked.trials)]
    whole = max(originals, key=len)
    step = 1 if asked.trials >= len(whole) // 4 else 97
    cuts = [whole[:size] for size in range(0, len(whole), step)]
    contents += [*cuts, DEEP.encode(), b'{"a":' + DEEP.encode() + b"}", b" " * 3_000_000]
    path = resolve_run_paths(Roots.of(asked.folder), *KEY).manifest
    path.parent.mkdir(parents=True)
    _take(path, contents[0])
    before = resident_kib()
    times = []
    for content in contents:
        path.write_bytes(content)
        begun = time.perf_counter()
        found.failures += _faults(partial(_take, path))
        times.append(time.perf_counter() - begun)
        found.trials += 1
    late = sorted(times)[int(0.99 * len(times))]
    if late > asked.slack * SLOW_S:
        found.failures.append(f"one in a hundred takes {1000 * late:.0f} ms")
    if (more := peak_kib() - before) > MOST_KIB:
        found.failures.append(f"{more // 1024} MiB more were needed")
    found.figures = (
        f"{asked.trials} damaged, {len(cuts)} cut; 99 % within {1000 * late:.1f} ms, "
        f"{more / 1024:.0f} MiB more at the peak"
    )
    without = [fault for content in contents for fault in _faults(partial(_naively, content))]
    found.caught(without, "checked reading")
    return found


def _damaged(dice: Random, content: bytes) -> bytes:
    """Return a manifest with up to three wounds, in what it says or in its bytes."""
    if dice.random() < 0.25:
        at = dice.randrange(len(content))
        return content[:at] + dice.choice(BYTES) + content[at + dice.randint(0, 3) :]
    document = copy.deepcopy(json.loads(content))
    for _ in range(dice.randint(1, 3)):
        _wound(dice, document)
    return json.dumps(document, ensure_ascii=dice.random() < 0.5).encode("utf-8", "replace")


def _wound(dice: Random, node: Any) -> None:
    while True:
        places = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not places:
            return
        place = dice.choice(places)
        if isinstance(node[place], (dict, list)) and node[place] and dice.random() < 0.7:
            node = node[place]
            continue
        if dice.random() < 0.2:
            del node[place]
        else:
            node[place] = copy.deepcopy(dice.choice(VALUES))
        return


def _take(path: Path, content: bytes | None = None) -> None:
    """Read a manifest, take it into a fleet, and work out what a screen shows."""
    if content is not None:
        path.write_bytes(content)
    roots = Roots.of(path.parents[4])
    ref = ref_of_manifest(roots, path)
    assert ref is not None
    run = read_run(roots, ref)
    if isinstance(run, BadContent) or run is None:
        return
    assert isinstance(run, ReadRun)
    detail = RunDetail(run.manifest)
    seen: tuple[Observation, ...] = (RunSeen(run.facts), DetailSeen(KEY, detail))
    fleet = observe(Fleet(), seen)
    now = SYSTEM_CLOCK.now()
    for state in fleet.runs.values():
        derive_state(state, now)
        project_run(state, detail, now)


def _naively(content: bytes) -> None:
    """Read a manifest as if all were well."""
    document = json.loads(content)
    sum(len(command["title"]) for command in document["commands"])


def _faults(work: Callable[[], object]) -> list[str]:
    try:
        work()
    except Exception as error:
        return [f"raised {type(error).__name__}: {str(error)[:200]}"]
    return []
