"""A query as SQL: which resources match, in what order, and how many have each value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
)

from app.inventory.entry import CELL_LENGTH, MISSING, NUMBER, clean, field_name
from app.inventory.filters import (
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
from app.inventory.keys import titles
from app.inventory.query import FacetValue, FacetView, Query
from app.inventory.tables import cells, resources
from app.resources.spec import Resource

Place = tuple[str, str, str]  # account, region, state
FACET_VALUES = 50  # of a facet with more values, those that most resources have


@dataclass(frozen=True)
class Summary:
    """What a list shows beside its rows."""

    total: int
    facets: tuple[FacetView, ...]


def ordered(
    connection: Connection, resource: Resource, query: Query, offset: int, limit: int | None
) -> list[int]:
    """The ``seq`` of the matching resources in the query's order, from ``offset`` on.

    Ties are broken by id; what has no value comes last in either direction.
    """
    field = field_name(resource.kind, query.sort_column)
    base = select(cells.c.seq).where(cells.c.field == field, cells.c.pos == 0)
    matching = _matching(resource, query)
    if matching is not None:
        base = base.where(cells.c.seq.in_(matching))
    keys = (cells.c.rank, cells.c.number, cells.c.folded, cells.c.id, cells.c.seq)
    if not query.descending:
        return _fetch(connection, base.order_by(*keys), offset, limit)
    # Two reads along the index rather than one sort of everything.
    present = base.where(cells.c.rank < MISSING)
    found = _fetch(connection, present.order_by(*(key.desc() for key in keys)), offset, limit)
    if limit is not None and len(found) == limit:
        return found
    before = connection.scalar(select(func.count()).select_from(present.subquery())) or 0
    missing = base.where(cells.c.rank == MISSING).order_by(*keys)
    rest = None if limit is None else limit - len(found)
    return found + _fetch(connection, missing, max(0, offset - before), rest)


def _fetch(
    connection: Connection, statement: Select[int], offset: int, limit: int | None
) -> list[int]:
    return list(connection.scalars(statement.offset(offset).limit(limit)))


def _matching(resource: Resource, query: Query, without: str = "") -> Select[int] | None:
    """The ``seq`` of what matches, leaving the facet ``without`` out; None: everything does."""
    kind = resource.kind
    chosen = {name: values for name, values in query.facets.items() if name != without}
    if not chosen and query.expression is None:
        return None
    if query.expression is None and len(chosen) == 1:
        [(name, values)] = chosen.items()
        if len(values) == 1:
            return _having(kind, name, values)  # no need to look at the resources themselves
    here = resources.c.seq
    conditions: list[ColumnElement[bool]] = [
        here.in_(_having(kind, name, values)) for name, values in chosen.items()
    ]
    if query.expression is not None:
        conditions.append(_condition(kind, query.expression))
    return select(here).where(resources.c.kind == kind, resources.c.gone_at.is_(None), *conditions)


def _condition(kind: str, wanted: Expression) -> ColumnElement[bool]:
    if isinstance(wanted, Word):
        return resources.c.search.contains(wanted.text.casefold(), autoescape=True)
    if isinstance(wanted, Not):
        return not_(_condition(kind, wanted.of))
    if isinstance(wanted, All):
        return and_(*(_condition(kind, one) for one in wanted.of))
    if isinstance(wanted, Some):
        return or_(*(_condition(kind, one) for one in wanted.of))
    return resources.c.seq.in_(_holding(kind, wanted))


def _having(kind: str, key: str, values: Iterable[str]) -> Select[int]:
    wanted = [clean(value)[:CELL_LENGTH] for value in values]
    return select(cells.c.seq).where(
        cells.c.field == field_name(kind, key), cells.c.text.in_(wanted)
    )


def _holding(kind: str, wanted: Equals | Contains | Starts | Between | HasTag) -> Select[int]:
    having = select(cells.c.seq).where(cells.c.field == field_name(kind, wanted.key))
    if isinstance(wanted, Equals):
        return _having(kind, wanted.key, [wanted.text])
    if isinstance(wanted, Contains):
        return having.where(cells.c.folded.contains(wanted.folded, autoescape=True))
    if isinstance(wanted, Starts):
        return having.where(cells.c.folded.startswith(wanted.folded, autoescape=True))
    if isinstance(wanted, Between):
        number = cells.c.number
        above = number >= wanted.low if wanted.low_included else number > wanted.low
        below = number <= wanted.high if wanted.high_included else number < wanted.high
        return having.where(cells.c.rank == NUMBER, above, below)
    return having


def summary(
    connection: Connection, resource: Resource, query: Query, tally: Mapping[Place, int]
) -> Summary:
    """Total and facets of a list; ``tally`` counts all of the kind by account, region and state.

    One statement, and one more for each facet that has a selection.
    """
    offered = [column.name for column in resource.columns if column.facet]
    # Of no use where all are of the same account, or region.
    places = [name for at, name in enumerate(("account", "region")) if _several(tally, at)]
    names = dict.fromkeys([*places, *offered, *query.facets])
    total, counts = _count(connection, resource, query, [n for n in names if n not in query.facets])
    for name in query.facets:
        counts |= _count(connection, resource, query, [name], without=name)[1]
    title = titles(resource)
    views = tuple(
        FacetView(name, title[name], _values(counts.get(name, {}), query.facets.get(name, ())))
        for name in names
    )
    return Summary(sum(tally.values()) if total is None else total, views)


def _several(tally: Mapping[Place, int], at: int) -> bool:
    return len({place[at] for place in tally}) > 1


def _count(
    connection: Connection,
    resource: Resource,
    query: Query,
    names: Collection[str],
    without: str = "",
) -> tuple[int | None, dict[str, dict[str, int]]]:
    """How many match, None for all, and of them how many have each value of ``names``."""
    by_field = {field_name(resource.kind, name): name for name in names}
    statement = (
        select(cells.c.field, cells.c.text, func.count())
        .where(cells.c.field.in_(by_field))
        .group_by(cells.c.field, cells.c.text)
    )
    matching = _matching(resource, query, without)
    if matching is None:
        found = connection.execute(statement).all()
    else:
        # Found once for all the facets and the total.
        matches = matching.cte("matches")
        statement = statement.where(cells.c.seq.in_(select(matches.c.seq)))
        total = select(literal(""), literal(""), func.count()).select_from(matches)
        found = connection.execute(union_all(total, statement)).all()
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for field, value, number in found:
        counts[by_field.get(field, "")][value] = number
    return counts.pop("", {}).get(""), counts


def _values(counts: dict[str, int], selected: tuple[str, ...]) -> tuple[FacetValue, ...]:
    common = sorted(counts, key=lambda value: (-counts[value], value))[:FACET_VALUES]
    shown = dict.fromkeys([*common, *selected])
    return tuple(FacetValue(value, counts.get(value, 0), value in selected) for value in shown)
