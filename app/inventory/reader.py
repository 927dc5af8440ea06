"""What the pages read. No AWS call on the way.

Lists are answered from an index in memory (``index``), which first takes in what was written since
it was asked last; only the rows of a page are read from the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

import numpy as np
from sqlalchemy import ColumnElement, Select, select

from app.inventory import progress, store
from app.inventory.bounds import Bounds
from app.inventory.entry import clean
from app.inventory.finder import Finder
from app.inventory.index import KindIndex, lists
from app.inventory.index.column import Slots
from app.inventory.index.lists import Selection
from app.inventory.index.matching import matching
from app.inventory.query import Freshness, Page, Query
from app.inventory.store import Scope
from app.inventory.tables import kinds, resources
from app.resources.spec import Row

FIND_LIMIT = 1000
_EXPORT_CHUNK = 500


class Reader(Finder):
    """The reading half of the inventory."""

    # Lists

    def page(self, kind: str, query: Query) -> Page:
        """One page of a list. A page beyond the last gives the last."""
        with self._index(kind) as index:
            told = self._selected(kind, index, query)
            pages = max(1, -(-told.total // query.per_page))
            query = replace(query, page=min(query.page, pages))
            seqs, _ = index.rows(_slots(index, query, told))
            revision = index.revision
        return Page(
            rows=self._there(kind, seqs),
            total=told.total,
            query=query,
            pages=pages,
            facets=list(told.facets),
            revision=str(revision),
        )

    def stamp(self, kind: str, query: Query) -> str:
        """A short text that changes whenever what the list page shows has changed.

        Without reading a row. It does not tell of the age of what is shown.
        """
        revision = self._revisions.now().of(kind)
        facets = tuple(query.facets.items())
        asked = (query.expression, query.within, facets, query.sort, query.page, query.per_page)
        # The names of what the columns lead to are shown beside ids.
        leading = {column.of for column in self._resources[kind].columns if column.of}
        named = tuple(self._named(each) for each in sorted(leading & self._resources.keys()))

        def make() -> str:
            with self._live[kind].at(revision) as index:
                told = self._selected(kind, index, query)
                pages = max(1, -(-told.total // query.per_page))
                slots = _slots(index, replace(query, page=min(query.page, pages)), told)
                shown = (index.rows(slots), told.total, told.facets)
            troubles = [
                (row.account, row.region, row.seen_at is None, row.error_code)
                for row in self._collected(kind, query.within)
            ]
            return blake2b(repr((shown, troubles, named)).encode(), digest_size=12).hexdigest()

        return self._stamps.get((kind, revision, asked, query.columns, named), make)

    def _named(self, kind: str) -> int:
        """At which revision a resource of the kind last came or was renamed, as far as known."""
        if not self._live[kind].loaded:
            return 0  # no poll waits for another list
        with self._index(kind) as index:
            return index.named

    def export(self, kind: str, query: Query) -> Iterator[Row]:
        """Every resource that matches, in the query's order, a few hundred in memory at a time.

        What changes meanwhile comes as it is when its turn comes; what goes is left out.
        """
        with self._index(kind) as index:
            told = self._selected(kind, index, query)
            seqs = index.seqs(lists.ordered(index, query.sort, told.chosen))
        for start in range(0, len(seqs), _EXPORT_CHUNK):
            yield from self._there(kind, seqs[start : start + _EXPORT_CHUNK].tolist())

    def since(self, kind: str, revision: int, most: int) -> tuple[list[Row], int]:
        """What was written after ``revision``, be it gone, and up to which revision that is.

        About ``most`` rows in the order of revisions, those of one revision all together. Whoever
        goes on from there each time has seen every row as it last was.
        """
        later = (resources.c.kind == kind, resources.c.changed > revision)
        first = select(resources.c.changed).where(*later).order_by(resources.c.changed).limit(most)
        with self._reading() as connection:
            found = connection.scalars(first).all()
            if len(found) < most:
                told = connection.scalar(select(kinds.c.revision).where(kinds.c.kind == kind))
                reached = max(revision, told or 0)
            else:
                reached = found[-1]
            rows = select(resources.c.seq).where(*later, resources.c.changed <= reached)
            order = (resources.c.changed, resources.c.seq)
            seqs = list(connection.scalars(rows.order_by(*order)))
        return self._rows(kind, seqs), reached

    def _selected(self, kind: str, index: KindIndex, query: Query) -> Selection:
        # Leafing through pages, sorting and polling ask for the same again and again.
        key = ("selection", query.expression, query.within, tuple(query.facets.items()))
        return self._live[kind].remembered(key, lambda: lists.select(index, query))

    # Single resources

    def get(self, kind: str, resource_id: str, *, within: Bounds | None = None) -> Row | None:
        """The resource of that kind and id; one that is gone has ``gone`` set. None if unknown."""
        own = resources.c.kind == self._resources[kind].kind
        statement = _by_id(resource_id).where(own, *_seen(within))
        with self._reading() as connection:
            seq = connection.scalar(statement)
        found = self._rows(kind, [] if seq is None else [seq])
        return found[0] if found else None

    def locate(self, resource_id: str, *, within: Bounds | None = None) -> Row | None:
        """The resource with that id, of whatever kind; None if unknown."""
        known = resources.c.kind.in_(self._resources)
        statement = _by_id(resource_id).where(known, *_seen(within))
        with self._reading() as connection:
            found = connection.execute(statement.add_columns(resources.c.kind)).first()
        return None if found is None else next(iter(self._rows(found.kind, [found.seq])), None)

    def find(
        self,
        kind: str,
        column: str,
        values: Sequence[str],
        region: str | None = None,
        limit: int = FIND_LIMIT,
        *,
        within: Bounds | None = None,
    ) -> list[Row]:
        """The resources whose ``column`` (or ``id``) is one of ``values``, in the order of ids.

        A column that holds a list matches if one of its items does. At most ``limit``.
        """
        with self._index(kind) as index:
            chosen = lists.has_one_of(index, column, [value for value in values if value])
            if region is not None:
                chosen &= lists.has_one_of(index, "region", [region])
            if within is not None:
                chosen &= matching(index, within.expression)
            seqs, _ = index.rows(index.by_id(np.flatnonzero(chosen))[:limit])
        return self._there(kind, seqs)

    def snapshots_of(self, region: str, volume_ids: Sequence[str]) -> list[Row] | None:
        """The snapshots of some volumes; None as long as the index is being read: ask later."""
        if not self._live["snapshot"].loaded:
            return None
        return self.find("snapshot", "volume_id", volume_ids, region, limit=50 * len(volume_ids))

    def all(
        self,
        kind: str,
        region: str | None = None,
        limit: int = FIND_LIMIT,
        *,
        within: Bounds | None = None,
    ) -> list[Row]:
        """The resources of a kind by name, the nameless last; at most ``limit``."""
        with self._index(kind) as index:
            chosen = lists.within(index, within)
            if region is not None:
                there = lists.has_one_of(index, "region", [region])
                chosen = there if chosen is None else there & chosen
            seqs, _ = index.rows(lists.ordered(index, "name", chosen, 0, limit))
        return self._there(kind, seqs)

    def names(
        self, kind: str, ids: Collection[str], *, within: Bounds | None = None
    ) -> dict[str, str]:
        """The names by id of those of ``ids`` that are known and have one."""
        if not ids:
            return {}
        told: dict[str, str] = {}
        if self._live[kind].loaded and within is None:
            with self._index(kind) as index:
                slots = np.flatnonzero(lists.has_one_of(index, "id", ids))
                told.update(zip(index.texts("id", slots), index.texts("name", slots), strict=True))
        rest = [resource_id for resource_id in ids if resource_id not in told]
        for some in store.chunks(rest):
            statement = select(resources.c.id, resources.c.name).where(
                resources.c.kind == kind, resources.c.id.in_(some), *_seen(within)
            )
            with self._reading() as connection:
                told.update((row.id, row.name) for row in connection.execute(statement))
        return {resource_id: name for resource_id, name in told.items() if name}

    # Over everything

    def changing(self, limit: int = 200, *, within: Bounds | None = None) -> list[Row]:
        """What is on its way to another state now, in the order of kinds; at most ``limit``."""
        found: list[Row] = []
        columns = (resources.c.id, resources.c.kind, resources.c.seq)
        statement = select(*columns).where(*_changing(), *_seen(within))
        with self._reading() as connection:
            by_kind: dict[str, list[int]] = defaultdict(list)
            # Not in SQL: each database has an order of its own.
            for _, kind, seq in sorted(connection.execute(statement)):
                by_kind[kind].append(seq)
        for kind in self._resources:
            found += self._rows(kind, by_kind[kind][: limit - len(found)])
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

    def counts(self, *, within: Bounds | None = None) -> dict[str, dict[str, int]]:
        """How many resources of each kind are in each state (``""`` for kinds without states)."""
        found = {}
        for kind in self._resources:
            tally = self._tallied(kind, within)
            by_state: dict[str, int] = defaultdict(int)
            for (_, _, state), number in tally.items():
                by_state[state] += number
            found[kind] = dict(by_state)
        return found

    def revision(self, kind: str) -> str:
        """A text that changes whenever anything that a list of this kind shows has changed."""
        return str(self._revisions.now().of(kind))

    def freshness(self, kind: str, *, within: Bounds | None = None) -> list[Freshness]:
        """How true a kind is, region by region."""
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for (account, region, _), number in self._tallied(kind, within).items():
            counts[account, region] += number
        places = progress.freshness(self._collected(kind, within), counts, self._clock())
        # How many a reading has come to is told only to whoever may see them all.
        return [
            place
            if within is None or within.hold_all(place.account, place.region)
            else replace(place, read_count=None)
            for place in places
        ]


def _slots(index: KindIndex, query: Query, told: Selection) -> Slots:
    offset = (query.page - 1) * query.per_page
    return lists.ordered(index, query.sort, told.chosen, offset, query.per_page)


def _seen(within: Bounds | None) -> tuple[ColumnElement[bool], ...]:
    return () if within is None else (within.condition(),)


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
