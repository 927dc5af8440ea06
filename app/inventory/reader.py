"""What the pages read. No AWS call on the way.

Lists are answered from an index in memory (``index``), which first takes in what was written since
it was asked last; only the rows of a page are read from the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

import numpy as np
from sqlalchemy import ColumnElement, Connection, Engine, Select, func, or_, select

from app.db import now as db_now
from app.inventory import progress, rows, store
from app.inventory.entry import clean
from app.inventory.expressions import Expression
from app.inventory.index import KindIndex, finding, lists
from app.inventory.index.column import Slots
from app.inventory.index.lists import Selection
from app.inventory.index.live import LiveIndex
from app.inventory.query import Freshness, Page, Query
from app.inventory.recent import Recent
from app.inventory.revisions import Revisions
from app.inventory.store import Scope
from app.inventory.tables import resources
from app.resources.spec import Resource, Row

FIND_LIMIT = 1000
GONE_SEARCHED = 20_000
_EXPORT_CHUNK = 500
_STAMPS = 1000
_CATCH_UP = 60.0  # seconds, for an index that nobody asks
Tally = dict[tuple[str, str, str], int]  # by account, region, state


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
        self._revisions = Revisions(engine)
        self._live = {kind: LiveIndex(engine, each) for kind, each in resources.items()}
        self._stamps: Recent[str] = Recent(_STAMPS)

    def now(self) -> datetime:
        """The present moment by the inventory's clock."""
        return self._clock()

    def _reading(self) -> AbstractContextManager[Connection]:
        return self._engine.connect().execution_options(reading=True)

    def _index(self, kind: str) -> AbstractContextManager[KindIndex]:
        return self._live[kind].at(self._revisions.get(kind))

    def warm(self, kind: str) -> bool:
        """Load the index of a kind, or let it catch up once in a while; False: nothing to do."""
        live = self._live[kind]
        if live.loaded and live.idle < _CATCH_UP:
            return False
        with self._index(kind) as index:
            index.order(self._resources[kind].sort.removeprefix("-"))
        return True

    # Lists

    def page(self, kind: str, query: Query) -> Page:
        """One page of a list. A page beyond the last gives the last."""
        with self._index(kind) as index:
            told = self._selected(kind, index, query)
            pages = max(1, -(-told.total // query.per_page))
            query = replace(query, page=min(query.page, pages))
            seqs, _ = index.rows(_slots(index, query, told))
            revision, tally = index.revision, self._tally(kind, index)
        with self._reading() as connection:
            found = rows.load(connection, self._resources[kind], seqs)
            return Page(
                rows=[row for row in found if not row.gone],
                total=told.total,
                query=query,
                pages=pages,
                facets=list(told.facets),
                revision=str(revision),
                freshness=self._freshness(connection, kind, tally),
            )

    def stamp(self, kind: str, query: Query) -> str:
        """A short text that changes whenever what the list page shows has changed.

        Without reading a row. It does not tell of the age of what is shown.
        """
        revision = self._revisions.get(kind)
        facets = tuple(query.facets.items())
        asked = (query.expression, facets, query.sort, query.page, query.per_page, query.columns)

        def make() -> str:
            with self._live[kind].at(revision) as index:
                told = self._selected(kind, index, query)
                pages = max(1, -(-told.total // query.per_page))
                slots = _slots(index, replace(query, page=min(query.page, pages)), told)
                shown = (index.rows(slots), told.total, told.facets)
            with self._reading() as connection:
                troubles = progress.troubles(connection, kind)
            return blake2b(repr((shown, troubles)).encode(), digest_size=12).hexdigest()

        return self._stamps.get((kind, revision, asked), make)

    def export(self, kind: str, query: Query) -> Iterator[Row]:
        """Every resource that matches, in the query's order, a few hundred in memory at a time.

        What changes meanwhile comes as it is when its turn comes; what goes is left out.
        """
        with self._index(kind) as index:
            told = self._selected(kind, index, query)
            seqs = index.seqs(lists.ordered(index, query.sort, told.chosen))
        for start in range(0, len(seqs), _EXPORT_CHUNK):
            some = seqs[start : start + _EXPORT_CHUNK].tolist()
            with self._reading() as connection:
                found = rows.load(connection, self._resources[kind], some)
            yield from (row for row in found if not row.gone)

    def _selected(self, kind: str, index: KindIndex, query: Query) -> Selection:
        # Leafing through pages, sorting and polling ask for the same again and again.
        key = ("selection", query.expression, tuple(query.facets.items()))
        return self._live[kind].remembered(key, lambda: lists.select(index, query))

    def _tally(self, kind: str, index: KindIndex) -> Tally:
        return self._live[kind].remembered("tally", index.tally)

    # Single resources

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
        with self._index(kind) as index:
            chosen = lists.has_one_of(index, column, [value for value in values if value])
            if region is not None:
                chosen &= lists.has_one_of(index, "region", [region])
            seqs, _ = index.rows(index.by_id(np.flatnonzero(chosen))[:limit])
        return self._there(kind, seqs)

    def count_of(self, kind: str, column: str, values: Sequence[str]) -> int:
        """How many resources ``find`` would give if it had no limit."""
        with self._index(kind) as index:
            chosen = lists.has_one_of(index, column, [value for value in values if value])
            return int(np.count_nonzero(chosen))

    def all(self, kind: str, region: str | None = None, limit: int = FIND_LIMIT) -> list[Row]:
        """The resources of a kind by name, the nameless last; at most ``limit``."""
        with self._index(kind) as index:
            chosen = None if region is None else lists.has_one_of(index, "region", [region])
            seqs, _ = index.rows(lists.ordered(index, "name", chosen, 0, limit))
        return self._there(kind, seqs)

    def _there(self, kind: str, seqs: Sequence[int]) -> list[Row]:
        if not seqs:
            return []
        with self._reading() as connection:
            found = rows.load(connection, self._resources[kind], seqs)
        return [row for row in found if not row.gone]

    def names(self, kind: str, ids: Collection[str]) -> dict[str, str]:
        """The names by id of those of ``ids`` that are known and have one."""
        if not ids:
            return {}
        with self._index(kind) as index:
            slots = np.flatnonzero(lists.has_one_of(index, "id", ids))
            told = dict(zip(index.texts("id", slots), index.texts("name", slots), strict=True))
        rest = [resource_id for resource_id in ids if resource_id not in told]
        for some in store.chunks(rest):
            statement = select(resources.c.id, resources.c.name).where(
                resources.c.kind == kind, resources.c.id.in_(some)
            )
            with self._reading() as connection:
                told.update((row.id, row.name) for row in connection.execute(statement))
        return {resource_id: name for resource_id, name in told.items() if name}

    # Over everything

    def search(self, text: str, limit: int) -> list[Row]:
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
                for grade, slots in zip(grades, finding.found(index, text, limit), strict=True):
                    grade.append([(kind, seq) for seq in index.rows(slots)[0]])
        order = [each for grade in grades for each in _in_turn(grade)][:limit]
        by_kind: dict[str, list[int]] = defaultdict(list)
        for kind, seq in order:
            by_kind[kind].append(seq)
        found: list[Row] = []
        with self._reading() as connection:
            told = {
                (kind, seq): row
                for kind, seqs in by_kind.items()
                for seq, row in rows.by_seq(connection, self._resources[kind], seqs).items()
            }
        found = [told[each] for each in order if each in told]
        for kind in self._resources:
            if len(found) < limit:
                found += self.gone(kind, text, 0, limit - len(found))[0]
        return found

    def gone(self, kind: str, text: str, offset: int, limit: int) -> tuple[list[Row], int]:
        """What has gone lately and has ``text`` in its id, name or tags, newest first.

        Also how many those are. Looked through are the newest 20,000 of the kind.
        """
        newest = (
            select(resources.c.seq)
            .where(resources.c.kind == kind, resources.c.gone_at.is_not(None))
            .order_by(resources.c.gone_at.desc())
            .limit(GONE_SEARCHED)
        )
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
            return rows.load(connection, self._resources[kind], seqs), total

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

    def tag_keys(self, kind: str) -> list[tuple[str, int]]:
        """The keys of tags that resources of a kind have, with how many do; commonest first."""
        with self._index(kind) as index:
            return self._live[kind].remembered("tag keys", lambda: finding.tag_keys(index))

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
        for kind in self._resources:
            with self._index(kind) as index:
                tally = self._tally(kind, index)
            by_state: dict[str, int] = defaultdict(int)
            for (_, _, state), number in tally.items():
                by_state[state] += number
            found[kind] = dict(by_state)
        return found

    def revision(self, kind: str) -> str:
        """A text that changes whenever anything that a list of this kind shows has changed."""
        return str(self._revisions.get(kind))

    def freshness(self, kind: str) -> list[Freshness]:
        """How true a kind is, region by region."""
        with self._index(kind) as index:
            tally = self._tally(kind, index)
        with self._reading() as connection:
            return self._freshness(connection, kind, tally)

    def _freshness(self, connection: Connection, kind: str, tally: Tally) -> list[Freshness]:
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for (account, region, _), number in tally.items():
            counts[account, region] += number
        return progress.freshness(connection, kind, counts, self._clock())


def _slots(index: KindIndex, query: Query, told: Selection) -> Slots:
    offset = (query.page - 1) * query.per_page
    return lists.ordered(index, query.sort, told.chosen, offset, query.per_page)


def _in_turn(by_kind: Sequence[Sequence[tuple[str, int]]]) -> Iterator[tuple[str, int]]:
    for place in range(max(map(len, by_kind), default=0)):
        yield from (some[place] for some in by_kind if place < len(some))


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
