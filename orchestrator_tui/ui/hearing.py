"""HearingDriver: hears the terminal without asking ten times a second whether it said something."""

from __future__ import annotations

import codecs
import contextlib
import os
import selectors
from threading import Event
from typing import Any, Final

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from orchestrator_tui.primitives.clock import SYSTEM_CLOCK

_CHUNK_BYTES: Final = 4096


class _Bell(Event):
    """An event that also ends a wait for files; `fileno` can be read while it is set."""

    def __init__(self) -> None:
        super().__init__()
        self._reads, self._writes = os.pipe()
        os.set_blocking(self._reads, False)
        os.set_blocking(self._writes, False)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._reads

    def set(self) -> None:
        """Be set."""
        super().set()
        with contextlib.suppress(OSError):
            os.write(self._writes, b"\0")

    def clear(self) -> None:
        """Be set no longer."""
        super().clear()
        with contextlib.suppress(OSError):
            os.read(self._reads, _CHUNK_BYTES)

    def __del__(self) -> None:
        """Let the descriptors go."""
        for descriptor in (self._reads, self._writes):
            with contextlib.suppress(OSError):
                os.close(descriptor)


class HearingDriver(LinuxDriver):
    """The driver, whose thread for input sleeps until there is some or a key is to be decided.

    The one of Textual wakes every 100 ms, an eighth of what a screen left alone took, and to leave
    or to suspend waits for that up to 200 ms.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # Kept where the driver is closed, for Textual closes it to suspend and goes on with it.
        self.exit_event: _Bell = _Bell()

    def start_application_mode(self) -> None:
        """Take the terminal; where it was not left before, what was before stays what is set back.

        That is so where the process is told to go on and was not stopped, as the kernel does to
        whoever loses a terminal. Two threads would share the keys, and one be never ended.
        """
        before = None
        if self._key_thread is not None and self._key_thread.is_alive():
            before = self.attrs_before
            self.exit_event.set()
            self._key_thread.join()
            self.exit_event.clear()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self.attrs_before = before or self.attrs_before

    def run_input_thread(self) -> None:
        """Hand on what is typed until the input is disabled."""
        # Bytes that are no text are no reason to end the screens.
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        parser = XTermParser(self._debug)
        # The one kind that waits for a terminal on every system.
        with selectors.SelectSelector() as selector:
            selector.register(self.exit_event, selectors.EVENT_READ)
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                ready = selector.select(_undecided_s(parser))
                if any(key.fd == self.fileno for key, _ in ready):
                    content = os.read(self.fileno, _CHUNK_BYTES)
                    if not content:
                        return  # the terminal is gone, which its guard notices, too
                    if text := decode(content):
                        for event in parser.feed(text):
                            self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)


def _undecided_s(parser: XTermParser) -> float | None:
    """Return for how long more input may change what was typed last; None: it is decided."""
    # Private in the pinned Textual; tests/ui/test_hearing.py holds it.
    until = parser._timeout_time
    return None if until is None else max(0.0, until - SYSTEM_CLOCK.monotonic())
