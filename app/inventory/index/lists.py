"""What a list shows: which slots match, in what order, and how many have each value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from app.inventory.bounds import Bounds
from app.inventory.entry import clean
from app.inventory.expressions import Expression
from app.inventory.index.blob import Array
from app.inventory.index.column import Slots
from app.inventory.index.kind import KindIndex
from app.inventory.index.matching import matching
from app.inventory.keys import titles
from app.inventory.query import FacetValue, FacetView, Query

FACET_VALUES = 50  # of a facet with more values, those that most resources have


@dataclass(frozen=True)
class Selection:
    """The slots that match (a bool by slot; None: all that are in use), and what they come to."""

    chosen: Array | None
    total: int
    facets: tuple[FacetView, ...]


def select(index: KindIndex, query: Query) -> Selection:
    """What matches a query, with its facets, each counted without its own selection."""
    seen = within(index, query.within)
    everything = _all_of(seen, _filtered(index, query.expression))
    having = {name: has_one_of(index, name, values) for name, values in query.facets.items()}
    chosen = _all_of(everything, having.values())
    slots = None if chosen is None else np.flatnonzero(chosen)
    columns = index.resource.columns
    # Account and region are of no use where all are of the same.
    own = [(name, _count(index, name, seen)) for name in ("account", "region")]
    places = [name for name, counts in own if np.count_nonzero(counts) > 1]
    facets = [column.name for column in columns if column.facet]
    title = titles(index.resource)
    views = []
    for name in dict.fromkeys([*places, *facets, *query.facets]):
        if name in having:
            others = (having[other] for other in having if other != name)
            counts = _count(index, name, _all_of(everything, others))
        else:
            counts = _count(index, name, chosen, slots)
        values = _values(index, name, counts, query.facets.get(name, ()))
        views.append(FacetView(name, title[name], values))
    total = len(index) if slots is None else len(slots)
    return Selection(chosen, total, tuple(views))


def within(index: KindIndex, bounds: Bounds | None) -> Array | None:
    """A bool by slot: whether it is in use and within some bounds; None: all in use are."""
    return None if bounds is None else matching(index, bounds.expression) & index.alive


def _filtered(index: KindIndex, expression: Expression | None) -> list[Array]:
    return [] if expression is None else [matching(index, expression) & index.alive]


def _all_of(everything: Array | None, conditions: Iterable[Array]) -> Array | None:
    found = everything
    for condition in conditions:
        found = condition if found is None else found & condition
    return found


def has_one_of(index: KindIndex, key: str, values: Collection[str]) -> Array:
    """A bool by slot: whether it is in use, and one value of its column is one of ``values``."""
    column = index.columns[key]
    codes = column.values.codes_of([clean(value) for value in values])
    found: Array = column.having_some(codes) & index.alive
    return found


def _count(index: KindIndex, key: str, chosen: Array | None, slots: Slots | None = None) -> Array:
    """How many of the chosen slots have each code of a column."""
    if chosen is None:
        return index.whole(key)
    return index.columns[key].count(np.flatnonzero(chosen) if slots is None else slots, chosen)


def _values(
    index: KindIndex, key: str, counts: Array, selected: tuple[str, ...]
) -> tuple[FacetValue, ...]:
    values = index.columns[key].values
    codes = np.flatnonzero(counts)
    if len(codes) > FACET_VALUES and not values.mixed():
        ranks = values.ranks()[codes]
        # Of those that are equal but for case, the last may still belong before the first.
        order = np.lexsort((ranks, -counts[codes]))
        last = order[FACET_VALUES - 1]
        best = (counts[codes] == counts[codes[last]]) & (ranks <= ranks[last])
        codes = codes[best | (counts[codes] > counts[codes[last]])]
    held: dict[str, int] = defaultdict(int)
    ranked: dict[str, int] = {}
    ranks = values.ranks()[codes].tolist()
    for text, rank, number in zip(values.texts(codes), ranks, counts[codes].tolist(), strict=True):
        held[text] += number
        ranked[text] = min(rank, ranked.get(text, rank))
    common = sorted(held, key=lambda text: (-held[text], ranked[text], text))[:FACET_VALUES]
    shown = dict.fromkeys([*common, *selected])
    # A chosen value that is not among the commonest is counted for itself.
    for text in selected:
        if text not in held:
            held[text] = int(counts[values.codes(clean(text))].sum())
    return tuple(FacetValue(text, held[text], text in selected) for text in shown)


def ordered(
    index: KindIndex, sort: str, chosen: Array | None, offset: int = 0, limit: int | None = None
) -> Slots:
    """The chosen slots (None: all in use) in an order, from ``offset`` on.

    ``sort``: a column, with ``-`` before it for descending. Ties are broken by id, in whatever
    case, and then by which was known first; what has no value comes last in either direction.
    """
    slots, present = index.order(sort.removeprefix("-"))
    end = None if limit is None else offset + limit
    if chosen is not None:
        places = np.flatnonzero(chosen[slots])
        if sort.startswith("-"):
            split = int(np.searchsorted(places, present))
            places = np.concatenate([places[:split][::-1], places[split:]])
        return slots[places[offset:end]]
    if not sort.startswith("-"):
        return slots[offset:end]
    turned = slots[:present][::-1]
    if end is not None and end <= present:
        return turned[offset:end]
    return np.concatenate([turned, slots[present:]])[offset:end]
