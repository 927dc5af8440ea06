"""A query as SQL: which resources match, in what order, and how many have each value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from app.inventory.entry import CELL_LENGTH, MISSING, clean, field_name
from app.inventory.filters import Compare, HasTag, Term, Word
from app.inventory.query import FacetValue, FacetView, Query, titles
from app.inventory.tables import cells, resources
from app.resources.spec import Resource

FACET_VALUES = 50  # of a facet with more values, those that most resources have


def count(connection: Connection, resource: Resource, query: Query) -> int:
    """How many resources match."""
    field = field_name(resource.kind, "id")
    statement = select(func.count()).where(cells.c.field == field, cells.c.pos == 0)
    return connection.scalar(statement.where(*_narrow(resource, query))) or 0


def ordered(
    connection: Connection, resource: Resource, query: Query, offset: int, limit: int | None
) -> list[int]:
    """The ``seq`` of the matching resources in the query's order, from ``offset`` on.

    Ties are broken by id; what has no value comes last in either direction.
    """
    field = field_name(resource.kind, query.sort_column)
    base = select(cells.c.seq).where(cells.c.field == field, cells.c.pos == 0)
    base = base.where(*_narrow(resource, query))
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


def _narrow(
    resource: Resource, query: Query, without: str | None = None
) -> list[ColumnElement[bool]]:
    """Conditions on ``cells.seq``; those of the facet ``without`` are left out."""
    conditions: list[ColumnElement[bool]] = [
        cells.c.seq.in_(_having(resource, name, values))
        for name, values in query.facets.items()
        if name != without
    ]
    words = [clean(term.text).casefold() for term in query.terms if isinstance(term, Word)]
    if words:
        conditions.append(cells.c.seq.in_(_containing(resource, words)))
    conditions += [_holds(resource, term) for term in query.terms if not isinstance(term, Word)]
    return conditions


def _having(resource: Resource, name: str, values: Iterable[str]) -> Select[int]:
    other = cells.alias()
    wanted = [clean(value)[:CELL_LENGTH] for value in values]
    return select(other.c.seq).where(
        other.c.field == field_name(resource.kind, name), other.c.text.in_(wanted)
    )


def _containing(resource: Resource, words: Collection[str]) -> Select[int]:
    return select(resources.c.seq).where(
        resources.c.kind == resource.kind,
        resources.c.gone_at.is_(None),
        *(resources.c.search.contains(word, autoescape=True) for word in words),
    )


def _holds(resource: Resource, term: Term) -> ColumnElement[bool]:
    other = cells.alias()
    if isinstance(term, HasTag):
        has = select(other.c.seq).where(other.c.field == field_name(resource.kind, term.key))
        return cells.c.seq.in_(has)
    assert isinstance(term, Compare)  # noqa: S101 - words are dealt with together
    if term.operator == "=":
        return cells.c.seq.in_(_having(resource, term.key, [term.value]))
    if term.operator == "!=":
        return cells.c.seq.not_in(_having(resource, term.key, [term.value]))
    part = clean(term.value).casefold()
    return cells.c.seq.in_(
        select(other.c.seq).where(
            other.c.field == field_name(resource.kind, term.key),
            other.c.folded.contains(part, autoescape=True),
        )
    )


def facets(connection: Connection, resource: Resource, query: Query) -> list[FacetView]:
    """The facets of a list: one statement, and one more for each that has a selection."""
    offered = ["account", "region", *(col.name for col in resource.columns if col.facet)]
    names = dict.fromkeys([*offered, *query.facets])
    counts = _counts(connection, resource, query, [n for n in names if n not in query.facets])
    for name in query.facets:
        counts |= _counts(connection, resource, query, [name], without=name)
    title = titles(resource)
    views = [
        FacetView(name, title[name], _values(counts.get(name, {}), query.facets.get(name, ())))
        for name in names
    ]
    alone = {"account", "region"}  # of no use where all are of the same
    return [view for view in views if view.name not in alone or _tells(view)]


def _tells(view: FacetView) -> bool:
    return len(view.values) > 1 or any(value.selected for value in view.values)


def _counts(
    connection: Connection,
    resource: Resource,
    query: Query,
    names: Collection[str],
    without: str | None = None,
) -> dict[str, dict[str, int]]:
    by_field = {field_name(resource.kind, name): name for name in names}
    statement = (
        select(cells.c.field, cells.c.text, func.count())
        .where(and_(cells.c.field.in_(by_field), *_narrow(resource, query, without)))
        .group_by(cells.c.field, cells.c.text)
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for field, value, number in connection.execute(statement):
        found[by_field[field]][value] = number
    return found


def _values(counts: dict[str, int], selected: tuple[str, ...]) -> tuple[FacetValue, ...]:
    common = sorted(counts, key=lambda value: (-counts[value], value))[:FACET_VALUES]
    shown = dict.fromkeys([*common, *selected])
    return tuple(FacetValue(value, counts.get(value, 0), value in selected) for value in shown)
