"""RunCommands: the command palette, every action by the words of a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Protocol, cast

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives.safe_text import safe_text
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.pipeline import OrchestratorConfig
from orchestrator_tui.state.fleet import Fleet
from orchestrator_tui.state.liveness import is_terminal
from orchestrator_tui.ui.frames import PaintsSoon
from orchestrator_tui.ui.keymap import named_keys
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.screens.runs import RunsScreen
from orchestrator_tui.ui.themes import THEME_NAMES


class Commanded(Protocol):
    """What the palette can make the program do."""

    fleet: Fleet
    theme: str
    options: ScreenOptions

    @property
    def runs_screen(self) -> RunsScreen:
        """The list of runs."""
        ...

    @property
    def chosen_run(self) -> RunKey | None:
        """The run that an action on "the run" means."""
        ...

    def ask_start(self, pipeline_id: str | None = None) -> object:
        """Show the start form."""
        ...

    def ask_again(self, keys: tuple[RunKey, ...]) -> object:
        """Offer the ways to run runs again."""
        ...

    def action_plan(self) -> None:
        """Show the plan of the chosen run."""
        ...

    def ask_cancel(self, keys: tuple[RunKey, ...]) -> object:
        """Ask whether to cancel runs."""
        ...

    def ask_kill(self, keys: tuple[RunKey, ...]) -> object:
        """Ask whether to kill runs."""
        ...

    def open_run(self, key: RunKey) -> None:
        """Open a run."""
        ...

    def show_runs(self, query: str) -> None:
        """Show the runs that a filter lets through."""
        ...

    def action_place(self, name: str) -> None:
        """Go to one of the program's places."""
        ...

    def action_help(self) -> None:
        """Show the keys."""
        ...

    def action_rescan(self) -> None:
        """Look at the disk now."""
        ...

    def leave(self, status: int = 0) -> None:
        """Quit."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """A line of the palette; `binding` is the id of the keys that do the same, if any."""

    words: str
    explanation: str
    run: Callable[[], object]
    binding: str = ""


def commands_of(app: Commanded) -> Iterator[Command]:
    """Yield what can be done now."""
    if (key := app.chosen_run) is not None:
        yield Command("Open the run", key.short, partial(app.open_run, key), "run.open")
    if not app.options.read_only:
        yield from _acts(app)
    yield Command(
        "Filter the runs ...", "words, state:, task:, since:", partial(_filter, app), "find.filter"
    )
    for words, act, binding in (
        ("Sort the runs ...", app.runs_screen.action_sort, "find.sort"),
        ("Views ...", app.runs_screen.action_views, "find.views"),
        ("Group the runs by the next", app.runs_screen.action_group, "find.group"),
    ):
        yield Command(words, "", act, binding)
    for words, query in (
        ("Show all runs", ""),
        ("Show problems", "state:problem"),
        ("Show active runs", "state:active"),
        ("Show failed runs", "state:failed"),
        ("Show runs of the last day", "since:24h"),
    ):
        yield Command(words, f"filter: {query}" if query else "", partial(app.show_runs, query))
    for word, theme in THEME_NAMES.items():
        yield Command(f"Theme {word}", "", partial(setattr, app, "theme", theme))
    yield Command("Runs", "the list of runs", partial(app.action_place, "runs"), "nav.runs")
    yield Command(
        "Activity",
        "what was done here and told",
        partial(app.action_place, "activity"),
        "nav.activity",
    )
    yield Command("Look at the disk now", "read all runs again", app.action_rescan, "app.rescan")
    yield Command("Help", "the keys of this screen", app.action_help, "app.help")
    yield Command("Quit", "runs keep going", app.leave, "app.quit")


def _acts(app: Commanded) -> Iterator[Command]:
    if (key := app.chosen_run) is not None:
        yield Command("Run again ...", key.short, partial(app.ask_again, (key,)), "run.again")
        yield Command("Plan", f"what a resume of {key.short} would do", app.action_plan, "run.plan")
        facts = app.fleet.runs[key].facts if key in app.fleet.runs else None
        if facts is None or not is_terminal(facts):
            yield Command(
                "Cancel the run ...", key.short, partial(app.ask_cancel, (key,)), "run.cancel"
            )
            yield Command(
                "Force kill the run ...", key.short, partial(app.ask_kill, (key,)), "run.kill"
            )
    yield Command("Start a run ...", "choose a pipeline and a task", app.ask_start, "run.start")
    if isinstance(app.fleet.config, OrchestratorConfig):
        for pipeline in app.fleet.config.pipelines:
            yield Command(
                f"Start {pipeline.id}", pipeline.title, partial(app.ask_start, pipeline.id)
            )


def _filter(app: Commanded) -> None:
    app.show_runs(app.runs_screen.typed)
    app.runs_screen.action_filter()


def _literal(text: str) -> str | None:
    # The palette parses a `str` as markup and takes a Content as it is.
    return cast("str", Content(safe_text(text))) if text else None


def _highlighted(matcher: Matcher, words: str) -> Content:
    """Return words with what was typed marked; Textual's own way would read markup in them."""
    content = Content(words)
    _, offsets = matcher.fuzzy_search.match(matcher.query, words)
    for offset in offsets:
        content = content.stylize(matcher.match_style, offset, offset + 1)
    return content


class Palette(PaintsSoon, CommandPalette):
    """Textual's palette, which takes a page key also while its list has no place yet."""

    def _action_command_list(self, action: str) -> None:
        # Private in the pinned Textual; tests/ui/test_palette.py holds it.
        is_page = action.startswith("page_")
        if not is_page or self.query_one(CommandList).scrollable_content_region.area:
            super()._action_command_list(action)


class RunCommands(Provider):
    """Searches the commands."""

    def _commands(self) -> Iterator[Command]:
        """Yield the commands; what explains each begins with its key."""
        app = cast("Commanded", self.app)
        keys = named_keys(app.options.keys)
        for command in commands_of(app):
            if key := keys.get(command.binding):
                yield replace(command, explanation=f"{key}   {command.explanation}".strip())
            else:
                yield command

    async def discover(self) -> Hits:
        """Yield every command while nothing is typed."""
        for command in self._commands():
            yield DiscoveryHit(
                Content(safe_text(command.words)),
                command.run,
                text=safe_text(command.words),
                help=_literal(command.explanation),
            )

    async def search(self, query: str) -> Hits:
        """Yield the commands that fit what was typed."""
        matcher = self.matcher(query)
        for command in self._commands():
            words = safe_text(command.words)
            # The explanation counts too, but less than the name.
            score = max(matcher.match(words), matcher.match(command.explanation) / 2)
            if score > 0:
                yield Hit(
                    score,
                    _highlighted(matcher, words),
                    command.run,
                    text=words,
                    help=_literal(command.explanation),
                )
