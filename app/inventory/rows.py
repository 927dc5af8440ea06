"""Rows as pages want them, from the tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from app.aws.listing import Description
from app.inventory.entry import cells_of, make_document, make_entry, tags_of
from app.inventory.store import chunks
from app.inventory.tables import collections, documents, resources
from app.resources.spec import Resource, Row


def load(connection: Connection, resource: Resource, seqs: Sequence[int]) -> list[Row]:
    """The rows of ``seqs``, in that order; those that are not there any more are left out."""
    if not seqs:
        return []
    refreshed = _refreshed(connection, resource.kind)
    found: dict[int, Row] = {}
    for some in chunks(seqs):
        statement = (
            select(
                resources.c.seq,
                resources.c.id,
                resources.c.name,
                resources.c.account,
                resources.c.region,
                resources.c.state,
                resources.c.seen_at,
                resources.c.gone_at,
                documents.c.description,
            )
            .join(documents, documents.c.seq == resources.c.seq)
            .where(resources.c.seq.in_(some))
        )
        for record in connection.execute(statement):
            last = refreshed.get((record.account, record.region))
            found[record.seq] = _row(resource, record, last)
    return [found[seq] for seq in seqs if seq in found]


def _refreshed(connection: Connection, kind: str) -> dict[tuple[str, str], datetime]:
    statement = select(collections).where(
        collections.c.kind == kind, collections.c.seen_at.is_not(None)
    )
    return {(row.account, row.region): row.seen_at for row in connection.execute(statement)}


def _row(resource: Resource, record: Any, refreshed: datetime | None) -> Row:
    description = json.loads(record.description)
    gone = record.gone_at is not None
    # A refresh that finds a row unchanged does not write it, so the later of the two tells when
    # the row was last seen to be so.
    seen_at = record.seen_at if gone or refreshed is None else max(record.seen_at, refreshed)
    return Row(
        kind=resource.kind,
        id=record.id,
        name=record.name,
        account=record.account,
        region=record.region,
        state=record.state,
        state_class="gone" if gone else resource.state_class(record.state),
        tags=tags_of(resource, description),
        cells=cells_of(resource, description),
        description=description,
        seen_at=seen_at,
        gone=gone,
    )


def make_row(
    resource: Resource, account: str, region: str, description: Description, seen_at: datetime
) -> Row:
    """The row of a description that is not kept: somebody else's public image, say."""
    document = make_document(description)
    entry = make_entry(resource, account, region, document)
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
        description=document.description,
        seen_at=seen_at,
    )
