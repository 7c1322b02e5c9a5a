"""RunControl: what was asked of a running run, by control.json, by its parent or by a signal."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable

import anyio
from anyio import to_thread

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.files import FileSignature
from orchestrator_tui.records.paths import RunPaths
from orchestrator_tui.store.control import ActionKind, ControlRequest, read_control
from orchestrator_tui.store.reading import BadContent

POLL_S = 0.5  # half the Node original's, so that a stop is under way within a second

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """One action that a run has to obey; `signal_number` is set where a signal asked for it."""

    request: ControlRequest
    action: ActionKind
    signal_number: int | None = None

    @classmethod
    def of_signal(cls, number: int, name: str) -> Order:
        """Return the order to stop that a signal to the runner is."""
        request = ControlRequest(0, ActionKind.CANCEL, f"the runner got {name}")
        return cls(request, ActionKind.CANCEL, number)

    @classmethod
    def from_outside(cls) -> Order:
        """Return the order to stop that the cancellation of the runner's own task is."""
        return cls(ControlRequest(0, ActionKind.CANCEL), ActionKind.CANCEL)

    def payload(self) -> dict[str, object]:
        """Return what an event tells of the order."""
        return {
            "request_id": self.request.request_id,
            "intent_id": self.request.intent_id,
            "control_seq": self.request.seq or None,
            "requested_by": self.request.requested_by,
            "requested_reason": self.request.reason,
        }


class RunControl:
    """The orders that hold for one run and for the child run that it waits for.

    `stopped` is set once the run has to end; `hurry` once nobody wants to wait for that. Every
    order that has an effect is told to `on_order` before anybody who waits goes on.
    """

    def __init__(self, on_order: Callable[[Order], Awaitable[None]]) -> None:
        self.stopped = anyio.Event()
        self.hurry = threading.Event()
        self._on_order = on_order
        self._stop: Order | None = None
        self._pause: Order | None = None
        self._changed = anyio.Event()
        self._child: RunControl | None = None
        self._is_over = False

    @property
    def stop(self) -> Order | None:
        """The order that ends the run (cancel, fail or a signal), once there is one."""
        return self._stop

    @property
    def pause(self) -> Order | None:
        """The order that holds the next stage back, while it does."""
        return self._pause

    async def obey(self, order: Order) -> None:
        """Take an order for this run and its child; one without effect is dropped.

        A second order to stop changes nothing but the pace: what is left is killed at once.
        """
        if not self._apply(order):
            return
        if self._child is not None:
            await self._child.obey(order)
        await self._on_order(order)
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    def close(self) -> Order | None:
        """Obey nothing more, the run is over; return what ended it early, if anything did."""
        self._is_over = True
        return self._stop

    async def wait_while_paused(self) -> None:
        """Return at once unless paused; then when the run may go on or has to stop."""
        while self._pause is not None:
            await self._changed.wait()

    async def adopt(self, child: RunControl) -> None:
        """Hand every order on to a child run too, one to stop that holds already included."""
        self._child = child
        if self._stop is not None:
            await child.obey(self._stop)

    def release(self) -> None:
        """Forget the child run, which is over."""
        self._child = None

    def _apply(self, order: Order) -> bool:
        """Take note of an order; tell whether it has an effect."""
        if self._is_over:
            return False
        if order.action is ActionKind.PAUSE:
            has_effect = self._stop is None and self._pause != order
            self._pause = order if has_effect else self._pause
            return has_effect
        if order.action is ActionKind.RESUME:
            has_effect, self._pause = self._pause is not None, None
            return has_effect
        if self._stop is not None:
            self._hurry_up()
            return False
        self._stop, self._pause = order, None
        self.stopped.set()
        return True

    def _hurry_up(self) -> None:
        self.hurry.set()
        if self._child is not None:
            self._child._hurry_up()


class ControlFile:
    """Follows the `control.json` of a run and says what is new in it.

    `turn` is held while somebody looks and obeys, so that nobody else finds nothing meanwhile.
    """

    def __init__(self, paths: RunPaths, *, seen_seq: int = 0) -> None:
        self.turn = anyio.Lock()
        self._paths = paths
        self._seen_seq = seen_seq
        self._signature: FileSignature | None = None

    def has_changed(self) -> bool:
        """Tell whether there may be news; nothing is taken for read."""
        try:
            return files.signature(self._paths.control) not in (None, self._signature)
        except OSError:
            return True

    def news(self) -> ControlRequest | None:
        """Return a request that was not there before, None where nothing changed.

        A file that makes no sense is told once and passed over.
        """
        try:
            signature = files.signature(self._paths.control)
        except OSError as error:
            signature = None
            _log.warning("%s", error)
        if signature is None or signature == self._signature:
            return None
        self._signature = signature
        request = read_control(self._paths)
        if isinstance(request, BadContent):
            _log.warning("%s is ignored: %s", self._paths.control, request.reason)
            return None
        if request is None or request.seq <= self._seen_seq:
            return None
        self._seen_seq = request.seq
        return request


async def obey_news(
    file: ControlFile,
    control: RunControl,
    *,
    on_violation: Callable[[ControlRequest], Awaitable[None]],
) -> None:
    """Look at a control file once and obey what is new in it; returns when it has been obeyed.

    Args:
        file: Where requests appear.
        control: Obeys them.
        on_violation: Told of a request with a confirmation nonce, which is refused.
    """
    async with file.turn:
        request = await to_thread.run_sync(file.news)
        if request is not None and request.has_nonce:
            await on_violation(request)
        elif request is not None and request.action is not None:
            await control.obey(Order(request, request.action))


def consumed_seq(paths: RunPaths) -> int:
    """Return the number of the request that lies there when a run begins again: it is spent."""
    request = read_control(paths)
    return request.seq if isinstance(request, ControlRequest) else 0
