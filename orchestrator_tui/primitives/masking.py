"""Masking: known byte strings are taken out of a stream, wherever its pieces are cut."""

from __future__ import annotations

from collections.abc import Iterable


class Masker:
    """Replaces each of the `needles` in a stream that comes in pieces.

    Needles that overlap are replaced together, as one. Of what was fed only that is held back
    which may be the beginning of a needle: less than the longest of them. What comes out does not
    depend on where the stream was cut.
    """

    def __init__(self, needles: Iterable[bytes], replacement: bytes) -> None:
        """Take the needles, of which none may be empty."""
        self._needles = tuple(sorted({needle for needle in needles if needle}, key=len))
        self._replacement = replacement
        self._held = b""
        self._covered = 0  # of what is held, so many bytes belong to a needle that was replaced
        self.count = 0  # replacements so far

    def feed(self, chunk: bytes) -> bytes:
        """Return what `chunk` completes."""
        content = self._held + chunk if self._held else chunk
        places = self._places(content)
        return self._masked(content, places, self._begun_at(content))

    def finish(self) -> bytes:
        """Return what was held back, at the end of the stream."""
        content = self._held
        return self._masked(content, self._places(content), len(content))

    def _places(self, content: bytes) -> list[tuple[int, int]]:
        """Return where the needles lie, in order; those that overlap are one place."""
        found = [(0, self._covered)] if self._covered else []
        for needle in self._needles:
            at = content.find(needle)
            while at >= 0:
                found.append((at, at + len(needle)))
                at = content.find(needle, at + 1)
        joined: list[tuple[int, int]] = []
        for start, end in sorted(found):
            if joined and start < joined[-1][1]:
                start, before = joined.pop()
                end = max(before, end)
            joined.append((start, end))
        return joined

    def _begun_at(self, content: bytes) -> int:
        """Return where the first needle begins that `content` ends within, else its length."""
        first = len(content)
        for needle in self._needles:
            at = content.find(needle[:1], max(0, len(content) - len(needle) + 1))
            while 0 <= at < first:
                if needle.startswith(content[at:]):
                    first = at
                at = content.find(needle[:1], at + 1)
        return first

    def _masked(self, content: bytes, places: list[tuple[int, int]], until: int) -> bytes:
        """Return `content` up to a place, and hold the rest back."""
        pieces: list[bytes] = []
        position, covered = 0, 0
        for start, end in places:
            is_replaced = start == 0 and self._covered > 0
            if start >= until and not is_replaced:
                break
            pieces.append(content[position:start])
            if not is_replaced:
                pieces.append(self._replacement)
                self.count += 1
            position, covered = end, end - until
        pieces.append(content[position:until])
        self._held, self._covered = content[until:], max(0, covered)
        return b"".join(pieces) if places else content[:until]
