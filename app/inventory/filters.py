"""The filter language of the lists.

    filter  = { term }                      all of them must hold
    term    = word                          occurs in id, name, region, a tag or a shown column
            | key ("=" | "!=" | ":") value  is, is not, contains
            | "tag:" name                   has that tag
            | "tag:" name ("=" | "!=" | ":") value
    word, name, value = text without spaces, or in double quotes (with \\" and \\\\ inside)

``key`` is ``id``, ``name``, ``account``, ``region``, ``state`` or a column. Spaces around an
operator do not matter, except that the name of a tag may hold colons (``tag:aws:cloudformation``),
so a ``:`` after it counts as the operator only before a space or a quote. Words and ``:`` do not
mind upper and lower case; ``=`` and ``!=`` do. ``key = ""`` holds where there is no value.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

MAX_LENGTH = 1000
MAX_TERMS = 50
Operator = Literal["=", "!=", ":"]

_SPACE = re.compile(r"\s*")
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)\s*(!=|=|:|<=|>=|<|>|\^)")
_ADDRESS = re.compile(r"(arn|https?):", re.IGNORECASE)  # words, though they look like key: part
_TAG = re.compile(r"tag:", re.IGNORECASE)
_TAG_NAME = re.compile(r"(?:(?!!=|=|:(?:\s|\"|$))\S)+")
_TAG_OPERATOR = re.compile(r"\s*(!=|=|:(?=\s|\"|$))")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r"[^\s\"]\S*")


class FilterError(Exception):
    """Something in a list's address that cannot be understood.

    ``field`` is the key of the address (``q``, ``page``, ``sort``, …); ``position`` the place in
    its value, counted from 0, or None.
    """

    def __init__(self, field: str, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.message = message
        self.position = position


@dataclass(frozen=True)
class Word:
    """Free text that must occur somewhere in the row."""

    text: str


@dataclass(frozen=True)
class Compare:
    """A column, or ``tag:Key``, compared with a text."""

    key: str
    operator: Operator
    value: str


@dataclass(frozen=True)
class HasTag:
    """The tag is there, with whatever value."""

    key: str


Term = Word | Compare | HasTag


def parse(text: str, keys: Collection[str]) -> tuple[Term, ...]:
    """The terms of ``text``. ``keys`` are the names that may be compared.

    Raises FilterError (field ``q``) with the place where it stops making sense, and a hint.
    """
    if len(text) > MAX_LENGTH:
        raise FilterError("q", f"A filter can have at most {MAX_LENGTH} characters.", MAX_LENGTH)
    return tuple(_Parser(text, keys).terms())


class _Parser:
    def __init__(self, text: str, keys: Collection[str]) -> None:
        self.text = text
        self.keys = keys
        self.at = 0

    def terms(self) -> list[Term]:
        found: list[Term] = []
        while not self._at_end():
            if len(found) == MAX_TERMS:
                raise self._error(f"A filter can have at most {MAX_TERMS} conditions.")
            found.append(self._term())
        return found

    def _at_end(self) -> bool:
        self._take(_SPACE)
        return self.at >= len(self.text)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def _error(self, message: str, position: int | None = None) -> FilterError:
        return FilterError("q", message, self.at if position is None else position)

    def _term(self) -> Term:
        if _ADDRESS.match(self.text, self.at):
            return Word(self._value("a word"))
        if self._take(_TAG):
            return self._tag()
        start = self.at
        match = self._take(_KEY)
        if not match:
            return Word(self._value("a word"))
        key, operator = self._key(match.group(1), start), match.group(2)
        return Compare(key, self._known(operator, match.start(2)), self._operand(key, operator))

    def _tag(self) -> Term:
        key = "tag:" + self._text(_TAG_NAME, 'the name of a tag, such as tag:Name or tag:"my tag"')
        match = self._take(_TAG_OPERATOR)
        if not match:
            self._expect_gap()
            return HasTag(key)
        operator = match.group(1)
        return Compare(key, self._known(operator, match.start(1)), self._operand(key, operator))

    def _key(self, name: str, start: int) -> str:
        key = name.lower().replace("-", "_")
        if key not in self.keys:
            known = ", ".join(sorted(self.keys))
            raise self._error(
                f"There is no column {name!r} to filter by. Columns are: {known}; tags are "
                f'written tag:{name}. To look for the text itself, put it in quotes: "{name}…".',
                start,
            )
        return key

    def _known(self, operator: str, position: int) -> Operator:
        for known in ("=", "!=", ":"):
            if operator == known:
                return known
        raise self._error(
            f"{operator} is not understood here; use = (is), != (is not) or : (contains).", position
        )

    def _operand(self, key: str, operator: str) -> str:
        self._take(_SPACE)
        return self._value(f'a value after "{key} {operator}"; for an empty one write ""')

    def _value(self, what: str) -> str:
        value = self._text(_BARE, what)
        self._expect_gap()
        return value

    def _text(self, bare: re.Pattern[str], what: str) -> str:
        if self.text.startswith('"', self.at):
            start = self.at
            match = self._take(_QUOTED)
            if not match:
                raise self._error("This quote is not closed.", start)
            return re.sub(r"\\(.)", r"\1", match.group(1), flags=re.DOTALL)
        match = self._take(bare)
        if not match:
            raise self._error(f"Expected {what}.")
        return match.group()

    def _expect_gap(self) -> None:
        if self.at < len(self.text) and not self.text[self.at].isspace():
            raise self._error("Expected a space here.")


def quote(value: str) -> str:
    """``value`` as it is to be written in a filter."""
    if _BARE.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
