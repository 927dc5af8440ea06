"""Finding resources by a piece of text, for the global search and for suggestions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

import numpy as np

from app.inventory.expressions import Expression, HasTag
from app.inventory.index.blob import Array
from app.inventory.index.column import Slots
from app.inventory.index.kind import KindIndex
from app.inventory.index.matching import matching, tag_codes
from app.inventory.index.values import Values
from app.inventory.keys import TAG


def found(
    index: KindIndex, text: str, limit: int, chosen: Array | None = None
) -> tuple[Slots, Slots, Slots]:
    """The slots whose id is ``text``; where id, name, an address or a tag's value starts so; and
    where one of them, or a tag's key, contains it. At most ``limit`` of each, in order of ids.

    Of those ``chosen`` (a bool by slot; None: all).
    """
    chosen = index.alive if chosen is None else chosen
    folded = text.casefold()
    exact, starts, contains = (np.zeros(index.size, np.bool_) for _ in range(3))
    codes = index.columns["id"].values.codes_of([text, folded])
    exact |= index.columns["id"].having_some(codes)
    addresses = (c.name for c in index.resource.columns if c.shown and c.cell == "code")
    for key in dict.fromkeys(("id", "name", *addresses)):
        column = index.columns[key]
        hits = column.values.hits(folded)
        if len(hits.codes):
            starts |= column.having_some(hits.codes[hits.places == 0])
            contains |= column.having_some(hits.codes)
    hits = index.tags.values.hits(folded)
    starts |= index.tags.having(hits.codes[hits.places == 0], index.size)
    contains |= index.tags.having(hits.codes, index.size)
    starts &= ~exact
    contains &= ~(exact | starts)
    first, second, third = (
        index.by_id(np.flatnonzero(some & chosen))[:limit] for some in (exact, starts, contains)
    )
    return first, second, third


def values(
    index: KindIndex, key: str, typed: str, limit: int, expression: Expression | None
) -> list[tuple[str, int]]:
    """The values of a key that contain ``typed``, with how many resources have each.

    ``expression``: counted are those only for which it holds. First come values that start with
    ``typed``, and of these what most have.
    """
    chosen = index.alive
    if expression is not None:
        chosen = matching(index, expression) & index.alive
    folded = typed.casefold()
    lead = 0
    if key.startswith(TAG):
        lead = len(key.removeprefix(TAG)) + 1
        counts = index.tags.pairs.count(chosen, len(index.tags.values))
        there = np.zeros(len(counts), np.bool_)
        there[tag_codes(index, HasTag(key))] = True
        counts = np.where(there, counts, 0)
        held = index.tags.values
    else:
        column = index.columns[key]
        counts = column.count(np.flatnonzero(chosen), chosen)
        held = column.values
    hits = held.hits(folded)
    fits = hits.places >= 0
    starts = hits.codes[hits.places == 0]
    some = dict(islice(_commonest(held, np.unique(starts), counts, lead), limit))
    rest = np.setdiff1d(hits.codes[fits], starts)
    for text, number in _commonest(held, rest, counts, lead):
        if len(some) >= limit:
            break
        some.setdefault(text, number)
    return list(some.items())


def _commonest(values: Values, codes: Array, counts: Array, lead: int) -> Iterator[tuple[str, int]]:
    codes = codes[counts[codes] > 0]
    codes = codes[np.argsort(-counts[codes], kind="stable")]
    held: dict[str, int] = defaultdict(int)
    for text, number in zip(values.texts(codes), counts[codes].tolist(), strict=True):
        held[text[lead:]] += number
    yield from sorted(
        ((text, number) for text, number in held.items() if text),
        key=lambda entry: (-entry[1], entry[0]),
    )


def tag_keys(index: KindIndex, chosen: Array | None = None) -> list[tuple[str, int]]:
    """The keys of the tags, with how many of the chosen have each; the commonest first."""
    tags = index.tags
    codes = tags.pairs.codes.view
    if chosen is not None:
        codes = codes[chosen[tags.pairs.slots.view]]
    groups = tags.values.groups()[codes]
    counts = np.bincount(groups, minlength=len(tags.keys())).tolist()
    counted = [(key, number) for key, number in zip(tags.keys(), counts, strict=True) if number]
    return sorted(counted, key=lambda entry: (-entry[1], entry[0]))
