"""What the pages read. No AWS call on the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, Select, func, select

from app.db import now as db_now
from app.inventory import progress, rows, store
from app.inventory import select as find_in
from app.inventory.entry import CELL_LENGTH, clean, field_name
from app.inventory.query import Freshness, Page, Query
from app.inventory.recent import Recent
from app.inventory.select import Place, Summary
from app.inventory.store import Scope
from app.inventory.tables import cells, kinds, resources
from app.resources.spec import Resource, Row

FIND_LIMIT = 1000
_EXPORT_CHUNK = 500
_SUMMARIES = 64
Tally = dict[Place, int]


class Reader:
    """The reading half of the inventory.

    ``resources`` are the kinds by name; ``clock`` gives the present moment (tests set it).
    Methods that take a ``kind`` raise KeyError for one that is not among the resources.
    """

    def __init__(
        self,
        engine: Engine,
        resources: Mapping[str, Resource],
        clock: Callable[[], datetime] = db_now,
    ) -> None:
        self._engine = engine
        self._resources = resources
        self._clock = clock
        self._tallies: Recent[Tally] = Recent(2 * len(resources))
        self._summaries: Recent[Summary] = Recent(_SUMMARIES)

    def now(self) -> datetime:
        """The present moment by the inventory's clock."""
        return self._clock()

    def _reading(self) -> AbstractContextManager[Connection]:
        return self._engine.connect().execution_options(reading=True)

    def page(self, kind: str, query: Query) -> Page:
        """One page of a list. A page beyond the last gives the last."""
        resource = self._resources[kind]
        with self._reading() as connection:
            revision = _revision(connection, kind)
            told = self._summary(connection, resource, query, revision)
            pages = max(1, -(-told.total // query.per_page))
            query = replace(query, page=min(query.page, pages))
            offset = (query.page - 1) * query.per_page
            seqs = find_in.ordered(connection, resource, query, offset, query.per_page)
            return Page(
                rows=rows.load(connection, resource, seqs),
                total=told.total,
                query=query,
                pages=pages,
                facets=list(told.facets),
                revision=revision,
                freshness=self._freshness(connection, kind, revision),
            )

    def export(self, kind: str, query: Query) -> Iterator[Row]:
        """Every resource that matches, in the query's order, a few hundred in memory at a time.

        What changes meanwhile comes as it is when its turn comes.
        """
        resource = self._resources[kind]
        with self._reading() as connection:
            seqs = find_in.ordered(connection, resource, query, 0, None)
        for some in store.chunks(seqs, _EXPORT_CHUNK):
            with self._reading() as connection:
                found = rows.load(connection, resource, some)
            yield from found

    def get(self, kind: str, resource_id: str) -> Row | None:
        """The resource of that kind and id; one that is gone has ``gone`` set. None if unknown."""
        resource = self._resources[kind]
        with self._reading() as connection:
            seq = connection.scalar(_by_id(resource_id).where(resources.c.kind == kind))
            found = rows.load(connection, resource, [seq] if seq is not None else [])
        return found[0] if found else None

    def locate(self, resource_id: str) -> Row | None:
        """The resource with that id, of whatever kind; None if unknown."""
        statement = _by_id(resource_id).where(resources.c.kind.in_(self._resources))
        with self._reading() as connection:
            found = connection.execute(statement.add_columns(resources.c.kind)).first()
            if found is None:
                return None
            return rows.load(connection, self._resources[found.kind], [found.seq])[0]

    def find(
        self,
        kind: str,
        column: str,
        values: Sequence[str],
        region: str | None = None,
        limit: int = FIND_LIMIT,
    ) -> list[Row]:
        """The resources whose ``column`` (or ``id``) is one of ``values``, in the order of ids.

        A column that holds a list matches if one of its items does. At most ``limit``.
        """
        resource = self._resources[kind]
        wanted = {clean(value)[:CELL_LENGTH] for value in values if value}
        statement = (
            select(cells.c.seq)
            .where(cells.c.field == field_name(kind, column), cells.c.text.in_(sorted(wanted)))
            .group_by(cells.c.seq, cells.c.id)
            .order_by(cells.c.id)
            .limit(limit)
        )
        if region is not None:
            statement = statement.join(resources, resources.c.seq == cells.c.seq)
            statement = statement.where(resources.c.region == region)
        with self._reading() as connection:
            return rows.load(connection, resource, list(connection.scalars(statement)))

    def all(self, kind: str, region: str | None = None, limit: int = FIND_LIMIT) -> list[Row]:
        """The resources of a kind by name, the nameless last; at most ``limit``."""
        resource = self._resources[kind]
        query = Query(sort="name", facets={} if region is None else {"region": (region,)})
        with self._reading() as connection:
            seqs = find_in.ordered(connection, resource, query, 0, limit)
            return rows.load(connection, resource, seqs)

    def names(self, kind: str, ids: Collection[str]) -> dict[str, str]:
        """The names by id of those of ``ids`` that are known and have one."""
        found: dict[str, str] = {}
        with self._reading() as connection:
            for some in store.chunks(ids):
                statement = select(resources.c.id, resources.c.name).where(
                    resources.c.kind == kind, resources.c.id.in_(some), resources.c.name != ""
                )
                found.update((row.id, row.name) for row in connection.execute(statement))
        return found

    def changing(self, limit: int = 200) -> list[Row]:
        """What is on its way to another state now, in the order of kinds; at most ``limit``."""
        found: list[Row] = []
        with self._reading() as connection:
            by_kind: dict[str, list[int]] = defaultdict(list)
            statement = select(resources.c.kind, resources.c.seq).where(*_changing())
            for kind, seq in connection.execute(statement.order_by(resources.c.id)):
                by_kind[kind].append(seq)
            for kind, resource in self._resources.items():
                found += rows.load(connection, resource, by_kind[kind][: limit - len(found)])
        return found

    def changing_ids(self) -> dict[Scope, dict[str, datetime]]:
        """The ids of what is on its way to another state, with when that was read."""
        place = (resources.c.kind, resources.c.account, resources.c.region)
        statement = select(*place, resources.c.id, resources.c.seen_at).where(*_changing())
        found: dict[Scope, dict[str, datetime]] = defaultdict(dict)
        with self._reading() as connection:
            for kind, account, region, resource_id, seen_at in connection.execute(statement):
                found[Scope(kind, account, region)][resource_id] = seen_at
        return found

    def counts(self) -> dict[str, dict[str, int]]:
        """How many resources of each kind are in each state (``""`` for kinds without states)."""
        found = {}
        with self._reading() as connection:
            numbers = connection.execute(select(kinds.c.kind, kinds.c.revision))
            revisions = {kind: str(revision) for kind, revision in numbers}
            for kind in self._resources:
                by_state: dict[str, int] = defaultdict(int)
                tally = self._tally(connection, kind, revisions.get(kind, "0"))
                for (_, _, state), number in tally.items():
                    by_state[state] += number
                found[kind] = dict(by_state)
        return found

    def revision(self, kind: str) -> str:
        """A text that changes whenever anything that a list of this kind shows has changed."""
        with self._reading() as connection:
            return _revision(connection, kind)

    def freshness(self, kind: str) -> list[Freshness]:
        """How true a kind is, region by region."""
        with self._reading() as connection:
            return self._freshness(connection, kind, _revision(connection, kind))

    def _freshness(self, connection: Connection, kind: str, revision: str) -> list[Freshness]:
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for (account, region, _), number in self._tally(connection, kind, revision).items():
            counts[account, region] += number
        return progress.freshness(connection, kind, counts, self._clock())

    def _summary(
        self, connection: Connection, resource: Resource, query: Query, revision: str
    ) -> Summary:
        # Leafing through pages, and polling one, asks for the same again and again.
        def make() -> Summary:
            tally = self._tally(connection, resource.kind, revision)
            return find_in.summary(connection, resource, query, tally)

        key = (resource.kind, revision, query.expression, tuple(query.facets.items()))
        return self._summaries.get(key, make)

    def _tally(self, connection: Connection, kind: str, revision: str) -> Tally:
        # Counted once per revision: every page shows these numbers in its navigation.
        by = (resources.c.account, resources.c.region, resources.c.state)

        def make() -> Tally:
            statement = (
                select(*by, func.count())
                .where(resources.c.kind == kind, resources.c.gone_at.is_(None))
                .group_by(*by)
            )
            return {
                (account, region, state): number
                for account, region, state, number in connection.execute(statement)
            }

        return self._tallies.get((kind, revision), make)


def _by_id(resource_id: str) -> Select[int]:
    return (
        select(resources.c.seq)
        .where(resources.c.id == clean(resource_id))
        # what is there before what is gone, then the newest
        .order_by(resources.c.gone_at.is_not(None), resources.c.seen_at.desc())
        .limit(1)
    )


def _changing() -> tuple[ColumnElement[bool], ...]:
    return (resources.c.state_class == "changing", resources.c.gone_at.is_(None))


def _revision(connection: Connection, kind: str) -> str:
    return str(connection.scalar(select(kinds.c.revision).where(kinds.c.kind == kind)) or 0)
