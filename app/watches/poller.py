"""The poller: one step asks AWS about up to 200 resources of one region, and writes what it says.

The new state of a watch and the notice that it causes are written in one transaction; what the
rows say is all that counts, so that a poller may be killed at any moment, and several may run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, insert, select, update

from app.aws.accounts import Accounts
from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.listing import Description
from app.resources import AWAITED
from app.resources.spec import Awaited, Row
from app.watches.due import Batch, heal, postpone, take
from app.watches.messages import harmless, notice_of, notice_row
from app.watches.outcomes import Finding, absent, awaited_by, ended, settled
from app.watches.rows import Record, apply, tell
from app.watches.tables import notices, watches
from app.watches.topic_settings import settings_for

_log = structlog.get_logger(__name__)
# Told what was read by id: kind, account, region, descriptions, and when they were asked for.
Learn = Callable[[str, str, str, list[Description], datetime], None]


@dataclass(frozen=True)
class Patience:
    """How long what is absent is looked for, before it is believed to be absent."""

    vanished: timedelta = timedelta(minutes=10)
    never_made: timedelta = timedelta(minutes=15)


class Poller:
    """Asks AWS about what watches wait for."""

    def __init__(
        self,
        engine: Engine,
        accounts: Accounts,
        inventory_get: Callable[[str, str], Row | None] | None,
        learn: Learn | None,
        poll_seconds: float,
        patience: Patience,
    ) -> None:
        self._engine = engine
        self._accounts = accounts
        self._inventory_get = inventory_get
        self._learn = learn
        self._poll_seconds = poll_seconds
        self._patience = patience

    def poll(self, now: datetime) -> bool:
        """One step; False when nothing was due. Costs at most one read of AWS."""
        batch = take(self._engine, now, self._poll_seconds)
        if batch is None:
            return False
        try:
            found = self._ask(batch, now)
        except AwsError as error:
            text = f"{error.code}: {error.message} {error.advice}".strip()
            delay = postpone(self._engine, batch, now, self._poll_seconds, harmless(text))
            _log.warning(
                "poll failed",
                account=batch.account,
                region=batch.region,
                kind=batch.kind,
                code=error.code,
                again_in=delay,
            )
        else:
            self._record(batch, found, now)
        return True

    def _ask(self, batch: Batch, now: datetime) -> dict[str, list[Description]]:
        """What AWS has for each wanted snapshot id or request id. Raises AwsError."""
        clients = self._accounts.clients(batch.account)
        awaited, wanted = AWAITED[batch.kind], batch.wanted
        if batch.state == "waiting":
            read = awaited.listing.read(clients, batch.region, batch.account, wanted)
        else:
            read = _find_by_request(clients, batch.region, awaited, wanted)
        if read and self._learn:
            self._learn(awaited.resource, batch.account, batch.region, read, now)
        found: dict[str, list[Description]] = {}
        for description in read:
            found.setdefault(_key_of(awaited, description, batch.state), []).append(description)
        return found

    def _record(self, batch: Batch, found: Mapping[str, list[Description]], now: datetime) -> None:
        judged = []
        for row in batch.rows:  # before the transaction: the inventory is asked in one of its own
            finding = self._judge(row, found.get(row[batch.key], []), now)
            judged.append((row, finding, self._facts(row, finding)))
        ids = [row["id"] for row in batch.rows]
        with self._engine.begin() as connection:
            polled = update(watches).where(watches.c.id.in_(ids), watches.c.state == batch.state)
            connection.execute(polled.values(polls=watches.c.polls + 1, last_polled_at=now))
            for row, finding, facts in judged:
                if apply(connection, row, finding, now) and ended(facts):
                    _owe(connection, facts, finding.state, now)
            heal(connection, batch)

    def _judge(self, row: Record, found: list[Description], now: datetime) -> Finding:
        told = awaited_by(row).facts
        if row["state"] == "intended":
            # A copy of the snapshot may carry its tags: the first of this source is meant.
            found = [one for one in found if told(one).get("source_id") == row["source_id"]]
            found.sort(key=lambda one: str(told(one).get("started_at")))
        if found:
            return settled(row, found[0])
        intended = row["state"] == "intended"
        patience = self._patience.never_made if intended else self._patience.vanished
        return absent(row, now, patience)

    def _facts(self, row: Record, finding: Finding) -> dict[str, Any]:
        """The watch as it is after ``finding``; with the volume's name, if it is to be told."""
        facts = {**row, **finding.values, "state": finding.state}
        if ended(facts) and not facts["source_name"] and self._inventory_get:
            volume = self._inventory_get("volume", facts["source_id"])
            facts["source_name"] = harmless(volume.name) if volume else ""
        return facts


def _find_by_request(
    clients: Clients, region: str, awaited: Awaited, request_ids: Sequence[str]
) -> list[Description]:
    if awaited.find is None:
        return []
    operation, parameters, path = awaited.find(request_ids)
    items = path.removesuffix("[]")
    pages = Call("ec2", operation, region, parameters).pages(clients)
    return [description for page in pages for description in page.get(items, [])]


def _key_of(awaited: Awaited, description: Description, state: str) -> str:
    resource_id = str(awaited.facts(description).get("resource_id") or "")
    if state == "waiting" or not resource_id:
        return resource_id
    return awaited.requested(description)


def _owe(connection: Connection, watch: Mapping[str, Any], outcome: str, now: datetime) -> None:
    """Write the notice that an outcome owes, if this watch was to tell of it."""
    if outcome not in watch["outcomes"]:
        text = f"Outcome: {outcome}. This watch was not asked to tell of it."
        tell(connection, watch["id"], now, "ended", text)
        return
    identity = notice_of(watch, outcome)
    if connection.execute(select(notices.c.id).where(notices.c.id == identity)).first() is None:
        wording = settings_for(connection, watch["topic_arn"]).wording
        row = notice_row(watch, outcome, now, wording)
        connection.execute(insert(notices).values(row))
        _log.info(
            "notice owed",
            notice=identity,
            watch=watch["id"],
            account=watch["account"],
            region=watch["region"],
            outcome=outcome,
        )
    text = f"Outcome: {outcome}. The notice {identity} is to be published."
    tell(connection, watch["id"], now, "owed", text, identity)
