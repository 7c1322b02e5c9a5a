"""RunListing: which runs the home screen lists, and how, as a person asks for it."""

from __future__ import annotations

from dataclasses import replace

from orchestrator_tui.state.placing import Asked, Group, Sort
from orchestrator_tui.state.query import QueryProblem, parse_query
from orchestrator_tui.state.saved_views import SavedView

PROBLEMS = "state:problem"


class RunListing:
    """Filter, order and grouping; of a filter that cannot be understood the last good one holds."""

    def __init__(self, query: str = "") -> None:
        self.typed = query
        self.problems_only = False
        self.asked = Asked()
        self.problem: str | None = None
        self.view_name = ""
        self._read()

    def _read(self) -> None:
        query = f"{self.typed} {PROBLEMS}" if self.problems_only else self.typed
        found = parse_query(query)
        if isinstance(found, QueryProblem):
            self.problem = found.text
        else:
            self.asked, self.problem = replace(self.asked, query=found), None

    def ask(self, typed: str, *, problems_only: bool | None = None) -> None:
        """List what a filter lets through."""
        self.typed, self.view_name = typed, ""
        if problems_only is not None:
            self.problems_only = problems_only
        self._read()

    @property
    def last_term(self) -> str:
        """The last term of the filter; that of "problems only" comes after those typed."""
        return PROBLEMS if self.problems_only else self.typed.rstrip().rpartition(" ")[2]

    def drop_last_term(self) -> None:
        """List also what the last term hid."""
        if self.problems_only:
            self.ask(self.typed, problems_only=False)
        else:
            self.ask(self.typed.rstrip().rpartition(" ")[0].rstrip())

    def sort_by(self, sort: Sort, *, is_reversed: bool = False) -> None:
        """Take an order."""
        self.asked = replace(self.asked, sort=sort, is_reversed=is_reversed)
        self.view_name = ""

    def group_next(self) -> Group:
        """Take the next grouping."""
        groups = list(Group)
        group = groups[(groups.index(self.asked.group) + 1) % len(groups)]
        self.asked = replace(self.asked, group=group)
        self.view_name = ""
        return group

    def take(self, view: SavedView) -> None:
        """Take a saved view."""
        self.asked = replace(
            self.asked, sort=view.sort, group=view.group, is_reversed=view.is_reversed
        )
        self.ask(view.query, problems_only=False)
        self.view_name = view.name

    def as_view(self, name: str) -> SavedView:
        """Return the present listing under a name."""
        query = f"{self.typed} {PROBLEMS}".strip() if self.problems_only else self.typed.strip()
        asked = self.asked
        return SavedView(name, query, asked.sort, asked.group, asked.is_reversed)

    @property
    def words(self) -> tuple[str, ...]:
        """What the frame says of the runs that are hidden."""
        parts = []
        if self.view_name:
            parts.append(f"view: {self.view_name}")
        if self.problems_only:
            parts.append("problems only")
        if self.problem:
            parts.append(f"filter: {self.problem}")
        elif self.typed and not self.view_name:
            parts.append(f"filter: {self.typed}")
        return tuple(parts)

    @property
    def order_words(self) -> str:
        """What the frame says of the order."""
        asked = self.asked
        words = f"sort: {asked.sort}{' reversed' if asked.is_reversed else ''}"
        return f"group: {asked.group}   {words}" if asked.group != Group.NONE else words
