"""The words that a filter is made of, and how a text becomes one."""

from __future__ import annotations

import re

from app.inventory.keys import TAG

_PLAIN_VALUE = re.compile(r"[^\s\"()][^\s()]*")
_PLAIN_WORD = re.compile(r"[^\s\"()=!:<>^]+")
SPACE = re.compile(r"\s*")
KEYWORD = re.compile(r"(and|or|not)(?=[\s()]|$)", re.IGNORECASE)
_OPERATOR = r"(!=|<=|>=|=|:|<|>|\^)"
KEY = re.compile(rf"([A-Za-z][A-Za-z0-9_-]*)\s*{_OPERATOR}")
ADDRESS = re.compile(r"(arn|https?):", re.IGNORECASE)  # words, though they look like key: part
TAGGED = re.compile(TAG, re.IGNORECASE)
# A tag's name may hold colons (aws:cloudformation:stack-name), so that one is the operator only
# before a space or a quote.
TAG_OPERATOR = re.compile(r"\s*(!=|<=|>=|=|<|>|\^|:(?=\s|\"|$))")
TAG_NAME = re.compile(r"(?:(?!!=|[=<>^()]|:(?:\s|\"|$))\S)+")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def quote(value: str) -> str:
    """``value`` as it is to be written after an operator."""
    return value if _PLAIN_VALUE.fullmatch(value) else _in_quotes(value)


def quote_tag(key: str) -> str:
    """A tag that is there, by its key: ``tag:`` and what it is to be written as."""
    return TAG + (key if TAG_NAME.fullmatch(key) and not key.startswith('"') else _in_quotes(key))


def unquote(quoted: str) -> str:
    """What stands in quotes, ``quoted`` being without them."""
    return ESCAPED.sub(r"\1", quoted)


def quote_word(word: str) -> str:
    """``word`` as it is to be written to be looked for, whatever it looks like."""
    plain = _PLAIN_WORD.fullmatch(word) and not KEYWORD.match(word)
    return word if plain else _in_quotes(word)


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
