"""Which slots of an index a filter holds for. What it means is told by ``match.holds``."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np

from app.inventory.expressions import (
    All,
    Between,
    Contains,
    Equals,
    Expression,
    HasTag,
    Not,
    Some,
    Starts,
    Word,
)
from app.inventory.index.blob import Array
from app.inventory.index.kind import KindIndex
from app.inventory.index.values import Values
from app.inventory.keys import TAG

_WORDS_IN = ("id", "name", "account", "region")


def matching(index: KindIndex, expression: Expression) -> Array:
    """A bool by slot: whether ``expression`` holds; whatever for slots that are free."""
    if isinstance(expression, Not):
        return ~matching(index, expression.of)
    if isinstance(expression, All):
        return _joined(index, expression.of, np.logical_and, True)
    if isinstance(expression, Some):
        return _joined(index, expression.of, np.logical_or, False)
    if isinstance(expression, Word):
        return _word(index, expression.text.casefold())
    if expression.key.startswith(TAG):
        return index.tags.having(tag_codes(index, expression), index.size)
    column = index.columns[expression.key]
    return column.having_some(_codes(column.values, expression))


def _joined(
    index: KindIndex,
    parts: tuple[Expression, ...],
    join: Callable[[Array, Array], Array],
    empty: bool,
) -> Array:
    found = (matching(index, part) for part in parts)
    return reduce(join, found, np.full(index.size, empty))


def _word(index: KindIndex, folded: str) -> Array:
    shown = (column.name for column in index.resource.columns if column.shown)
    columns = [index.columns[key] for key in dict.fromkeys((*_WORDS_IN, *shown))]
    found = index.tags.having(index.tags.values.hits(folded).codes, index.size)
    # Those that are quick to look through may already have it all.
    for column in sorted(columns, key=lambda column: len(column.values)):
        codes = column.values.hits(folded).codes
        if len(codes):
            found |= column.having_some(codes)
            if np.count_nonzero(found & index.alive) == len(index):
                break
    return found


def _codes(values: Values, wanted: Equals | Contains | Starts | Between | HasTag) -> Array:
    """The codes of the values of a column that fit, some perhaps several times."""
    if isinstance(wanted, Equals):
        return values.codes(wanted.text)
    if isinstance(wanted, Between):
        return np.flatnonzero(between(values.numbers(), wanted))
    if isinstance(wanted, HasTag):
        return np.empty(0, np.int32)
    if isinstance(wanted, Contains):
        return values.hits(wanted.folded).codes
    hits = values.hits(wanted.folded)
    found: Array = hits.codes[hits.places == 0]
    return found


def tag_codes(index: KindIndex, wanted: Equals | Contains | Starts | Between | HasTag) -> Array:
    """The codes of the values of a tag that fit, some perhaps several times."""
    values, key = index.tags.values, wanted.key.removeprefix(TAG)
    group = index.tags.group(key)
    if isinstance(wanted, Equals):
        return values.codes(f"{key}={wanted.text}", (group,))
    groups = values.groups()
    if isinstance(wanted, Between):
        return np.flatnonzero((groups == group) & between(values.numbers(), wanted))
    if isinstance(wanted, HasTag) or not wanted.folded:
        return np.flatnonzero(groups == group)
    hits = values.hits(wanted.folded)
    at = hits.places == 0 if isinstance(wanted, Starts) else hits.places >= 0
    found: Array = hits.codes[at & (groups[hits.codes] == group)]
    return found


def between(numbers: Array, wanted: Between) -> Array:
    """Which of ``numbers`` are in the range; NaN is in none."""
    above = numbers > wanted.low
    if wanted.low_included:
        above |= numbers == wanted.low
    below = numbers < wanted.high
    if wanted.high_included:
        below |= numbers == wanted.high
    found: Array = above & below
    return found
