"""orch-tui completion: the lines that have a shell complete verbs and flags."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from orchestrator_tui.cli.exits import bad_usage
from orchestrator_tui.cli.output import print_line
from orchestrator_tui.records.program import COMPLETE_VARIABLE, PROGRAM

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print what a shell is to read to complete verbs and flags.

    For bash: eval "$(orch-tui completion bash)" in ~/.bashrc.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise bad_usage(f"there is no completion for {shell}")
    program = context.find_root().command
    print_line(kind(program, {}, PROGRAM, COMPLETE_VARIABLE).source())
