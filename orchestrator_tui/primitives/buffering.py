"""Buffering: output of any length in bounded memory, decoded and cut where text may be cut."""

from __future__ import annotations

from collections import deque

from orchestrator_tui.dataclass import dataclass

DEFAULT_LIMIT_BYTES = 64 * 1024  # a stream's buffer in the Node original
DEFAULT_LINE_BYTES = 8 * 1024
_MANY_CHUNKS = 1024
_HEAD_SHARE = 4  # one part in four is kept from the start, the rest from the end


class CappedBuffer:
    """Keeps the first quarter and the last three quarters of `limit_bytes` of a stream.

    Nothing is dropped of a stream that is not longer than `limit_bytes`. Chunks are kept as they
    came, and only whole ones are let go meanwhile: to copy each would cost as much as to read it.
    """

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self._head_limit = limit_bytes // _HEAD_SHARE
        self._tail_limit = limit_bytes - self._head_limit
        self._head = bytearray()
        self._chunks: deque[bytes] = deque()
        self._chunks_bytes = 0
        self._total_bytes = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes of the stream."""
        self._total_bytes += len(chunk)
        room = self._head_limit - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._chunks.append(chunk)
        self._chunks_bytes += len(chunk)
        while len(self._chunks) > 1 and (
            self._chunks_bytes - len(self._chunks[0]) >= self._tail_limit
        ):
            self._chunks_bytes -= len(self._chunks.popleft())
        if len(self._chunks) > _MANY_CHUNKS:  # tiny ones would take more room than they hold
            self._chunks = deque([self.tail()])
            self._chunks_bytes = len(self._chunks[0])

    @property
    def total_bytes(self) -> int:
        """The length of the stream so far."""
        return self._total_bytes

    @property
    def dropped_bytes(self) -> int:
        """How many bytes between head and tail are gone."""
        return max(0, self._total_bytes - len(self._head) - self._tail_limit)

    @property
    def is_truncated(self) -> bool:
        """Whether any byte was dropped."""
        return self.dropped_bytes > 0

    def head(self) -> bytes:
        """Return the first bytes of the stream."""
        return bytes(self._head)

    def tail(self) -> bytes:
        """Return the last bytes of the stream, those of the head excepted."""
        kept = b"".join(self._chunks)
        return kept[max(0, len(kept) - self._tail_limit) :]

    def text(self, marker: bool = False) -> str:
        """Return what is kept as text; `marker` puts a line between head and tail that says so.

        Bytes that are not UTF-8 become U+FFFD; a character that the cut broke is left out.
        """
        if not self.is_truncated:
            return (self.head() + self.tail()).decode("utf-8", "replace")
        head, tail = _without_torn_end(self.head()), _without_torn_start(self.tail())
        start, end = head.decode("utf-8", "replace"), tail.decode("utf-8", "replace")
        if not marker:
            return start + end
        return _joined(start, self._total_bytes - len(head) - len(tail), end)


class StreamDecoder:
    """Decodes UTF-8 that comes in pieces; only bytes that are truly wrong become U+FFFD."""

    def __init__(self) -> None:
        self._begun = b""

    def cut(self, chunk: bytes) -> bytes:
        """Return the bytes that `chunk` completes; the start of a character waits for its rest."""
        joined = self._begun + chunk if self._begun else chunk
        whole = _without_torn_end(joined)
        self._begun = joined[len(whole) :]
        return whole

    def feed(self, chunk: bytes) -> str:
        """Return the text that `chunk` completes."""
        return self.cut(chunk).decode("utf-8", "replace")

    def finish(self) -> str:
        """Return what is left at the end of the stream: one U+FFFD for a character begun."""
        begun, self._begun = self._begun, b""
        return begun.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class AssembledLine:
    """One line without its newline; `cut_bytes` of its UTF-8 were left out at its end."""

    text: str
    cut_bytes: int = 0


class LineAssembler:
    r"""Makes lines of text that comes in pieces, each of at most `limit_bytes` of UTF-8.

    A line ends at `\n` or `\r\n`. Text after a lone `\r` replaces what stood before it in its line,
    as on a terminal, so of a progress bar the last state is left.
    """

    def __init__(self, limit_bytes: int = DEFAULT_LINE_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._surely_short = limit_bytes // 4  # characters, whatever they are
        self._pieces: list[str] = []
        self._kept_bytes = 0
        self._cut_bytes = 0
        self._returned = False  # a carriage return was the last; what follows tells its meaning

    def feed(self, text: str) -> tuple[AssembledLine, ...]:
        """Return the lines that `text` completes."""
        *whole, rest = text.split("\n")
        lines: list[AssembledLine] = []
        is_plain = "\r" not in text
        for segment in whole:
            if is_plain and lines and len(segment) <= self._surely_short:
                lines.append(AssembledLine(segment))  # most lines need no more
                continue
            self._extend(segment)
            lines.append(self._line())
            self._reset()
        self._extend(rest)
        return tuple(lines)

    def finish(self) -> tuple[AssembledLine, ...]:
        """Return the line that the stream ended in without a newline, if it has any text."""
        last = self.partial
        self._reset()
        return () if last is None else (last,)

    @property
    def partial(self) -> AssembledLine | None:
        """The line that has begun and not ended, if it has any text."""
        line = self._line()
        return line if line.text or line.cut_bytes else None

    def _extend(self, segment: str) -> None:
        body = segment.rstrip("\r")
        if body:
            if self._returned or "\r" in body:
                self._reset()
            self._keep(body.rpartition("\r")[2])
            self._returned = len(body) < len(segment)
        elif segment:
            self._returned = True

    def _keep(self, text: str) -> None:
        size = len(text) if text.isascii() else len(_encoded(text))
        room = self._limit_bytes - self._kept_bytes
        if self._cut_bytes or size > room:
            kept = "" if self._cut_bytes else _first(text, room)
            kept_bytes = len(_encoded(kept))
            self._cut_bytes += size - kept_bytes
            text, size = kept, kept_bytes
        if text:
            self._pieces.append(text)
            self._kept_bytes += size

    def _line(self) -> AssembledLine:
        if len(self._pieces) > 1:  # a line that grows by single characters stays one text
            self._pieces = ["".join(self._pieces)]
        return AssembledLine(self._pieces[0] if self._pieces else "", self._cut_bytes)

    def _reset(self) -> None:
        self._pieces = []
        self._kept_bytes = self._cut_bytes = 0
        self._returned = False


def truncate_utf8(text: str, limit_bytes: int) -> tuple[str, int]:
    """Return `text` in at most `limit_bytes` bytes of UTF-8, and how many bytes were left out.

    A longer text keeps its first quarter of `limit_bytes`, one line that says how many bytes are
    missing, and its end; characters stay whole. A limit too small for that line keeps the start.
    """
    encoded = _encoded(text)
    if len(encoded) <= limit_bytes:
        return encoded.decode("utf-8", "replace"), 0
    head_limit = limit_bytes // _HEAD_SHARE
    # The number in the marker is at most the whole length, so this much room is enough.
    tail_limit = limit_bytes - head_limit - len(_joined("x", len(encoded), "x").encode()) + 2
    if tail_limit < 0:
        kept = _without_torn_end(encoded[:limit_bytes])
        return kept.decode("utf-8", "replace"), len(encoded) - len(kept)
    head = _without_torn_end(encoded[:head_limit])
    tail = _without_torn_start(encoded[len(encoded) - tail_limit :])
    left_out = len(encoded) - len(head) - len(tail)
    start, end = head.decode("utf-8", "replace"), tail.decode("utf-8", "replace")
    return _joined(start, left_out, end), left_out


def _joined(start: str, left_out_bytes: int, end: str) -> str:
    border = "" if start.endswith("\n") or not start else "\n"
    return f"{start}{border}… {left_out_bytes:,} bytes left out …\n{end}"


def _encoded(text: str) -> bytes:
    # A lone surrogate has no UTF-8; it counts and comes out as "?".
    return text.encode("utf-8", "replace")


def _first(text: str, limit_bytes: int) -> str:
    return _without_torn_end(_encoded(text[:limit_bytes])[:limit_bytes]).decode("utf-8", "replace")


def _is_continuation(byte: int) -> bool:
    return byte & 0xC0 == 0x80


def _length_told_by(lead: int) -> int:
    """Return how many bytes the character has that begins with this byte; 1 if none does."""
    if 0xC2 <= lead <= 0xDF:
        return 2
    if 0xE0 <= lead <= 0xEF:
        return 3
    return 4 if 0xF0 <= lead <= 0xF4 else 1


def _without_torn_end(encoded: bytes) -> bytes:
    """Leave out a last character that lacks bytes; bytes that are not UTF-8 stay."""
    for back in range(1, min(4, len(encoded) + 1)):
        lead = encoded[-back]
        if _is_continuation(lead):
            continue
        return encoded[:-back] if back < _length_told_by(lead) else encoded
    return encoded


def _without_torn_start(encoded: bytes) -> bytes:
    """Leave out at most three bytes of a character whose first byte was cut off."""
    start = 0
    while start < min(3, len(encoded)) and _is_continuation(encoded[start]):
        start += 1
    return encoded[start:]
