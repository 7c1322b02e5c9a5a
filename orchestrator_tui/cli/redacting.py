"""Redacting: what looks like a secret is taken out of what leaves the machine; pure.

This is a net with meshes: it knows the usual forms of secrets, not every one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field
from typing import Any, Final

from orchestrator_tui.dataclass import dataclass
from orchestrator_tui.records.secrets import (
    LEAST_LENGTH,
    REDACTED,
    SECRET_FORMS,
    SECRET_NAME,
)

_NAME: Final = re.compile(SECRET_NAME, re.IGNORECASE)
_BLOCK: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
# The value of NAME=value, "name": "value" and --name value; a quoted one up to its quote.
_NAMED: Final = re.compile(
    rf"""(?P<name>\b{SECRET_NAME}\\*["']?[ \t]*(?:=|:(?!:))[ \t]*|--{SECRET_NAME}[ \t]+)"""
    r"""(?P<value>\\+"[^"\n]*"|"(?:\\.|[^"\\\n])*"|'[^'\n]*'"""
    r"""|(?:(?:bearer|basic|token)[ \t]+)?[^\s"'&]+)""",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Redactor:
    """Takes secrets out of texts; `known` are such that are told by no form. Counts them."""

    known: tuple[str, ...] = ()
    count: int = field(default=0, init=False)

    def text(self, text: str) -> str:
        """Return a text, of one line or many, without what looks like a secret."""
        for secret in self.known:
            if len(secret) >= LEAST_LENGTH:
                self.count += text.count(secret)
                text = text.replace(secret, REDACTED)
        # A name tells where its value ends; the forms may know only a part of it.
        text = _NAMED.sub(self._named, self._sub(_BLOCK, text))
        for form in SECRET_FORMS:
            text = self._sub(form, text)
        return text

    def lines(self, lines: Iterable[str]) -> str:
        """Return lines as one text, so that a secret of several lines is found."""
        return self.text("".join(f"{line}\n" for line in lines))

    def value(self, value: Any) -> Any:
        """Return a value of JSON; texts and lists under a secret's name go whole."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {key: self._entry(key, each) for key, each in value.items()}
            case list():
                return [self.value(each) for each in value]
            case _:
                return value

    def _entry(self, key: str, value: Any) -> Any:
        if isinstance(value, str | list) and value and _NAME.fullmatch(key):
            self.count += 1
            return REDACTED
        return self.value(value)

    def _sub(self, form: re.Pattern[str], text: str) -> str:
        text, count = form.subn(REDACTED, text)
        self.count += count
        return text

    def _named(self, match: re.Match[str]) -> str:
        if match["value"].strip("\"'") == REDACTED:
            return match[0]
        self.count += 1
        return f"{match['name']}{REDACTED}"
