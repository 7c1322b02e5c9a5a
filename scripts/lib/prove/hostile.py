"""Hostile strings, and whole fleets in which every text is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from random import Random
from typing import Any, Final

from orchestrator_tui.records.identifiers import RunKey

SEQUENCES: Final = (
    *("\x1b]52;c;cHduZWQ=\x07", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\"),
    *("\x1b[2J\x1b[H", "\x1b[31m", "\x1bc", "\x1bP$qm\x1b\\", "\x1b[6n", "\x1b[c", "\x1b[?1049l"),
    *(
        "\x9b31m",
        "\x9d0;x\x9c",
        "\x90q\x9c",
        "\x1b_Gf=100;\x1b\\",
        "\x1b^pm\x1b\\",
        "\x1b]9;hi\x07",
    ),
    *(
        "\x1b]9;hi\x07",
        "\x1b]777;notify;a;b\x07",
        "\x1b]1337;File=:x\x07",
        "\x1b[?2004h",
        "\x1b]52;c;never ends",
    ),
    *("\x1b[", "\x1b]", "\x1b", "\x07", "\x08\x08", "\r", "\x00", "\x7f", "\x0c", "\x0e", "\x85"),
    *("\u202e", "\u2066", "\u200b", "\u200d", "\u00ad", "\ufeff", "\u2028", "\U000e0041", "\ud800"),
    *("[/]", "[bold", "[@click=app.quit]x[/]", "[link=http://x]", "\\[", "[0]", "$x", "{0}", "%s"),
    *(
        "é\u0301\u0302\u0303\u0304\u0305\u0306",
        "世界",
        "😀\ufe0f",
        "x" * 40,
        "\t",
        "\ue000",
        "\u3164",
    ),
)
# Texts by which the program decides, so that others would only lead to another screen.
KEPT: Final = frozenset({"status", "kind", "stream", "verdict", "shape", "run_id", "task_id"})


def hostile_text(dice: Random) -> str:
    """Return a text of some sequences and some words."""
    pieces = (
        dice.choice(SEQUENCES) if dice.random() < 0.6 else "abc"[: dice.randint(1, 3)]
        for _ in range(dice.randint(1, 6))
    )
    return "".join(pieces)


def spoilt(value: Any, texts: Iterator[str], name: str = "") -> Any:
    """Return a record in which every free text is one of `texts`."""
    if isinstance(value, (Enum, RunKey, datetime, bool, int, float, type(None))):
        return value
    if isinstance(value, str):
        return value if name in KEPT or name.endswith("_at") else next(texts)
    if is_dataclass(value) and not isinstance(value, type):
        changes = {
            each.name: spoilt(getattr(value, each.name), texts, each.name)
            for each in fields(value)
            if each.init
        }
        return replace(value, **changes)
    if isinstance(value, Mapping):
        return {key: spoilt(each, texts, name) for key, each in value.items()}
    if type(value) in (tuple, list, frozenset):
        return type(value)(spoilt(each, texts, name) for each in value)
    return value


def texts_of(dice: Random) -> Iterator[str]:
    """Yield hostile texts without end."""
    while True:
        yield hostile_text(dice)
