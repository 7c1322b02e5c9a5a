"""The verbs and the flags before them; each verb is imported when it is used."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem, shell_complete

from orchestrator_tui import __version__
from orchestrator_tui.cli.environment import set_by_flag
from orchestrator_tui.cli.exits import Exit, bad_usage, say
from orchestrator_tui.cli.options import CONTEXT, place_options
from orchestrator_tui.primitives.garbage import look_among_the_new
from orchestrator_tui.records.program import COMPLETE_VARIABLE, PROGRAM
from orchestrator_tui.settings import ASCII_VARIABLE, READ_ONLY_VARIABLE, THEMES, Places

# Name of each verb, which is the name of its module, and its line in the help.
VERBS = {
    "start": "Start a run of a pipeline.",
    "status": "Say how a run is doing; without RUN all that are active.",
    "list": "List runs, newest first.",
    "plan": "Show the stages of a pipeline without running them.",
    "resume": "Run the stages of a run again that did not succeed.",
    "cancel": "Stop runs.",
    "logs": "Print what the stages of a run have written.",
    "watch": "Tell what happens to runs until they are over.",
    "wait": "Wait until runs are over.",
    "errors": "Say why the stages of a run failed.",
    "restart": "Start a new run as another one was.",
    "export": "Write a run to a zip file, without secrets as far as they are known.",
    "doctor": "Say whether all is there that runs and screens need.",
    "config": "Print what is preferred, and where that stands.",
    "keys": "Print what the terminal sends, or all bindings.",
    "completion": "Print what has a shell complete verbs and flags.",
}


class Verbs(click.Group):
    """The verbs; a module is imported only when its verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one verb, or None for an unknown name."""
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"orchestrator_tui.cli.{cmd_name}").command
        look_among_the_new()
        return command if isinstance(command, click.Command) else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the verbs and flags that begin so, without importing a verb."""
        verbs = [
            CompletionItem(name, help=words)
            for name, words in VERBS.items()
            if name.startswith(incomplete)
        ]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs without importing one."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, invoke_without_command=True, context_settings=CONTEXT)
@place_options
@click.option("--theme", metavar="NAME", help=f"Colours of the screen: {', '.join(THEMES)}.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII characters only.")
@click.option("--filter", "query", metavar="Q", default="", help="Filter to begin with.")
@click.option("--view", metavar="NAME", default="", help="Saved view to begin with.")
@click.option("--read-only", is_flag=True, help="Look only; nothing is started or changed.")
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def program(
    context: click.Context,
    places: Places,
    theme: str | None,
    ascii_only: bool,
    query: str,
    view: str,
    read_only: bool,
) -> None:
    """Run and watch pipelines.

    Without a verb it opens the screen, or prints the list where there is no terminal.
    """
    context.obj = places
    if ascii_only:
        set_by_flag(ASCII_VARIABLE)
    if read_only:
        set_by_flag(READ_ONLY_VARIABLE)
    if theme is not None and theme not in THEMES:
        raise bad_usage(f"there is no theme {theme}; there are: {', '.join(THEMES)}")
    if context.invoked_subcommand is None:
        screen = importlib.import_module("orchestrator_tui.cli.screen")
        context.exit(screen.show(places, theme=theme, query=query, view=view))


def carry_out(words: Sequence[str]) -> int:
    """Carry out a command line of words, and return the exit status.

    Raises:
        Stopped: It cannot go on.
        KeyboardInterrupt: Somebody pressed ctrl+c.
    """
    # click's own way to end a program would turn a reader that has gone into a plain failure.
    if wish := os.environ.get(COMPLETE_VARIABLE):
        return shell_complete(program, {}, PROGRAM, COMPLETE_VARIABLE, wish)
    try:
        with program.make_context(PROGRAM, list(words)) as context:
            status = program.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        return Exit.INTERRUPTED
    except click.ClickException as error:
        say(_usage_text(error))
        return error.exit_code
    return status if isinstance(status, int) else Exit.DONE


def _usage_text(error: click.ClickException) -> str:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        path = error.ctx.command_path
        return f"{PROGRAM}: {error.format_message()}\n{error.ctx.get_usage()}\nTry: {path} --help"
    return f"{PROGRAM}: {error.format_message()}"
