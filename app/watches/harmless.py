"""Texts that others wrote, made so that they can stand in a message or a table."""

from __future__ import annotations

import unicodedata

LONGEST = 1000  # characters of any one text; AWS allows 255 in a snapshot's description
# They turn the reading direction of what follows, and can make a line read as another.
_TURNERS = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}


def harmless(text: object, limit: int = LONGEST) -> str:
    """``text`` as one line that cannot pass for several, at most ``limit`` characters.

    Control characters and line breaks become spaces (a description could forge a line of the
    message, and a NUL cannot be stored in every database), what is no character becomes U+FFFD,
    and marks that turn the reading direction go.
    """
    line = str(text)
    if not line.isprintable():
        line = "".join(_harmless_character(character) for character in line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _harmless_character(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    if category in {"Cs", "Cn"}:
        return "\N{REPLACEMENT CHARACTER}"
    return "" if ord(character) in _TURNERS else character
