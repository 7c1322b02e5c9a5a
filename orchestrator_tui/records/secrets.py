"""Secrets: which names and texts look like one; a net with meshes, for it knows the usual forms."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

REDACTED: Final = "[redacted]"
LEAST_LENGTH: Final = 8  # of a known secret: a shorter one would take out words that are none
SECRET_NAME: Final = (
    r"[\w.-]*(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|credential|authorization|cookie)[\w.-]*"
)
# Forms that nothing else has.
_SURE_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        r"(?i:\bbearer[ \t]+)[\w.~+/=-]{8,}",
        r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)",  # the user and password of an address
        r"\bgh[opsur]_[A-Za-z0-9]{20,}\b|\bgithub_pat_\w{20,}\b",
        r"\bglpat-[\w-]{16,}|\bnpm_[A-Za-z0-9]{20,}\b|\bxox[abeoprs]-[\w-]{10,}",
        r"\bsk-[\w-]{16,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}",
        r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",  # a JSON web token
    )
)
SECRET_FORMS: Final = _SURE_FORMS + tuple(
    re.compile(form)
    for form in (
        r"\b[0-9a-fA-F]{64,}\b",  # as resume tokens are
        # Long, and of all three kinds of characters.
        r"(?<![\w+=-])(?=[\w+=-]*[a-z])(?=[\w+=-]*[A-Z])(?=[\w+=-]*[0-9])[\w+=-]{40,}",
    )
)
_NAME: Final = re.compile(SECRET_NAME, re.IGNORECASE)


def is_secret(name: str, value: str) -> bool:
    """Tell whether a variable looks like a secret, by its name or its value."""
    if _NAME.fullmatch(name):
        return True
    return any(form.search(value) for form in SECRET_FORMS)


@lru_cache(maxsize=1024)  # the stages of a run get much the same variables
def secrets_in(name: str, value: str) -> frozenset[str]:
    """Return what must not be shown of a variable: each line of its value, by its name.

    Under another name it is what has the form of nothing but a secret; of an address with a user
    and a password that is the password. Nothing shorter than `LEAST_LENGTH` is a secret.
    """
    if _NAME.fullmatch(name):
        texts = value.splitlines()
    else:
        found = (match[0] for form in _SURE_FORMS for match in form.finditer(value))
        # Without the user before the password, and the word before a token.
        texts = [each.split(":", 1)[-1].split()[-1] for each in found]
    lines = (text.strip() for text in texts)
    return frozenset(line for line in lines if len(line) >= LEAST_LENGTH)
