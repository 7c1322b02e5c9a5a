"""orch-tui doctor: whether all is there that runs and screens need."""

from __future__ import annotations

from typing import Final

import click

from orchestrator_tui.cli.checks import Verdict, all_checks
from orchestrator_tui.cli.documents import DOCTOR_SCHEMA
from orchestrator_tui.cli.exits import Exit
from orchestrator_tui.cli.options import Format, format_option, with_settings
from orchestrator_tui.cli.output import coloured, print_json, print_line
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.settings import Settings
from orchestrator_tui.state.liveness import State

_COLOURS: Final = {
    Verdict.OK: State.SUCCEEDED,
    Verdict.WARN: State.STALLED,
    Verdict.FAIL: State.FAILED,
}


@click.command("doctor")
@click.option("--strict", is_flag=True, help="End with 1 also where something is only doubtful.")
@click.option("--terminal", is_flag=True, help="Also colours, encoding and clipboard.")
@format_option(Format.TEXT, Format.JSON)
@with_settings
def command(settings: Settings, strict: bool, terminal: bool, form: str) -> int:
    """Say whether all is there that runs and screens need, and what helps where not.

    Ends with 1 where something cannot work.
    """
    checks = list(all_checks(settings, terminal=terminal))
    if Format(form) == Format.JSON:
        print_json(
            {
                "schema": DOCTOR_SCHEMA,
                "checks": [
                    {
                        "id": check.id,
                        "verdict": check.verdict.value,
                        "text": check.text,
                        "cure": check.cure or None,
                    }
                    for check in checks
                ],
            }
        )
    else:
        for check in checks:
            word = coloured(f"{check.verdict.value:<4}", _COLOURS[check.verdict])
            cure = f"; {check.cure}" if check.cure else ""
            print_line(f"{word}  {safe_text(check.text + cure)}")
    bad = {Verdict.FAIL, Verdict.WARN} if strict else {Verdict.FAIL}
    return Exit.FAILED if any(check.verdict in bad for check in checks) else Exit.DONE
