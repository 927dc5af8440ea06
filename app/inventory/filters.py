"""The filter language of the lists: how a filter is read.

docs/filters.md tells it to people, and has the grammar. What a filter is stands in expressions.py,
what it means for a resource in match.py, how values are read (numbers, dates, ages) in operands.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from app.inventory import keys
from app.inventory.entry import clean
from app.inventory.expressions import (
    All,
    Between,
    Contains,
    Equals,
    Expression,
    FilterError,
    HasTag,
    Not,
    Some,
    Starts,
    Word,
)
from app.inventory.keys import TAG
from app.inventory.operands import Unfit, compared
from app.inventory.tokens import (
    ADDRESS,
    KEY,
    KEYWORD,
    QUOTED,
    SPACE,
    TAG_NAME,
    TAG_OPERATOR,
    TAGGED,
    quote,
    quote_word,
    unquote,
)
from app.resources.spec import Resource

__all__ = [
    "All",
    "Between",
    "Contains",
    "Equals",
    "Expression",
    "FilterError",
    "HasTag",
    "Not",
    "Some",
    "Starts",
    "Word",
    "parse",
    "quote",
    "quote_word",
]

MAX_LENGTH = 1000
MAX_CONDITIONS = 50
MAX_DEPTH = 20


def parse(text: str, resource: Resource, now: datetime) -> Expression | None:
    """What ``text`` asks for; None if it is empty, so that everything fits.

    ``now`` is what ages (``started < 30d``) are counted from. Raises FilterError (field ``q``)
    with the place where it stops making sense, and what would be right.
    """
    if len(text) > MAX_LENGTH:
        raise FilterError("q", f"A filter can have at most {MAX_LENGTH} characters.", MAX_LENGTH)
    return _Parser(clean(text), resource, now).whole()


class _Parser:
    """Reads a filter from left to right; ``at`` is the place that it has come to."""

    def __init__(self, text: str, resource: Resource, now: datetime) -> None:
        self.text = text
        self.resource = resource
        self.now = now
        self.at = 0
        self.open = 0  # parentheses
        self.depth = 0  # parentheses and nots
        self.conditions = 0

    def whole(self) -> Expression | None:
        self._take(SPACE)
        return None if self._ended() else self._some()

    # Conditions and what joins them.

    def _some(self) -> Expression:
        found = [self._all()]
        while self._keyword("or"):
            found.append(self._all())
        return _joined(Some, found)

    def _all(self) -> Expression:
        found = [self._one()]
        while not self._ended() and not self._sees("or"):
            self._keyword("and")
            found.append(self._one())
        return _joined(All, found)

    def _one(self) -> Expression:
        self._take(SPACE)
        start = self.at
        if self._sees("and") or self._sees("or"):
            raise self._error(
                "Expected a condition before this word; to look for the word itself, quote it."
            )
        if self._keyword("not"):
            return Not(self._nested(start, self._one))
        if self._character("("):
            return self._group(start)
        if self._ended():
            raise self._error("Expected a condition here: a word, or such as state = running.")
        if self.text[self.at] == ")":
            raise self._error('There is no "(" that this one closes; to look for it, quote it.')
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise self._error(f"A filter can have at most {MAX_CONDITIONS} conditions.")
        return self._condition()

    def _group(self, start: int) -> Expression:
        self.open += 1
        found = self._nested(start, self._some)
        if not self._character(")"):
            raise self._error("This parenthesis is not closed; to look for it, quote it.", start)
        self.open -= 1
        return found

    def _nested(self, start: int, read: Callable[[], Expression]) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"A filter can be nested {MAX_DEPTH} deep at most.", start)
        found = read()
        self.depth -= 1
        return found

    # A single condition.

    def _condition(self) -> Expression:
        if ADDRESS.match(self.text, self.at):
            return Word(self._value("a word"))
        if self._take(TAGGED):
            return self._tag()
        start = self.at
        match = self._take(KEY)
        if not match:
            return Word(self._value("a word"))
        key = self._key(match.group(1), start)
        return self._comparison(key, match.group(2))

    def _tag(self) -> Expression:
        key = TAG + self._text(TAG_NAME, 'the name of a tag, such as tag:Name or tag:"my tag"')
        match = self._take(TAG_OPERATOR)
        if not match:
            self._expect_gap()
            return HasTag(key)
        return self._comparison(key, match.group(1))

    def _comparison(self, key: str, operator: str) -> Expression:
        self._take(SPACE)
        start = self.at
        value = self._value(f'a value after "{key} {operator}"; for an empty one write ""')
        try:
            cell = keys.cell_of(self.resource, key)
            return compared(key, cell, operator, value, self.now)
        except Unfit as error:
            raise self._error(str(error), start) from None

    def _key(self, name: str, start: int) -> str:
        key = keys.names_by_word(self.resource).get(keys.folded_name(name))
        if key is None:
            near = keys.nearest(self.resource, name)
            known = ", ".join(sorted(keys.titles(self.resource)))
            raise self._error(
                f"There is no column {name!r} to filter by"
                + (f"; did you mean {near}?" if near else f". Columns are: {known}.")
                + f" Tags are written tag:{name}. To look for the text itself, put it in quotes: "
                f'"{name}…".',
                start,
            )
        return key

    def _value(self, what: str) -> str:
        value = self._text(None, what)
        self._expect_gap()
        return value

    def _text(self, bare: re.Pattern[str] | None, what: str) -> str:
        """A quoted text, or one of ``bare``; None: up to the next space or closing parenthesis."""
        if self.text.startswith('"', self.at):
            start = self.at
            match = self._take(QUOTED)
            if not match:
                raise self._error("This quote is not closed.", start)
            return unquote(match.group(1))
        match = self._take(bare) if bare else None
        found = match.group() if match else "" if bare else self._bare()
        if not found:
            raise self._error(f"Expected {what}.")
        return found

    def _bare(self) -> str:
        # Parentheses within a text (web(1)) belong to it; one too many closes a group, if any.
        start, inside = self.at, 0
        while self.at < len(self.text) and not self.text[self.at].isspace():
            inside += {"(": 1, ")": -1}.get(self.text[self.at], 0)
            if inside < 0 and self.open:
                break
            self.at += 1
        return self.text[start : self.at]

    # Reading.

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def _character(self, wanted: str) -> bool:
        self._take(SPACE)
        found = self.text.startswith(wanted, self.at)
        self.at += found
        return found

    def _sees(self, keyword: str) -> bool:
        self._take(SPACE)
        match = KEYWORD.match(self.text, self.at)
        return match is not None and match.group(1).lower() == keyword

    def _keyword(self, keyword: str) -> bool:
        found = self._sees(keyword)
        self.at += len(keyword) * found
        return found

    def _ended(self) -> bool:
        self._take(SPACE)
        return self.at >= len(self.text) or bool(self.open and self.text[self.at] == ")")

    def _expect_gap(self) -> None:
        here = self.text[self.at : self.at + 1]
        if here and not here.isspace() and not (here == ")" and self.open):
            raise self._error("Expected a space here.")

    def _error(self, message: str, position: int | None = None) -> FilterError:
        return FilterError("q", message, self.at if position is None else position)


def _joined(how: type[All] | type[Some], parts: list[Expression]) -> Expression:
    """The parts under one ``how``, those that are such themselves opened up: (a b) c is a b c."""
    flat: list[Expression] = []
    for part in parts:
        flat += part.of if isinstance(part, how) else [part]
    return flat[0] if len(flat) == 1 else how(tuple(flat))
