"""ListingScreen: how a list of runs is filtered, sorted, grouped, and its views kept."""

from __future__ import annotations

from textual import on, work
from textual.widgets import Input

from orchestrator_tui.state.saved_views import (
    BUILT_IN,
    SavedView,
    view_named,
    views_document,
    views_from,
    with_view,
    without_view,
)
from orchestrator_tui.ui.options import ScreenOptions
from orchestrator_tui.ui.ports import Memory
from orchestrator_tui.ui.run_listing import RunListing
from orchestrator_tui.ui.screens.base import RoomyScreen
from orchestrator_tui.ui.widgets.column_heads import ColumnHeads
from orchestrator_tui.ui.widgets.run_table import RunTable

VIEWS = "views"  # the document in the memory


class ListingScreen(RoomyScreen):
    """A screen with a `RunTable`, its `ColumnHeads`, and an `Input` for a filter."""

    def __init__(self, *, options: ScreenOptions, memory: Memory | None) -> None:
        super().__init__()
        self._options = options
        self._memory = memory
        self._saved: tuple[SavedView, ...] = ()
        self._listing = RunListing(options.query)
        if options.view and (view := view_named((*BUILT_IN, *options.views), options.view)):
            self._listing.take(view)

    @property
    def table(self) -> RunTable:
        """The table of runs."""
        return self.query_one(RunTable)

    @property
    def typed(self) -> str:
        """The filter as it was typed."""
        return self._listing.typed

    def list_anew(self) -> None:
        """List the runs that are asked for now; what subclasses are made for."""

    def _listed(self, *, sorted_anew: bool = False) -> None:
        asked = self._listing.asked
        self.query_one(ColumnHeads).sorted_by = (asked.sort, asked.is_reversed)
        self.list_anew()
        if sorted_anew:
            self.table.unpin()

    # --- filter -----------------------------------------------------------------------------

    def ask_for(self, query: str) -> None:
        """Show the runs that a filter lets through."""
        self._listing.ask(query, problems_only=False)
        self._listed()

    def action_filter(self) -> None:
        """Begin to type a filter."""
        line = self.query_one(Input)
        line.display = True
        line.value = self._listing.typed
        line.focus()
        self.list_anew()

    def action_problems(self) -> None:
        """Show only runs that need someone, or all."""
        self._listing.ask(self._listing.typed, problems_only=not self._listing.problems_only)
        self._listed()

    def action_drop_term(self) -> None:
        """List also what the last term of the filter hides."""
        self._listing.drop_last_term()
        self._listed()

    def action_clear(self) -> None:
        """Leave the filter line, take marks away, or clear the filter; one at a time."""
        line = self.query_one(Input)
        is_typing = line.display
        if not is_typing and self.table.clear_marks():
            return
        line.display = False
        self.table.focus()
        problems_only = self._listing.problems_only if is_typing else False
        self._listing.ask("", problems_only=problems_only)
        self._listed()

    @on(Input.Changed)
    def _filtering(self, event: Input.Changed) -> None:
        if event.value != self._listing.typed:
            self._listing.ask(event.value)
            self._listed()

    @on(Input.Submitted)
    def _filtered(self) -> None:
        self.query_one(Input).display = False
        self.table.focus()
        self.list_anew()

    # --- order ------------------------------------------------------------------------------

    @work(name="sort")
    async def action_sort(self) -> None:
        """Offer the orders."""
        from orchestrator_tui.ui.screens.picking import SortDialog

        chosen = await self.app.push_screen_wait(SortDialog(self._listing.asked))
        if chosen is not None:
            sort, is_reversed = chosen
            self._listing.sort_by(sort, is_reversed=is_reversed)
            self._listed(sorted_anew=True)

    @on(ColumnHeads.SortAsked)
    def _sort_asked(self, event: ColumnHeads.SortAsked) -> None:
        asked = self._listing.asked
        flipped = event.sort == asked.sort and not asked.is_reversed
        self._listing.sort_by(event.sort, is_reversed=flipped)
        self._listed(sorted_anew=True)

    def action_group(self) -> None:
        """Put the runs together by the next thing."""
        self._listing.group_next()
        self._listed(sorted_anew=True)

    # --- views ------------------------------------------------------------------------------

    async def recall_views(self) -> None:
        """Learn the views that were kept, and take the one to begin with."""
        if self._memory is not None:
            self._saved = views_from(await self._memory.recall(VIEWS))
        wanted = self._options.view
        if not wanted or self._listing.view_name:
            return
        if view := view_named(self._saved, wanted):
            self._take(view)
        else:
            known = ", ".join(each.name for each in (*BUILT_IN, *self._options.views, *self._saved))
            words = f"There is no view {wanted}; there are: {known}"
            self.notify(words, severity="warning", markup=False)

    def _take(self, view: SavedView) -> None:
        self._listing.take(view)
        self._listed(sorted_anew=True)

    @work(name="views")
    async def action_views(self) -> None:
        """Offer the views, and do with one what is wished."""
        from orchestrator_tui.ui.screens.picking import ViewAct, ViewsDialog

        present = self._listing.as_view(self._listing.view_name)
        dialog = ViewsDialog(self._saved, self._options.views, present)
        wish = await self.app.push_screen_wait(dialog)
        if wish is None:
            return
        if wish.act is ViewAct.TAKE:
            view = view_named((*BUILT_IN, *self._options.views, *self._saved), wish.name)
            if view is not None:
                self._take(view)
        else:
            await self._keep(wish.name, is_new=wish.act is ViewAct.SAVE)

    async def _keep(self, name: str, *, is_new: bool) -> None:
        if self._memory is None:
            self.notify("Nothing can be remembered here.", severity="warning", markup=False)
            return
        # Another screen may have kept some meanwhile.
        saved = views_from(await self._memory.recall(VIEWS))
        if is_new:
            saved = with_view(saved, self._listing.as_view(name))
            self._listing.view_name, words = name, f"Saved the view {name}."
        else:
            saved, words = without_view(saved, name), f"Deleted the view {name}."
        problem = await self._memory.keep(VIEWS, views_document(saved))
        self._saved = saved
        if problem is not None:
            words = f"The views were not kept: {problem}"
        self.notify(words, severity="warning" if problem else "information", markup=False)
        self.list_anew()
