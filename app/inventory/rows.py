"""Rows as pages want them, from the tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from sqlalchemy import Connection, Engine, select

from app.aws.listing import Description
from app.inventory.entry import cells_of, make_document, make_entry, tags_of
from app.inventory.store import chunks
from app.inventory.tables import collections, documents, resources
from app.resources.spec import Resource, Row

_COLUMNS = tuple(
    resources.c[name]
    for name in (
        "seq",
        "id",
        "name",
        "account",
        "region",
        "state",
        "seen_at",
        "gone_at",
        "cells",
        "tags",
    )
)


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
                statement = select(documents.c.seq, documents.c.description)
                rows = connection.execute(statement.where(documents.c.seq.in_(some)))
                found.update((row.seq, row.description) for row in rows)
        return found

    def get(self, seq: int) -> Description:
        """The description of a row; empty if it was forgotten for good meanwhile."""
        found: Description = json.loads(self._texts.get(seq, "{}"))
        return found


def load(connection: Connection, resource: Resource, seqs: Sequence[int]) -> list[Row]:
    """The rows of ``seqs``, in that order; those that are not there any more are left out."""
    found = by_seq(connection, resource, seqs)
    return [found[seq] for seq in seqs if seq in found]


def by_seq(connection: Connection, resource: Resource, seqs: Sequence[int]) -> dict[int, Row]:
    """The rows of ``seqs`` that are still there."""
    if not seqs:
        return {}
    refreshed = _refreshed(connection, resource.kind)
    described = _Documents(connection.engine, seqs)
    found: dict[int, Row] = {}
    for some in chunks(seqs):
        statement = select(*_COLUMNS).where(resources.c.seq.in_(some))
        for record in connection.execute(statement):
            last = refreshed.get((record.account, record.region))
            read = partial(described.get, record.seq)
            found[record.seq] = _row(resource, record, read, last)
    return found


def _refreshed(connection: Connection, kind: str) -> dict[tuple[str, str], datetime]:
    statement = select(collections.c.account, collections.c.region, collections.c.seen_at).where(
        collections.c.kind == kind, collections.c.seen_at.is_not(None)
    )
    return {(row.account, row.region): row.seen_at for row in connection.execute(statement)}


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
