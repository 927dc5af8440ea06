"""What a resource comes from and what hangs on it, from the inventory alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.inventory.expressions import All, Equals, Expression, Some
from app.inventory.narrowed import Seen
from app.inventory.query import Query
from app.resources.spec import Relation, Resource, Row

SHOWN = 10


@dataclass(frozen=True)
class Related:
    """One relation of one resource.

    ``values``: what it goes by. ``rows``: the first of what is there, ``total``: how many that
    are. ``absent``: ids that lead to nothing that is there, each with its row if it is known to
    be gone, or None if it was never seen.
    """

    relation: Relation
    values: tuple[str, ...]
    rows: tuple[Row, ...]
    total: int
    absent: tuple[tuple[str, Row | None], ...] = ()

    @property
    def count(self) -> int:
        """How many there are, with those that are absent."""
        return self.total + len(self.absent)


def related(
    known: Seen, resources: Mapping[str, Resource], row: Row, most: int = SHOWN
) -> list[Related]:
    """Everything that ``row`` is tied to, relation by relation; empty relations are left out.

    At most ``most`` rows of each, in the order of their list.
    """
    found = []
    for relation in resources[row.kind].relations:
        values = tuple(dict.fromkeys(value for value in relation.values(row) if value))
        if not values:
            continue
        if relation.column == "id":
            found.append(_named(known, relation, values, most))
        else:
            sort = resources[relation.kind].sort
            found.append(_having(known, relation, values, row, sort, most))
    return [each for each in found if each.count]


def _named(known: Seen, relation: Relation, values: tuple[str, ...], most: int) -> Related:
    rows = known.find(relation.kind, "id", values)
    absent = _absent(known, relation, values, rows)
    return Related(relation, values, tuple(rows[:most]), len(rows), absent)


def _having(
    known: Seen, relation: Relation, values: tuple[str, ...], row: Row, sort: str, most: int
) -> Related:
    asked: Expression = Some(tuple(Equals(relation.column, value) for value in values))
    if relation.near:
        asked = All((asked, Equals("account", row.account), Equals("region", row.region)))
    page = known.page(relation.kind, Query(sort=sort, per_page=most, expression=asked))
    return Related(relation, values, tuple(page.rows), page.total)


def _absent(
    known: Seen, relation: Relation, values: Sequence[str], rows: Sequence[Row]
) -> tuple[tuple[str, Row | None], ...]:
    there = {each.id for each in rows}
    return tuple((value, known.get(relation.kind, value)) for value in values if value not in there)
