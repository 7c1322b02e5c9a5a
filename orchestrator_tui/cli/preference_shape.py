"""The shape of a file of preferences, as pydantic checks it; imported only when one is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from orchestrator_tui.settings import NOTIFY_WORDS, THEMES

_COMPLAINTS: Final = {
    "extra_forbidden": "is no key of this file",
    "bool_type": "is neither true nor false",
    "string_type": "is not a text",
    "dict_type": "is no table",
    "value_error": "is none of the words that may stand here",
}


class PreferenceShape(BaseModel):
    """All keys of a file; each may be absent."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    theme: str | None = None
    ascii: bool | None = None
    task: str | None = None
    filter: str | None = None
    read_only: bool | None = None
    notify: str | None = None
    notify_command: str | None = None
    reduced_motion: bool | None = None
    confirm_quit: bool | None = None
    keys: dict[str, Any] | None = None
    views: dict[str, str] | None = None

    @field_validator("theme")
    @classmethod
    def _is_theme(cls, word: str | None) -> str | None:
        if word is not None and word not in THEMES:
            raise ValueError(word)
        return word

    @field_validator("notify")
    @classmethod
    def _is_notify_word(cls, word: str | None) -> str | None:
        if word is not None and word not in NOTIFY_WORDS:
            raise ValueError(word)
        return word


def complaints(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return each key that is wrong, and what is wrong with it."""
    try:
        PreferenceShape.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return [(str(each["loc"][0]), _COMPLAINTS.get(each["type"], each["msg"])) for each in found]
    return []
