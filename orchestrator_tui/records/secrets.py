"""Secrets: which names and texts look like one; a net with meshes, for it knows the usual forms."""

from __future__ import annotations

import re
from typing import Final

SECRET_NAME: Final = (
    r"[\w.-]*(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|credential|authorization|cookie)[\w.-]*"
)
SECRET_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        r"(?i:\bbearer[ \t]+)[\w.~+/=-]{8,}",
        r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)",  # the user and password of an address
        r"\bgh[opsur]_[A-Za-z0-9]{20,}\b|\bgithub_pat_\w{20,}\b",
        r"\bglpat-[\w-]{16,}|\bnpm_[A-Za-z0-9]{20,}\b|\bxox[abeoprs]-[\w-]{10,}",
        r"\bsk-[\w-]{16,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}",
        r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",  # a JSON web token
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
