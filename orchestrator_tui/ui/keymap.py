"""Every binding by its id, the wishes of a person for other keys, and what keys are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Final, TypeAlias

from textual import events
from textual._xterm_parser import XTermParser
from textual.binding import ActiveBinding, Binding
from textual.keys import Keys, _character_to_key, format_key

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.ui import keys

Keymap: TypeAlias = Mapping[str, str]  # id of a binding → its keys by Textual's names, with commas

_ENDING = "_KEYS"
# The terminal tells more keys apart after the first of these; Textual's driver sends the same.
ASK_FOR_MORE_KEYS, NO_MORE_KEYS = "\x1b[>1u", "\x1b[<u"

UNBOUND: Final = "none"  # the wish for no key at all
# Terminals send the same bytes for these as for backspace, tab, enter and escape.
_SAME_BYTES: Final = frozenset(["ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+left_square_bracket"])
_FIXED: Final = {"app.interrupt": "ctrl+c always leaves"}
_OTHER_NAMES: Final = {
    "esc": "escape",
    "return": "enter",
    "pgdn": "pagedown",
    "pgup": "pageup",
    "del": "delete",
    "ins": "insert",
    "spacebar": "space",
}
_NAMED: Final = frozenset(key.value for key in Keys if not key.value.startswith("<"))
_MODIFIED = re.compile(r"(ctrl|alt|shift)(\+(ctrl|alt|shift))*\+[a-z0-9_]+")
_SHORT: Final = {"pagedown": "pgdn", "pageup": "pgup", "escape": "esc", "space": "space"}

# The groups whose keys hold at the same time; a key that two of their bindings want is a conflict.
_TOGETHER: Final = {
    "the list of runs": ("app", "runs", "list"),
    "the stages of a run": ("app", "run", "stage"),
    "the log of a run": ("app", "run", "log", "log_line"),
    "the tabs of a run": ("app", "run", "reading", "card"),
    "the lists of a run": ("app", "run", "picking", "artifact"),
    "a log in full": ("app", "log_screen", "log", "log_line"),
    "the activity": ("app", "activity", "list"),
}
# All other groups are those of dialogs, whose words name their keys.
ON_SCREENS: Final = frozenset(name for names in _TOGETHER.values() for name in names)


@dataclass(frozen=True, slots=True)
class BoundKey:
    """A binding: where it holds, such as `runs`, its id, its keys by Textual's names, its words."""

    place: str
    id: str
    keys: tuple[str, ...]
    words: str


def all_bindings(keymap: Keymap | None = None) -> Iterator[BoundKey]:
    """Yield every binding that has an id, place by place, with the keys that it has now."""
    for name, group in vars(keys).items():
        if not name.endswith(_ENDING):
            continue
        place = name.removesuffix(_ENDING).lower()
        for binding in group:
            if isinstance(binding, Binding) and binding.id:
                wish = (keymap or {}).get(binding.id, binding.key)
                own = tuple(key for key in wish.split(",") if key != UNBOUND)
                yield BoundKey(place, binding.id, own, binding.description)


# --- wishes -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckedKeymap:
    """The wishes that can be fulfilled, and why the others cannot.

    `mistakes` are wishes that mean nothing, `conflicts` those for a key that is taken; a binding
    with either keeps the keys it has by default.
    """

    keymap: Keymap
    mistakes: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


def normal_key(text: str) -> str | None:
    """Return Textual's name of a key that a person wrote, None for what is no key: `?`, `esc`."""
    word = text.strip()
    if len(word) == 1:
        return _character_to_key(word) if word.isprintable() else None
    parts = word.split("+")
    modifiers, last = [part.lower() for part in parts[:-1]], parts[-1]
    if len(last) == 1 and modifiers == ["shift"]:
        return _character_to_key(last.upper())
    if len(last) == 1:
        last = _character_to_key(last)
    last = _OTHER_NAMES.get(last.lower(), last.lower())
    name = "+".join([*modifiers, last])
    is_key = name in _NAMED or bool(_MODIFIED.fullmatch(name)) or _is_character(name)
    return name if is_key else None


def _is_character(name: str) -> bool:
    return "+" not in name and len(format_key(name)) == 1


def check_keymap(wishes: Mapping[str, object]) -> CheckedKeymap:
    """Return which wishes can be fulfilled, by binding id; none of it raises."""
    known: dict[str, set[str]] = {}
    for bound in all_bindings():
        known.setdefault(bound.id, set()).add(bound.place)
    keymap: dict[str, str] = {}
    mistakes: list[str] = []
    for binding_id, wish in wishes.items():
        found = _wished(binding_id, wish, known)
        if isinstance(found, str):
            mistakes.append(f'"{binding_id}" {found}')
        else:
            keymap[binding_id] = ",".join(found)
    keymap, conflicts = _without_conflicts(keymap)
    return CheckedKeymap(keymap, tuple(mistakes), tuple(conflicts))


def _wished(binding_id: str, wish: object, known: Mapping[str, set[str]]) -> tuple[str, ...] | str:
    """Return the keys of one wish, or what is wrong with it and the cure."""
    if binding_id not in known:
        return "is no binding; orch-tui keys --list prints all of them"
    if binding_id in _FIXED:
        return f"cannot have other keys: {_FIXED[binding_id]}"
    if not known[binding_id] & ON_SCREENS:
        return "cannot have other keys: its dialog names them"
    words = [str(word) for word in (wish if isinstance(wish, list) else [wish])]
    is_text = isinstance(wish, str | list) and all(word.strip() for word in words)
    if not words or not is_text:
        return 'is no key; write a key such as "K" or "ctrl+x", several in a list, or "none"'
    if words == [UNBOUND]:
        return (UNBOUND,)
    found = []
    for word in words:
        key = normal_key(word)
        if key is None:
            return f'asks for "{word}", which is no key; orch-tui keys tells what a key is called'
        if key in _SAME_BYTES:
            return f"asks for {word}, which terminals cannot tell from another key"
        found.append(key)
    return tuple(dict.fromkeys(found))


def _without_conflicts(keymap: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the wishes without those for a key that another binding has at the same time."""
    told: dict[str, str] = {}
    while clash := next(_clashes(keymap), None):
        place, key, wisher, other = clash
        told[wisher.id] = (
            f'"{wisher.id}" asks for {shown_key(key)}, which is "{other.id}" ({other.words}) '
            f"in {place}; it keeps its own keys"
        )
        del keymap[wisher.id]
    return keymap, list(told.values())


def _clashes(keymap: Keymap) -> Iterator[tuple[str, str, BoundKey, BoundKey]]:
    """Yield keys that two bindings want where they do not share them by default."""
    groups: dict[str, list[BoundKey]] = {}
    for bound in all_bindings(keymap):
        groups.setdefault(bound.place, []).append(bound)
    shared = {(b.id, key) for b in all_bindings() for key in b.keys}
    alone = {f"the keys of {name}": (name,) for name in groups}
    for place, names in (_TOGETHER | alone).items():
        bounds = [bound for name in names for bound in groups.get(name, ())]
        for one, two in combinations(bounds, 2):
            if one.id == two.id or not (one.id in keymap or two.id in keymap):
                continue
            for key in one.keys:
                is_meant = (one.id, key) in shared and (two.id, key) in shared
                if key in two.keys and not is_meant:
                    yield (place, key, *((one, two) if one.id in keymap else (two, one)))


# --- names ------------------------------------------------------------------------------------


def shown_key(key: str) -> str:
    """Return a key as a person would write it: `question_mark` → `?`, `escape` → `esc`."""
    *modifiers, last = key.split("+")
    name = _SHORT.get(last) or format_key(last)
    if last in ("up", "down", "left", "right", "enter", "tab", "home", "end", "backspace"):
        name = last
    return "+".join([*modifiers, name])


def shown_keys(names: Iterable[str]) -> str:
    """Return all keys of a binding, short ones first: `down`, `j` → `j down`."""
    return " ".join(sorted((shown_key(key) for key in names if key != UNBOUND), key=len))


def keys_in(text: str) -> tuple[str, ...]:
    """Return the names of the keys whose bytes a terminal sent at once, as bindings name them."""
    if text == "\x1b":  # what follows it would come in the same piece
        return ("escape",)
    found = XTermParser().feed(text)
    return tuple(event.key for event in found if isinstance(event, events.Key))


# --- what holds now ---------------------------------------------------------------------------

Active: TypeAlias = Mapping[str, ActiveBinding]  # what `Screen.active_bindings` gives


@dataclass(frozen=True, slots=True)
class Hint:
    """What a footer says of bindings: a word, and the ids that it stands for.

    `key` replaces the keys of bindings for what a widget does by itself, such as enter in a line
    that is typed in.
    """

    word: str
    ids: tuple[str, ...] = ()
    key: str = ""


def hint(word: str, *ids: str) -> Hint:
    """Return a hint for bindings."""
    return Hint(word, ids)


def typed_hint(word: str, key: str) -> Hint:
    """Return a hint for a key that is no binding of ours."""
    return Hint(word, key=key)


def keys_now(active: Active) -> dict[str, tuple[str, ...]]:
    """Return the keys of each binding that does something now, the one to name first."""
    found: dict[str, tuple[str, ...]] = {}
    for key, bound in active.items():
        if bound.binding.id and bound.enabled and key != UNBOUND:
            found[bound.binding.id] = (*found.get(bound.binding.id, ()), key)
    return found


def told(hints: Iterable[Hint], active: Active) -> tuple[tuple[str, str], ...]:
    """Return (keys, word) for each hint that does something now."""
    live = keys_now(active)
    said: list[tuple[str, str]] = []
    for each in hints:
        first = dict.fromkeys(shown_key(live[name][0]) for name in each.ids if name in live)
        text = each.key or " ".join(first)
        if text:
            said.append((text, each.word))
    return tuple(said)


Named: TypeAlias = Mapping[str, str]  # id of a binding → its first key, as a person would write it


def named_keys(keymap: Keymap | None = None) -> Named:
    """Return the key to name of each binding that has one, whether it does something now or not."""
    return {bound.id: shown_key(bound.keys[0]) for bound in all_bindings(keymap) if bound.keys}


def edge_words(hints: Iterable[Hint], named: Named) -> str:
    """Return what the edge of a pane says of bindings; those without a key are left out."""
    said = (f"{named[each.ids[0]]} {each.word}" for each in hints if each.ids[0] in named)
    return "   ".join(said)
