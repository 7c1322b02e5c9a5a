"""orch-tui: the verbs, each imported when it is used, and the way a program ends."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

import click
from click.shell_completion import CompletionItem, shell_complete

from orchestrator_tui import __version__
from orchestrator_tui.cli.environment import set_by_flag
from orchestrator_tui.cli.exits import Exit, Stopped, say
from orchestrator_tui.cli.options import CONTEXT, place_options
from orchestrator_tui.primitives.standard_streams import fill_standard_streams
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

# The interpreter's own 700 has it look for garbage a hundred times while modules are loaded.
OBJECTS_BEFORE_COLLECTION = 10_000


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
        set_by_flag(context, ASCII_VARIABLE)
    if read_only:
        set_by_flag(context, READ_ONLY_VARIABLE)
    if context.invoked_subcommand is None:
        screen = importlib.import_module("orchestrator_tui.cli.screen")
        context.exit(screen.show(places, theme=theme, query=query, view=view))


def run(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line and return the exit status."""
    # click's own way to end a program would turn a reader that has gone into a plain failure.
    words = list(sys.argv[1:] if arguments is None else arguments)
    if wish := os.environ.get(COMPLETE_VARIABLE):
        return shell_complete(program, {}, PROGRAM, COMPLETE_VARIABLE, wish)
    try:
        with program.make_context(PROGRAM, words) as context:
            status = program.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except Stopped as stopped:
        stopped.show()
        return stopped.status
    except click.ClickException as error:
        say(_usage_text(error))
        return error.exit_code
    return status if isinstance(status, int) else Exit.DONE


def _usage_text(error: click.ClickException) -> str:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        path = error.ctx.command_path
        return f"{PROGRAM}: {error.format_message()}\n{error.ctx.get_usage()}\nTry: {path} --help"
    return f"{PROGRAM}: {error.format_message()}"


def _environment_text(error: OSError) -> str:
    if error.filename and error.strerror:
        return f"{error.filename}: {error.strerror.lower()}"
    return str(error)


def main() -> NoReturn:
    """Run the program and end it; a reader of our output that has gone ends it quietly."""
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
    fill_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        status = run()
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter would complain about the lost reader once more while it shuts down.
        os._exit(Exit.BROKEN_PIPE)
    except OSError as error:
        say(f"{PROGRAM}: {_environment_text(error)}")
        status = Exit.FAILED
    _leave(status)


def _leave(status: int) -> NoReturn:
    """End the process without taking the interpreter apart, which takes as long as ten stages."""
    if threading.active_count() > 1:
        sys.exit(status)  # waits for what other threads still do
    atexit._run_exitfuncs()
    sys.stderr.flush()
    os._exit(status)
