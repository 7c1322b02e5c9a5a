"""ChangeSource: notices of changed paths from the kernel, where it gives any."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from orchestrator_tui.primitives import files
from orchestrator_tui.primitives.clock import SYSTEM_CLOCK, Clock


class Layer(StrEnum):
    """Two sets of watched folders, so that a change of the one leaves the other alone."""

    SHELVES = "shelves"  # where runs appear: many folders, seldom another set
    RUNS = "runs"  # the runs that go on: few folders, often another set
    RESTING = "resting"  # the runs in focus that have ended


# How long notices are gathered, and how often is looked whether more came, in milliseconds. A
# shorter step is quicker and costs more when nothing happens: 5 ms take a percent of a core, 50 ms
# a seventh. What has ended goes on seldom.
_PACE_MS: Final = {Layer.SHELVES: (80, 80), Layer.RUNS: (10, 5), Layer.RESTING: (200, 200)}
_ATTEMPTS: Final = 5  # to watch a set from which folders vanish meanwhile
_RETRY_AFTER_S: Final = 60.0
_LINGER_MS: Final = 500  # how long a thread waits for notices before it sees that it is retired
_JOIN_S: Final = 1.0


class NoticeSource(Protocol):
    """Tells which paths changed; may miss any, so nothing may depend on it alone.

    `hears` is False of one that never tells a path, so that no folder need be named to it.
    """

    hears: bool

    @property
    def problem(self) -> str | None:
        """Why changes are not noticed at once, None if they are."""
        ...

    def watch(self, layer: Layer, folders: frozenset[Path]) -> frozenset[Path]:
        """Watch exactly these folders in a layer; return those of which notices begin only now."""
        ...

    def wait(self, timeout_s: float) -> frozenset[str]:
        """Return the paths that changed, at once if any did, else after `timeout_s` or a wake."""
        ...

    def wake(self) -> None:
        """End a `wait` that goes on; may be called from any thread."""
        ...

    def close(self) -> None:
        """Stop watching for good; may be called from any thread and more than once."""
        ...


class Polling:
    """A source without notices: the regular looks at the disk find every change."""

    hears = False

    def __init__(self, reason: str | None = None) -> None:
        self._reason = reason
        self._woken = threading.Event()

    @property
    def problem(self) -> str | None:
        """The reason given."""
        return self._reason

    def watch(self, layer: Layer, folders: frozenset[Path]) -> frozenset[Path]:
        """Watch nothing."""
        return frozenset()

    def wait(self, timeout_s: float) -> frozenset[str]:
        """Wait for the time or a wake."""
        self._woken.wait(max(0.0, timeout_s))
        self._woken.clear()
        return frozenset()

    def wake(self) -> None:
        """End a wait."""
        self._woken.set()

    def close(self) -> None:
        """End a wait; there is nothing to stop."""
        self._woken.set()


class _Watcher:
    """One set of folders, watched by a thread of its own until stopped.

    Raises:
        FileNotFoundError: One of the folders is gone.
        OSError: The kernel refuses, for one because too many folders are watched already.
    """

    def __init__(
        self, layer: Layer, folders: frozenset[Path], sink: queue.SimpleQueue[frozenset[str]]
    ) -> None:
        self.failure: str | None = None
        self._layer = layer
        self._sink = sink
        self._retired = threading.Event()
        self._stopped = threading.Event()
        # Loaded here, for a screen is drawn before anything is watched.
        from watchfiles._rust_notify import RustNotify

        # Notices begin here, before the thread asks for the first.
        paths = sorted(str(folder) for folder in folders)
        self._notify = RustNotify(paths, False, False, 0, False, True)
        self._thread = threading.Thread(target=self._run, name=f"watch-{layer}", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def retire(self) -> None:
        """Ask the thread to tell what it has noticed so far, and then to end."""
        self._retired.set()

    def stop(self) -> None:
        """Ask the thread to end at once."""
        self._stopped.set()

    def join(self) -> None:
        """Wait for the thread to end: the interpreter must not leave it inside the kernel."""
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        debounce_ms, step_ms = _PACE_MS[self._layer]
        try:
            is_last = False
            while not is_last and not self._stopped.is_set():
                # What was noticed before this moment is told by this call.
                is_last = self._retired.is_set()
                seen = self._notify.watch(debounce_ms, step_ms, _LINGER_MS, self._stopped)
                if isinstance(seen, set):
                    self._sink.put(frozenset(path for _, path in seen))
        except (OSError, RuntimeError) as error:
            self.failure = str(error)
            self._sink.put(frozenset())
        finally:
            self._notify.close()


class ChangeSource:
    """Notices from the kernel through watchfiles; says so where there are none.

    A set of folders cannot be changed while it is watched, so another one is watched before the
    old one is given up, which then tells what it has noticed: nothing is missed in between.
    """

    hears = True

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._sink: queue.SimpleQueue[frozenset[str]] = queue.SimpleQueue()
        self._asked: dict[Layer, frozenset[Path]] = {}
        self._watchers: dict[Layer, _Watcher] = {}
        self._retired: list[_Watcher] = []
        self._problems: dict[Layer, str] = {}
        self._refused: dict[Layer, tuple[frozenset[Path], float]] = {}
        self._lock = threading.Lock()
        self._closed = False

    @property
    def problem(self) -> str | None:
        """Why changes are not noticed at once, None if they are."""
        for layer, watcher in self._watchers.items():
            if watcher.failure is not None:
                self._problems[layer] = f"changes are not noticed: {watcher.failure}"
        return next(iter(self._problems.values()), None)

    def watch(self, layer: Layer, folders: frozenset[Path]) -> frozenset[Path]:
        """Watch exactly these folders in a layer; return those of which notices begin only now."""
        before = self._watchers.get(layer)
        has_failed = before is not None and before.failure is not None
        watched = frozenset[Path]() if has_failed else self._asked.get(layer, frozenset())
        if watched == folders or self._was_refused(layer, folders):
            return frozenset()
        try:
            watcher = self._begin(layer, folders)
        except OSError as error:
            self._problems[layer] = _told(error)
            self._refused[layer] = (folders, self._clock.monotonic())
            self._asked.pop(layer, None)
            self._replace(layer, None)
            return frozenset()
        self._asked[layer] = folders
        self._problems.pop(layer, None)
        self._refused.pop(layer, None)
        self._replace(layer, watcher)
        return folders - watched

    def wait(self, timeout_s: float) -> frozenset[str]:
        """Return the paths that changed, at once if any did, else after `timeout_s` or a wake."""
        changed: set[str] = set()
        try:
            changed |= self._sink.get(timeout=max(0.0, timeout_s))
            while True:
                changed |= self._sink.get_nowait()
        except queue.Empty:
            return frozenset(changed)

    def wake(self) -> None:
        """End a `wait` that goes on; may be called from any thread."""
        self._sink.put(frozenset())

    def close(self) -> None:
        """Stop watching for good; may be called from any thread and more than once."""
        with self._lock:
            self._closed = True
            watchers = [*self._watchers.values(), *self._retired]
            for watcher in watchers:
                watcher.stop()
        self.wake()
        for watcher in watchers:
            watcher.join()

    def _was_refused(self, layer: Layer, folders: frozenset[Path]) -> bool:
        refused, at = self._refused.get(layer, (None, 0.0))
        return refused == folders and self._clock.monotonic() - at < _RETRY_AFTER_S

    def _replace(self, layer: Layer, watcher: _Watcher | None) -> None:
        with self._lock:
            before = self._watchers.pop(layer, None)
            self._retired = [each for each in self._retired if each.is_alive]
            if before is not None:
                before.retire()
                self._retired.append(before)
            if watcher is not None:
                self._watchers[layer] = watcher
                if self._closed:
                    watcher.stop()

    def _begin(self, layer: Layer, folders: frozenset[Path]) -> _Watcher | None:
        for _ in range(_ATTEMPTS):
            try:
                return _Watcher(layer, folders, self._sink) if folders else None
            except FileNotFoundError:
                folders = frozenset(_existing(folders))
        return None


def _existing(folders: Iterable[Path]) -> Iterable[Path]:
    for folder in folders:
        try:
            if files.is_folder(folder):
                yield folder
        except OSError:  # what cannot be looked at cannot be watched
            continue


def _told(error: OSError) -> str:
    text = str(error)
    if "watch limit" in text:
        return (
            "the limit of watched folders is reached; raise fs.inotify.max_user_watches "
            "to see changes at once"
        )
    if error.errno == 24 or "Too many open files" in text:
        return (
            "the limit of watchers is reached; raise fs.inotify.max_user_instances "
            "to see changes at once"
        )
    return f"changes are not noticed: {text}"
