"""What a resource comes from and what hangs on it, from the inventory alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    rows = known.find(relation.kind, relation.column, values, row.region if relation.near else None)
    if relation.near:
        rows = [each for each in rows if each.account == row.account]
    absent = _absent(known, relation, values, rows) if relation.column == "id" else ()
    return Related(relation, values, tuple(rows[:most]), len(rows), absent)


def _absent(
    known: Reader, relation: Relation, values: Sequence[str], rows: Sequence[Row]
) -> tuple[tuple[str, Row | None], ...]:
    there = {each.id for each in rows}
    return tuple((value, known.get(relation.kind, value)) for value in values if value not in there)
