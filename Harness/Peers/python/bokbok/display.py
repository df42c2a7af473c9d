"""Showing text that came from the other side (E-5)."""

from __future__ import annotations

import unicodedata

SHOWN_CHARACTERS_MAX = 300

# Cc control, Cf format (bidirectional marks, …), Cs surrogates, Co private use, Cn not assigned, Zl and Zp line ends.
_ESCAPED_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def displayed(text: str, characters_max: int = SHOWN_CHARACTERS_MAX) -> str:
    """Return `text` fit for a log or a terminal: control and format characters escaped, and cut (E-5.a)."""
    cut = len(text) > characters_max
    shown = "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _ESCAPED_CATEGORIES
        else character
        for character in text[:characters_max]
    )
    return f"{shown}… ({len(text)} characters)" if cut else shown
