"""Which line of an error output to read first, and which place in the source it names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from orchestrator_tui.records.line_looks import LineLook

LOOKED_AT = 500  # characters of a line

# In this order: an exception with its message, a line that begins as errors do or is marked as one,
# a failed test.
_NAMED = re.compile(r"^\s*(?:E\s+)?[\w.$]*(?:Error|Exception|Failure)\b\s*(?:\[\w+\])?:")
_MARKED = re.compile(r"^\s*(?:E\s+)?(?:(?:error|fatal|panic)(?:\[\w+\])?:|thread '.*' panicked)")
# A level in capitals that begins a line or follows a time, as loggers and build tools write it.
_LEVEL = r"(?:ERROR|FATAL|CRITICAL|SEVERE)"
# What a mark does not count before: a number alone, a rule, nothing.
_NO_COUNT = r"(?!\s{0,9}(?:\d{1,9}|none|no|[-=*]{0,99})\s{0,9}$)"
_HEADED = (
    rf"\s*(?:(?:{_LEVEL}|FATAL ERROR):{_NO_COUNT}|\[\s*{_LEVEL}\s*\]{_NO_COUNT}"
    # Not `ERROR = 3`, and no title in capitals.
    rf"|{_LEVEL}(?=\s)(?!\s+(?:[=:]|[A-Z]{{2,}}(?:\s|$))){_NO_COUNT})"
)
_TIMED = (
    rf"\W?\d{{2,4}}[-:/.]\d\d[-:/.]\d\d(?=.*{_LEVEL})"
    r"(?:(?!(?<![\w.-])(?i:info|debug|trace|notice|warn|warning)(?![\w.-])).){0,80}?"
    rf"(?<! no)(?<! 0)[\s\[|]{_LEVEL}(?=[\s\]|:]){_NO_COUNT}"
)
# What pytest puts before the lines that say what is wrong, and a shell that finds no command.
_PYTEST = r"\s*E {3,}(?:assert\b|Failed:|fixture '.*' not found)"
_SHELL = r"(?:\S*/)?\w*sh: .*: not found\s*$"
# One `^` for all of them: a search tries each alternative at each character.
_LOUD = re.compile(
    rf"^(?:{_HEADED}|{_TIMED}|{_PYTEST}|{_SHELL})"
    r"|: command not found\s*$|\bcommand not found: \S"
)
_FAILED = re.compile(r"^\s*(?:FAIL(?:ED)?\b|✗|×|not ok\b)")
_WORDED = re.compile(r"\b(?:error|exception|failed|failure|fatal|panic|cannot|not found)\b", re.I)
# What a line of any output must look like to count as a problem worth a jump.
PROBLEM = re.compile(
    rf"{_NAMED.pattern}|{_MARKED.pattern}|{_FAILED.pattern}"
    r"|:\s(?:fatal\s)?error(?:\[\w+\])?:?\s|^Traceback \(most recent|\bSegmentation fault\b"
    r"|\bnpm ERR! code\b|\*\*\* \[[^\]]*\] Error \d"
    rf"|{_LOUD.pattern}"
)
PROBLEM_LOOK = LineLook(
    PROBLEM,
    (
        *("error", "exception", "failure", "fatal", "panic", "fail", "✗", "×", "not ok"),
        *("traceback", "segmentation fault", "npm err!"),
        *("critical", "severe", "e   ", "not found"),
    ),
)
WARNING_LOOK = LineLook(
    re.compile(
        r"^\s*(?:\W{1,3}\s*)?warn(?:ing)?\b|\bwarning(?:\[\S+\])?:|\b\w*Warning:|\bWARN\b", re.I
    ),
    ("warn",),
)
_NOTHING = re.compile(r"\b(?:0|no) (?:errors?|failures?|failed)\b", re.I)
_PLACE = re.compile(
    r"(?:^|[\s(\"'\[<@])(?:file://)?((?:~|\.{1,2})?/?(?:[\w.@+-]+/)*[\w@+-][\w.@+-]*\.[A-Za-z]\w{0,8})"
    r":(\d{1,7})(?::(\d{1,5}))?(?!\d)"
)
_PYTHON_PLACE = re.compile(r'File "([^"]+)", line (\d{1,7})')
_FOREIGN = ("node_modules/", "site-packages/", "node:", "/usr/lib/", "internal/")


def first_error(lines: Iterable[str]) -> str | None:
    """Return the line that tells most of what went wrong, stripped; the last one if none does."""
    texts = _begun(lines)
    return first_problem(texts) or (texts[-1] if texts else None)


def first_problem(lines: Iterable[str]) -> str | None:
    """Return the line that tells most of what went wrong, stripped; None if none does."""
    texts = _begun(lines)
    for pattern in (_NAMED, _MARKED, _LOUD, _FAILED, _WORDED):
        for text in texts:
            if pattern.search(text) and not _NOTHING.search(text):
                return text
    return None


def _begun(lines: Iterable[str]) -> list[str]:
    """Return the beginnings of lines that are not blank, stripped."""
    texts = (line[:LOOKED_AT].strip() for line in lines)
    return [text for text in texts if text]


def named_place(lines: Iterable[str]) -> str | None:
    """Return the `path:line` or `path:line:column` to look at, or None.

    Places in the project come before those in packages. Of the frames of a Python traceback the
    last one counts, of all others the first.
    """
    own: list[str] = []
    foreign: list[str] = []
    python: list[str] = []
    for line in lines:
        text = line[:LOOKED_AT]
        if match := _PYTHON_PLACE.search(text):
            path, place = match[1], f"{match[1]}:{match[2]}"
            (foreign if any(f in path for f in _FOREIGN) else python).append(place)
        elif match := _PLACE.search(text):
            place = ":".join(part for part in match.groups() if part)
            (foreign if any(f in match[1] for f in _FOREIGN) else own).append(place)
    if python:
        return python[-1]
    found = own or foreign
    return found[0] if found else None
