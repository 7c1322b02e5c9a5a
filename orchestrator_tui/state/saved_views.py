"""Saved views: which runs to list, and how, under a name that a person gave it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.state.placing import Group, Sort

MOST_VIEWS: Final = 50
MOST_NAME: Final = 40  # characters


@dataclass(frozen=True, slots=True)
class SavedView:
    """A filter as it is typed, an order and a grouping."""

    name: str
    query: str = ""
    sort: Sort = Sort.ATTENTION
    group: Group = Group.NONE
    is_reversed: bool = False

    @property
    def words(self) -> str:
        """Say what the view shows."""
        parts = [self.query or "all runs", f"sort: {self.sort}"]
        if self.is_reversed:
            parts[-1] += ", reversed"
        if self.group != Group.NONE:
            parts.append(f"group: {self.group}")
        return "   ".join(parts)


BUILT_IN: Final = (
    SavedView("All"),
    SavedView("Needs me", "state:problem since:24h"),
    SavedView("Active", "state:active"),
    SavedView("Failed", "state:failed", Sort.NEWEST),
    SavedView("Today", "since:24h"),
)


def view_named(views: Iterable[SavedView], name: str) -> SavedView | None:
    """Return the view of a name; upper and lower case are the same."""
    wanted = name.strip().casefold()
    return next((view for view in views if view.name.casefold() == wanted), None)


def with_view(views: tuple[SavedView, ...], view: SavedView) -> tuple[SavedView, ...]:
    """Return the views with one more; it takes the place of one of its name."""
    others = without_view(views, view.name)
    return (*others, view)[-MOST_VIEWS:]


def without_view(views: tuple[SavedView, ...], name: str) -> tuple[SavedView, ...]:
    """Return the views without that of a name."""
    return tuple(view for view in views if view.name.casefold() != name.casefold())


def views_document(views: Iterable[SavedView]) -> dict[str, object]:
    """Return the views as a JSON document."""
    return {
        "views": [
            {
                "name": view.name,
                "filter": view.query,
                "sort": view.sort.value,
                "group": view.group.value,
                "reversed": view.is_reversed,
            }
            for view in views
        ]
    }


def views_from(document: Mapping[str, object]) -> tuple[SavedView, ...]:
    """Return the views of a document; what is none is left out."""
    told = document.get("views")
    found = (_view(each) for each in told) if isinstance(told, list) else ()
    return tuple(view for view in found if view is not None)[-MOST_VIEWS:]


def _view(told: object) -> SavedView | None:
    if not isinstance(told, dict):
        return None
    name, query = told.get("name"), told.get("filter", "")
    if not isinstance(name, str) or not name.strip() or not isinstance(query, str):
        return None
    sort, group = told.get("sort"), told.get("group")
    return SavedView(
        name.strip()[:MOST_NAME],
        query,
        Sort(sort) if sort in list(Sort) else Sort.ATTENTION,
        Group(group) if group in list(Group) else Group.NONE,
        told.get("reversed") is True,
    )
