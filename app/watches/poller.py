"""The poller: one step asks AWS about up to 200 resources of one region, and has it written down.

What the rows say is all that counts, so that a poller may be killed at any moment, and any number
of them may run, in threads and in processes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import jmespath
import structlog
from sqlalchemy import Engine

from app.aws.accounts import Accounts
from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.impatient import impatient
from app.aws.listing import Description
from app.resources import AWAITED
from app.resources.spec import Awaited
from app.watches.due import Batch, any_due, postpone, take
from app.watches.harmless import harmless
from app.watches.pace import TURNS, Pacing, Turns
from app.watches.places import Places
from app.watches.record import Recorder

_log = structlog.get_logger(__name__)
# Told what was read by id: kind, account, region, descriptions, and when they were asked for.
Learn = Callable[[str, str, str, list[Description], datetime], None]


class Poller:
    """Asks AWS about what watches wait for. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        accounts: Accounts,
        recorder: Recorder,
        learn: Learn | None,
        pacing: Pacing,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._accounts = accounts
        self._recorder = recorder
        self._learn = learn
        self._pacing = pacing
        self._turns = Turns(engine, TURNS, pacing.a_second, clock, pacing.sleep)
        self._places = Places()

    def poll(self, now: datetime) -> bool:
        """One step; False when nothing was due. Costs at most one read of AWS."""
        away = self._places.away()
        if not any_due(self._engine, now, away) or not self._turns.near():
            return False
        batch = take(self._engine, now, away)
        if batch is None:
            return False
        waits: list[float] = []
        try:
            with self._places.call(batch.place):
                read = self._ask(batch, waits)
        except AwsError as error:
            self._failed(batch, error, now + timedelta(seconds=sum(waits[:1])))
        else:
            self._answered(batch, read, now + timedelta(seconds=sum(waits[:1])))
        return True

    def _ask(self, batch: Batch, waits: list[float]) -> list[Description]:
        """What AWS has of what the batch wants; ``waits``: seconds before each request.

        Raises AwsError.
        """
        before = lambda: waits.append(self._turns.take())  # noqa: E731
        clients = impatient(self._accounts.clients(batch.account), before)
        awaited = AWAITED[batch.kind]
        if batch.state == "waiting":
            return awaited.listing.read(clients, batch.region, batch.account, batch.wanted)
        return _find_by_request(clients, batch.region, awaited, batch.wanted)

    def _answered(self, batch: Batch, read: Sequence[Description], now: datetime) -> None:
        awaited = AWAITED[batch.kind]
        found: dict[str, list[Description]] = {}
        for description in read:
            found.setdefault(_key_of(awaited, description, batch.state), []).append(description)
        new = self._recorder.answered(batch, found, now)
        # The notices first; and what is as it was is known already.
        told = [description for key in found.keys() & new for description in found[key]]
        if told and self._learn and awaited.kind == awaited.resource:
            self._learn(awaited.resource, batch.account, batch.region, told, now)

    def _failed(self, batch: Batch, error: AwsError, now: datetime) -> None:
        text = f"{error.code}: {error.message} {error.advice}".strip()
        seconds = self._pacing.poll_seconds
        delay = postpone(self._engine, batch, now, seconds, harmless(text))
        _log.warning(
            "poll failed",
            kind=batch.kind,
            account=batch.account,
            region=batch.region,
            code=error.code,
            again_in=delay,
        )
        self._recorder.unanswered(batch, now)


def _find_by_request(
    clients: Clients, region: str, awaited: Awaited, request_ids: Sequence[str]
) -> list[Description]:
    if awaited.find is None:
        return []
    operation, parameters, items = awaited.find(request_ids)
    pages = Call("ec2", operation, region, parameters).pages(clients)
    return [each for page in pages for each in jmespath.search(items, page) or []]


def _key_of(awaited: Awaited, description: Description, state: str) -> str:
    resource_id = str(awaited.facts(description).get("resource_id") or "")
    if state == "waiting" or not resource_id:
        return resource_id
    return awaited.requested(description)
