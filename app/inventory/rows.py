"""Rows as pages want them, from the tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select

from app.aws.listing import Description
from app.inventory.entry import cells_of, make_document, make_entry, tags_of
from app.inventory.store import chunks
from app.inventory.tables import documents, resources
from app.resources.spec import Resource, Row

_SOME = select(
    resources.c.seq,
    resources.c.id,
    resources.c.name,
    resources.c.account,
    resources.c.region,
    resources.c.state,
    resources.c.seen_at,
    resources.c.gone_at,
    resources.c.cells,
    resources.c.tags,
).where(resources.c.seq.in_(bindparam("seqs", expanding=True)))
_DESCRIBED = select(documents).where(documents.c.seq.in_(bindparam("seqs", expanding=True)))
# When the last complete refresh of an account's region began.
Refreshed = Mapping[tuple[str, str], datetime | None]


class _Documents:
    """The descriptions of some rows, read all at once when the first is asked for."""

    def __init__(self, engine: Engine, seqs: Sequence[int]) -> None:
        self._engine = engine
        self._seqs = seqs

    @cached_property
    def _texts(self) -> dict[int, str]:
        found: dict[int, str] = {}
        with self._engine.connect().execution_options(reading=True) as connection:
            for some in chunks(self._seqs):
                rows = connection.execute(_DESCRIBED, {"seqs": some})
                found.update((row.seq, row.description) for row in rows)
        return found

    def get(self, seq: int) -> Description:
        """The description of a row; empty if it was forgotten for good meanwhile."""
        found: Description = json.loads(self._texts.get(seq, "{}"))
        return found


def by_seq(
    connection: Connection, resource: Resource, seqs: Sequence[int], refreshed: Refreshed
) -> dict[int, Row]:
    """The rows of ``seqs`` that are still there."""
    described = _Documents(connection.engine, seqs)
    found: dict[int, Row] = {}
    for some in chunks(seqs):
        for record in connection.execute(_SOME, {"seqs": some}):
            last = refreshed.get((record.account, record.region))
            read = partial(described.get, record.seq)
            found[record.seq] = _row(resource, record, read, last)
    return found


def _row(
    resource: Resource,
    record: Any,
    described: Callable[[], Description],
    refreshed: datetime | None,
) -> Row:
    gone = record.gone_at is not None
    # A refresh that finds a row unchanged does not write it, so the later of the two tells when
    # the row was last seen to be so.
    seen_at = record.seen_at if gone or refreshed is None else max(record.seen_at, refreshed)
    cells = json.loads(record.cells)
    return Row(
        kind=resource.kind,
        id=record.id,
        name=record.name,
        account=record.account,
        region=record.region,
        state=record.state,
        state_class="gone" if gone else resource.state_class(record.state),
        tags=json.loads(record.tags),
        cells={column.name: cells.get(column.name) for column in resource.columns},
        described=described,
        seen_at=seen_at,
        gone=gone,
    )


def make_row(
    resource: Resource, account: str, region: str, description: Description, seen_at: datetime
) -> Row:
    """The row of a description that is not kept: somebody else's public image, say."""
    document = make_document(description)
    entry = make_entry(resource, document)
    return Row(
        kind=resource.kind,
        id=entry.id,
        name=entry.name,
        account=account,
        region=region,
        state=entry.state,
        state_class=entry.state_class,
        tags=tags_of(resource, document.description),
        cells=cells_of(resource, document.description),
        described=lambda: document.description,
        seen_at=seen_at,
    )
