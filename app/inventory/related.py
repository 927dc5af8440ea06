"""What a resource comes from and what hangs on it, from the inventory alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.inventory.expressions import All, Equals, Some
from app.inventory.query import Query
from app.inventory.reader import Reader
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
    known: Reader, resources: Mapping[str, Resource], row: Row, most: int = SHOWN
) -> list[Related]:
    """Everything that ``row`` is tied to, relation by relation; empty relations are left out.

    At most ``most`` rows of each.
    """
    found = (_of(known, relation, row, most) for relation in resources[row.kind].relations)
    return [each for each in found if each.count]


def _of(known: Reader, relation: Relation, row: Row, most: int) -> Related:
    values = tuple(dict.fromkeys(value for value in relation.values(row) if value))
    if not values:
        return Related(relation, (), (), 0)
    if relation.near:
        return _near(known, relation, values, row, most)
    if relation.column == "id":
        rows = known.find(relation.kind, "id", values)
        absent = _absent(known, relation, values, rows)
        return Related(relation, values, tuple(rows[:most]), len(rows), absent)
    rows = known.find(relation.kind, relation.column, values, limit=most)
    return Related(
        relation, values, tuple(rows), known.count_of(relation.kind, relation.column, values)
    )


def _near(
    known: Reader, relation: Relation, values: tuple[str, ...], row: Row, most: int
) -> Related:
    one_of = Some(tuple(Equals(relation.column, value) for value in values))
    here = All((one_of, Equals("account", row.account), Equals("region", row.region)))
    page = known.page(relation.kind, Query(sort="id", per_page=most, expression=here))
    return Related(relation, values, tuple(page.rows), page.total)


def _absent(
    known: Reader, relation: Relation, values: Sequence[str], rows: Sequence[Row]
) -> tuple[tuple[str, Row | None], ...]:
    there = {each.id for each in rows}
    return tuple((value, known.get(relation.kind, value)) for value in values if value not in there)
