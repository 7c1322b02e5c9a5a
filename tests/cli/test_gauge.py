"""What the program takes of the machine, measured on this very process."""

from __future__ import annotations

import time

import pytest

from orchestrator_tui.cli.gauge import ProcessGauge


@pytest.mark.anyio
async def test_work_and_memory_show_in_the_next_reading() -> None:
    gauge = ProcessGauge()
    before = await gauge.read()
    assert before.core_share == 0.0
    assert before.resident_bytes > 2**20
    held = b"x" * (32 * 2**20)
    busy_until = time.process_time() + 0.05
    while time.process_time() < busy_until:
        pass
    after = await gauge.read()
    assert after.core_share > 0.01
    assert after.resident_bytes > before.resident_bytes + len(held) // 2
