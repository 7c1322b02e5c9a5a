"""Activity: what a person did here, what was told, and what troubled the watcher; newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.identifiers import RunKey
from orchestrator_tui.records.times import format_time, parse_time
from orchestrator_tui.state.observations import (
    FreshnessSeen,
    Observation,
    RunSeen,
    RunsRecalled,
    RunVanished,
    Unreadable,
)

KEPT_ACTIONS: Final = 500  # of this and earlier sessions
KEPT_TOLD: Final = 500  # of what else was told in this session
WORDS_LENGTH: Final = 400  # characters of an entry's words that are kept
VERSION: Final = 1


class Kind(StrEnum):
    """What an entry is about."""

    ACTION = "action"  # what a person asked for
    TOLD = "told"  # a toast
    RUN = "run"  # a run that ended badly, was lost or waits
    WATCH = "watch"  # how well the disk can be watched and read


class Result(StrEnum):
    """How it stands."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # the screen that asked was closed before the answer
    TOLD = "told"
    TROUBLE = "trouble"
    OVER = "over"  # trouble that has passed


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the activity; words and command need not be safe for a terminal.

    `name` tells an entry from every other, also from those of other sessions. `command` is the
    command line of an action.
    """

    name: str
    at: datetime
    kind: Kind
    result: Result
    words: str = ""
    command: str = ""
    key: RunKey | None = None

    @property
    def line(self) -> str:
        """The command, or else the words, as one line: what is copied."""
        return self.command or " ".join(self.words.split())


Entries: TypeAlias = tuple[Entry, ...]


def merged(*groups: Iterable[Entry]) -> Entries:
    """Return the entries of all groups, newest first; a later group has the last word.

    As many of each kind are kept as a screen can use.
    """
    by_name = {entry.name: entry for group in groups for entry in group}
    ordered = sorted(by_name.values(), key=lambda entry: (entry.at, entry.name), reverse=True)
    actions = [entry for entry in ordered if entry.kind is Kind.ACTION]
    others = [entry for entry in ordered if entry.kind is not Kind.ACTION]
    if len(actions) <= KEPT_ACTIONS and len(others) <= KEPT_TOLD:
        return tuple(ordered)
    kept = {entry.name for entry in (*actions[:KEPT_ACTIONS], *others[:KEPT_TOLD])}
    return tuple(entry for entry in ordered if entry.name in kept)


def matching(entries: Sequence[Entry], words: str) -> Entries:
    """Return the entries in which every word stands, in any case."""
    wanted = words.lower().split()
    return tuple(entry for entry in entries if all(w in _searched(entry) for w in wanted))


def _searched(entry: Entry) -> str:
    run = f"{entry.key} " if entry.key else ""
    return f"{entry.result} {entry.kind} {run}{entry.command} {entry.words}".lower()


# --- what is remembered -----------------------------------------------------------------------


def to_document(entries: Iterable[Entry]) -> dict[str, object]:
    """Return the actions among the entries as a document, newest first."""
    actions = [entry for entry in merged(entries) if entry.kind is Kind.ACTION]
    return {"version": VERSION, "actions": [_to_record(entry) for entry in actions]}


def _to_record(entry: Entry) -> dict[str, object]:
    record: dict[str, object] = {
        "name": entry.name,
        "at": format_time(entry.at),
        "command": entry.command,
        "result": entry.result.value,
        "words": entry.words[:WORDS_LENGTH],
    }
    if entry.key is not None:
        record |= {"task": entry.key.task_id, "run": entry.key.run_id}
    return record


def from_document(document: Mapping[str, object], session: str) -> Entries:
    """Return the remembered actions; whatever is no action is left out.

    What an earlier session left pending has an end that nobody saw here; `session` is the present
    one's, whose entries begin with it.
    """
    records = document.get("actions")
    if document.get("version") != VERSION or not isinstance(records, list):
        return ()
    found = (_from_record(record, session) for record in records[:KEPT_ACTIONS])
    return merged(entry for entry in found if entry is not None)


def _from_record(record: object, session: str) -> Entry | None:
    if not isinstance(record, Mapping):
        return None
    texts = {
        key: value if isinstance(value := record.get(key), str) else ""
        for key in ("name", "command", "result", "words", "task", "run")
    }
    at = parse_time(record.get("at"))
    if at is None or not texts["name"] or texts["result"] not in {r.value for r in Result}:
        return None
    result = Result(texts["result"])
    if result is Result.PENDING and not texts["name"].startswith(session):
        result = Result.UNKNOWN
    has_run = texts["task"] and texts["run"]
    key = RunKey(texts["task"], texts["run"]) if has_run else None
    words = texts["words"][:WORDS_LENGTH]
    return Entry(texts["name"], at, Kind.ACTION, result, words, texts["command"], key)


# --- the watcher's trouble --------------------------------------------------------------------

Troubles: TypeAlias = Mapping[RunKey | None, str]  # by run; None is the watch itself


@dataclass(frozen=True, slots=True)
class TroubleNews:
    """Trouble that began or passed."""

    key: RunKey | None
    words: str
    is_over: bool


def watch_trouble(
    known: Troubles, batch: Iterable[Observation]
) -> tuple[Troubles, tuple[TroubleNews, ...]]:
    """Return the troubles after what was seen, and what is new about them."""
    now = dict(known)
    news: list[TroubleNews] = []
    for seen in batch:
        match seen:
            case Unreadable(key=key, path=path, reason=reason):
                _note(now, news, key, f"{path} cannot be read: {reason}")
            case RunSeen(facts=facts):
                _note(now, news, facts.key, "")
            case RunsRecalled(runs=runs) if now:
                for facts in runs:
                    _note(now, news, facts.key, "")
            case RunVanished(key=key):
                now.pop(key, None)
            case FreshnessSeen(freshness=fresh):
                missing = "" if fresh.runs_exists else "the folder of runs is not there"
                _note(now, news, None, fresh.problem or missing)
            case _:
                pass
    return (now if news or len(now) != len(known) else known), tuple(news)


def _note(
    now: dict[RunKey | None, str], news: list[TroubleNews], key: RunKey | None, words: str
) -> None:
    before = now.get(key, "")
    if words == before:
        return
    if words:
        now[key] = words
        news.append(TroubleNews(key, words, is_over=False))
    else:
        del now[key]
        news.append(TroubleNews(key, f"over: {before}", is_over=True))
