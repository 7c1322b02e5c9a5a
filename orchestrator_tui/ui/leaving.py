"""What is begun by a screen ends before the screen is taken apart."""

from __future__ import annotations

from textual.messages import Prune
from textual.widget import Widget


class EndsItsWork(Widget):
    """A widget whose workers end when it begins to go, while all its parts are still there.

    Textual takes the parts away first and ends the workers last; an answer that comes in between
    would be shown in a part that is not there, which ends the program. It is to be the last base,
    for Textual takes the styles of the first.
    """

    async def on_prune(self, event: Prune) -> None:
        """End the workers."""
        self.workers.cancel_node(self)
