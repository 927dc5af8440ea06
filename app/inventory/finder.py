"""Finding resources over all kinds, values as one types, and what has gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import func, or_, select

from app.inventory.bounds import Bounds
from app.inventory.cells import number
from app.inventory.entry import clean
from app.inventory.expressions import Expression
from app.inventory.index import finding, lists
from app.inventory.index.matching import matching
from app.inventory.indexed import Indexed
from app.inventory.match import holds
from app.inventory.tables import resources
from app.resources.spec import Row

GONE_SEARCHED = 20_000
GONE_BEGUN = 5_000


@dataclass(frozen=True)
class Begun:
    """What began within some time: when each did (seconds since 1970), and the newest of them.

    ``gone``: how many of them are gone.
    """

    times: list[float]
    gone: int
    rows: list[Row]


class Finder(Indexed):
    """Answers to what somebody types."""

    def search(self, text: str, limit: int, *, within: Bounds | None = None) -> list[Row]:
        """The resources of any kind that have ``text`` in their id, name, address or tags.

        Those with that very id first, then those where one of these begins so; the kinds take
        turns. What is gone comes last, of each kind the newest 20,000 being looked through.
        """
        text = clean(text).strip()
        if not text:
            return []
        grades: list[list[list[tuple[str, int]]]] = [[], [], []]
        for kind in self._resources:
            with self._index(kind) as index:
                seen = lists.within(index, within)
                some = finding.found(index, text, limit, seen)
                for grade, slots in zip(grades, some, strict=True):
                    grade.append([(kind, seq) for seq in index.rows(slots)[0]])
        order = [each for grade in grades for each in _in_turn(grade)][:limit]
        by_kind: dict[str, list[int]] = defaultdict(list)
        for kind, seq in order:
            by_kind[kind].append(seq)
        told = {
            (kind, seq): row
            for kind, seqs in by_kind.items()
            for seq, row in self._by_seq(kind, seqs).items()
            if not row.gone
        }
        found = [told[each] for each in order if each in told]
        for kind in self._resources:
            if len(found) < limit:
                found += self.gone(kind, text, 0, limit - len(found), within=within)[0]
        return found

    def gone(
        self, kind: str, text: str, offset: int, limit: int, *, within: Bounds | None = None
    ) -> tuple[list[Row], int]:
        """What has gone lately and has ``text`` in its id, name or tags, newest first.

        Also how many those are. Looked through are the newest 20,000 of the kind.
        """
        newest = (
            select(resources.c.seq)
            .where(resources.c.kind == kind, resources.c.gone_at.is_not(None))
            .order_by(resources.c.gone_at.desc())
            .limit(GONE_SEARCHED)
        )
        if within is not None:
            newest = newest.where(within.condition())
        statement = select(resources.c.seq).where(resources.c.seq.in_(newest))
        if text:
            held = (resources.c.id, resources.c.name, resources.c.tags)
            part = clean(text)
            statement = statement.where(or_(*(c.icontains(part, autoescape=True) for c in held)))
        page = statement.order_by(resources.c.gone_at.desc(), resources.c.seq.desc())
        with self._reading() as connection:
            seqs = list(connection.scalars(page.offset(offset).limit(limit)))
            total = len(seqs)
            if offset or total == limit:
                count = select(func.count()).select_from(statement.subquery())
                total = connection.scalar(count) or 0
        return self._rows(kind, seqs), total

    def begun(
        self, kind: str, expression: Expression | None, column: str, since: datetime, limit: int
    ) -> Begun:
        """What of a kind fits a filter as it is now, or last was, and began after ``since``.

        ``column`` is the one of the kind that tells when it began. Of what has gone meanwhile, as
        far as that is kept, the newest 5,000 are looked through. ``limit``: how many rows to give.
        """
        low = since.timestamp()
        with self._index(kind) as index:
            chosen = (
                index.alive if expression is None else matching(index, expression) & index.alive
            )
            slots = np.flatnonzero(chosen)
            held = index.columns[column]
            times = held.values.numbers()[held.first.view[slots]]
            young = times >= low
            slots, times = slots[young], times[young]
            newest = slots[np.argsort(-times, kind="stable")][:limit]
            seqs, _ = index.rows(newest)
        gone = self._gone_and_begun(kind, expression, column, since)
        rows = [*self._rows(kind, seqs), *(row for _, row in gone)]
        rows.sort(key=lambda row: number(row.cells[column], "time") or 0.0, reverse=True)
        return Begun([*times.tolist(), *(time for time, _ in gone)], len(gone), rows[:limit])

    def fitting(self, kind: str, expression: Expression | None) -> set[str]:
        """The ids of all that fit a filter and are there."""
        with self._index(kind) as index:
            chosen = (
                index.alive if expression is None else matching(index, expression) & index.alive
            )
            return {*index.texts("id", np.flatnonzero(chosen))}

    def _gone_and_begun(
        self, kind: str, expression: Expression | None, column: str, since: datetime
    ) -> list[tuple[float, Row]]:
        resource = self._resources[kind]
        lately = (resources.c.kind == kind, resources.c.gone_at >= since)
        newest = select(resources.c.seq).where(*lately).order_by(resources.c.gone_at.desc())
        with self._reading() as connection:
            seqs = list(connection.scalars(newest.limit(GONE_BEGUN)))
        found = []
        for row in self._rows(kind, seqs):
            began = number(row.cells[column], "time")
            young = began is not None and began >= since.timestamp()
            if young and (expression is None or holds(expression, resource, row)):
                found.append((began or 0.0, row))
        return found

    def values(
        self,
        kind: str,
        key: str,
        typed: str,
        limit: int,
        expression: Expression | None = None,
    ) -> list[tuple[str, int]]:
        """The distinct values of a column or of ``tag:Key`` that contain ``typed``.

        With how many resources have each, of those for which ``expression`` holds. First come
        those that start with ``typed``, and of these what most have. At most ``limit``.
        """
        with self._index(kind) as index:
            return finding.values(index, key, clean(typed), limit, expression)

    def tag_keys(self, kind: str, *, within: Bounds | None = None) -> list[tuple[str, int]]:
        """The keys of tags that resources of a kind have, with how many do; commonest first."""
        with self._index(kind) as index:

            def keys() -> list[tuple[str, int]]:
                return finding.tag_keys(index, lists.within(index, within))

            return self._live[kind].remembered(("tag keys", within), keys)


def _in_turn(by_kind: Sequence[Sequence[tuple[str, int]]]) -> Iterator[tuple[str, int]]:
    for place in range(max(map(len, by_kind), default=0)):
        yield from (some[place] for some in by_kind if place < len(some))
