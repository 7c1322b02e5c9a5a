"""Keys are heard at once, and the thread that hears them ends when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import threading
import tty
from collections.abc import Iterator

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.message import Message

from orchestrator_tui.ui.hearing import HearingDriver, _undecided_s
from orchestrator_tui.ui.pacing import PacedDriver

BOUND_S = 10.0


class Heard(HearingDriver):
    """Keeps what it hears instead of handing it to an app."""

    def __init__(self, descriptor: int) -> None:
        async def begin() -> None:
            super(Heard, self).__init__(App())  # which asks for a loop

        asyncio.run(begin())
        self.fileno = descriptor
        self.keys: list[str] = []
        self.news = threading.Condition()
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._hear, daemon=True)
        self.thread.start()

    def _hear(self) -> None:
        try:
            self.run_input_thread()
        except OSError as error:
            self.failure = error

    def process_message(self, message: Message) -> None:
        if isinstance(message, events.Key):
            with self.news:
                self.keys.append(message.key)
                self.news.notify_all()

    def until(self, *keys: str) -> None:
        with self.news:
            assert self.news.wait_for(lambda: self.keys == list(keys), BOUND_S), self.keys

    def end(self) -> None:
        self.exit_event.set()
        self.thread.join(BOUND_S)
        assert not self.thread.is_alive()


@pytest.fixture
def terminal() -> Iterator[tuple[int, Heard]]:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    heard = Heard(theirs)
    yield ours, heard
    heard.end()
    heard.close()
    for descriptor in (ours, theirs):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def test_keys_are_heard_and_a_lone_escape_once_it_is_decided(terminal: tuple[int, Heard]) -> None:
    ours, heard = terminal
    os.write(ours, b"ab")
    heard.until("a", "b")
    os.write(ours, b"\x1b[A")
    heard.until("a", "b", "up")
    os.write(ours, b"\x1b")  # nothing follows
    heard.until("a", "b", "up", "escape")
    os.write(ours, "ü".encode()[:1])
    os.write(ours, "ü".encode()[1:])
    heard.until("a", "b", "up", "escape", "ü")


def test_bytes_that_are_no_text_end_nothing(terminal: tuple[int, Heard]) -> None:
    ours, heard = terminal
    os.write(ours, b"\xff\xfea")
    with heard.news:
        assert heard.news.wait_for(lambda: heard.keys[-1:] == ["a"], BOUND_S), heard.keys


def test_it_ends_when_it_is_told_to_and_hears_again_later(terminal: tuple[int, Heard]) -> None:
    ours, heard = terminal
    heard.end()
    heard.exit_event.clear()
    heard.close()  # as it is done to suspend
    os.write(ours, b"c")
    heard.thread = threading.Thread(target=heard._hear, daemon=True)
    heard.thread.start()
    heard.until("c")


def test_it_ends_with_its_input() -> None:
    reads, writes = os.pipe()
    heard = Heard(reads)
    os.write(writes, b"z")
    heard.until("z")
    os.close(writes)
    heard.thread.join(BOUND_S)
    assert not heard.thread.is_alive()
    assert heard.failure is None
    heard.close()
    os.close(reads)


def test_nothing_is_waited_for_where_nothing_is_typed() -> None:
    parser = XTermParser()
    assert _undecided_s(parser) is None
    assert [event.key for event in parser.feed("a") if isinstance(event, events.Key)] == ["a"]
    assert _undecided_s(parser) is None
    assert not list(parser.feed("\x1b"))
    waits_s = _undecided_s(parser)
    assert waits_s is not None
    assert 0 <= waits_s <= 1


def test_the_driver_of_the_program_hears_so() -> None:
    assert PacedDriver.run_input_thread is HearingDriver.run_input_thread
