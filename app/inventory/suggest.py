"""What is being typed at the cursor of a filter: a key, an operator or a value, and of what.

The filter need not be whole: what stands before the cursor is read as far as it goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from app.inventory import keys
from app.inventory.keys import TAG
from app.inventory.tokens import (
    ADDRESS,
    KEY,
    KEYWORD,
    QUOTED,
    SPACE,
    TAG_NAME,
    TAG_OPERATOR,
    TAGGED,
    unquote,
)
from app.resources.spec import Resource

_BARE = re.compile(r"(?:[^\s()]|\([^\s()]*\))+")
_NAME = re.compile(r"[^\s()=!:<>^\"]*")
_VALUE = re.compile(r"[^\s()\"]*")


@dataclass(frozen=True)
class Spot:
    """What is wanted at the cursor.

    ``start`` and ``end`` bound the part of the text that a choice replaces, ``typed`` is what of
    it stands before the cursor, without quotes. ``key`` is a column's name or ``tag:Key``; empty
    if none is given yet, or it is unknown. ``begins`` is where the condition that a value is of
    begins.
    """

    wants: Literal["key", "operator", "value"]
    start: int
    end: int
    typed: str
    key: str = ""
    operator: str = ""
    begins: int = 0


def spot(text: str, cursor: int, resource: Resource) -> Spot:
    """What is being typed in ``text`` at ``cursor`` (counted from 0)."""
    cursor = max(0, min(cursor, len(text)))
    return _Scan(text, cursor, resource).spot()


class _Scan:
    def __init__(self, text: str, cursor: int, resource: Resource) -> None:
        self.text = text
        self.before = text[:cursor]
        self.cursor = cursor
        self.resource = resource
        self.at = 0

    def spot(self) -> Spot:
        while True:
            self._take(SPACE)
            if self.at >= self.cursor:
                return self._key_here(self.cursor)
            found = self._condition()
            if found:
                return found

    def _condition(self) -> Spot | None:
        """The spot, if it is in the condition that begins here; else it is passed over."""
        if self.before[self.at] in "()":
            self.at += 1
            return None
        keyword = KEYWORD.match(self.before, self.at)
        if keyword and keyword.end() < self.cursor:
            self.at = keyword.end()
            return None
        start = self.at
        if self._take(TAGGED):
            return self._tag(start)
        match = None if ADDRESS.match(self.before, start) else self._take(KEY)
        if match:
            return self._value(start, self._known(match.group(1)), match.group(2))
        return self._word(start)

    def _tag(self, start: int) -> Spot | None:
        quoted = self._take(QUOTED)
        bare = None if self.before.startswith('"', self.at) else self._take(TAG_NAME)
        if quoted:
            key = TAG + unquote(quoted.group(1))
        elif bare:
            key = TAG + bare.group()
        else:
            return self._key_here(start)
        operator = self._take(TAG_OPERATOR)
        if operator:
            if operator.group() == ":" and self.at == self.cursor and not quoted:
                return self._key_here(start)  # perhaps of a name that holds colons
            return self._value(start, key, operator.group(1))
        if self.at == self.cursor:
            return self._key_here(start)
        return self._operator(key)

    def _word(self, start: int) -> Spot | None:
        if self._take(QUOTED):
            return None
        match = self._take(_BARE)
        if self.at >= self.cursor:
            return self._key_here(start)
        return self._operator(self._known(match.group()) if match else "")

    def _operator(self, key: str) -> Spot | None:
        if key and self.before[self.at :].isspace():
            return Spot("operator", self.cursor, self.cursor, "", key)
        return None

    def _value(self, begins: int, key: str, operator: str) -> Spot | None:
        self._take(SPACE)
        start = self.at
        whole = QUOTED.match(self.text, start)
        if whole and whole.end() >= self.cursor:
            typed = self.before[start + 1 : whole.end() - (whole.end() == self.cursor)]
            return Spot("value", start, whole.end(), unquote(typed), key, operator, begins)
        if self._take(QUOTED):
            return None
        if self.text.startswith('"', start) and start < self.cursor:
            return Spot(
                "value", start, self.cursor, unquote(self.before[start + 1 :]), key, operator
            )
        self._take(_BARE)
        if self.at < self.cursor:
            return None
        end = self._end(_VALUE)
        return Spot("value", start, end, self.before[start:], key, operator, begins)

    def _key_here(self, start: int) -> Spot:
        return Spot("key", start, self._end(_NAME), self.before[start:])

    def _end(self, rest: re.Pattern[str]) -> int:
        match = rest.match(self.text, self.cursor)
        return match.end() if match else self.cursor

    def _known(self, name: str) -> str:
        return keys.names_by_word(self.resource).get(keys.folded_name(name), "")

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.before, self.at)
        if match:
            self.at = match.end()
        return match
