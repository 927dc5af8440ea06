"""What comes of a look at AWS, written: states, outcomes, notices owed, and when to look again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, select, update

from app.aws.listing import Description
from app.db import insert_new
from app.watches.due import Batch, heal
from app.watches.intervals import next_look
from app.watches.knowledge import Knowledge
from app.watches.messages import Wording, notice_row
from app.watches.outcomes import Finding, absent, awaited_by, late, seen
from app.watches.rows import Record, change_all, changes, event, tell_all
from app.watches.tables import notices, watches
from app.watches.topic_settings import settings_for

_log = structlog.get_logger(__name__)
Found = Mapping[str, list[Description]]  # by what the batch was asked by


@dataclass(frozen=True)
class Patience:
    """How long what is absent is looked for, before it is believed to be absent."""

    vanished: timedelta = timedelta(minutes=10)
    never_made: timedelta = timedelta(minutes=15)


class Recorder:
    """Writes what polls have found. Every method is one transaction."""

    def __init__(
        self,
        engine: Engine,
        known: Knowledge,
        poll_seconds: float,
        patience: Patience,
        public_url: str,
    ) -> None:
        self._engine = engine
        self._known = known
        self._poll_seconds = poll_seconds
        self._patience = patience
        self._public_url = public_url

    def answered(self, batch: Batch, found: Found, now: datetime) -> set[str]:
        """AWS has answered. Returns by what key of the batch there was something new."""

        judged = [
            (row, late(row, self._judge(row, found.get(row[batch.key], []), now), now))
            for row in batch.rows
        ]
        # Before the transaction: the inventory is asked in one of its own.
        more = self._known.more(batch, judged, now)
        sheet = _Sheet(now, self._public_url)
        with self._engine.begin() as connection:
            same = _unchanged(connection, batch)
            for row, finding in judged:
                if row["id"] in same:
                    sheet.add(row, _with(finding, more.get(row["id"], {})))
            sheet.write(connection)
            for due_at, ids in sheet.next_looks(self._poll_seconds).items():
                polled = update(watches).where(watches.c.id.in_(ids))
                values = {"last_polled_at": now, "due_at": due_at, "due_set_at": now}
                connection.execute(
                    polled.values(polls=watches.c.polls + 1, last_error="", **values)
                )
            heal(connection, batch)
        sheet.log()
        return {row[batch.key] for row in sheet.new}

    def unanswered(self, batch: Batch, now: datetime) -> None:
        """AWS could not be asked: what is late is so all the same."""
        sheet = _Sheet(now, self._public_url, asked=False)
        with self._engine.begin() as connection:
            same = _unchanged(connection, batch)
            for row in (row for row in batch.rows if row["id"] in same):
                sheet.add(row, late(row, Finding(row["state"], {}), now))
            sheet.write(connection)
        sheet.log()

    def _judge(self, row: Record, found: Sequence[Description], now: datetime) -> Finding:
        if row["state"] == "intended":
            found = _made_of(row, found)
        if found:
            return seen(row, found[0], now)
        intended = row["state"] == "intended"
        patience = self._patience.never_made if intended else self._patience.vanished
        return absent(row, now, patience)


def _made_of(row: Record, found: Sequence[Description]) -> list[Description]:
    """Those that may be what was asked for, the first one first.

    A copy of a snapshot may carry its tags, but is made of something else.
    """
    told = [(awaited_by(row).facts(each), each) for each in found]
    told = [each for each in told if (each[0].get("source_id") or "") in {row["source_id"], ""}]
    told.sort(key=lambda each: str(each[0].get("started_at")))
    return [description for _, description in told]


def _unchanged(connection: Connection, batch: Batch) -> set[str]:
    """The ids of the batch's watches that are as they were when they were taken; locked.

    A person may have cancelled since, or another poller may have looked later.
    """
    polls = {row["id"]: row["polls"] for row in batch.rows}
    mine = watches.c.id.in_(polls), watches.c.state == batch.state
    query = select(watches.c.id, watches.c.polls).where(*mine).order_by(watches.c.id)
    found = connection.execute(query.with_for_update())
    return {row.id for row in found if row.polls == polls[row.id]}


def _with(finding: Finding, more: Mapping[str, Any]) -> Finding:
    return replace(finding, values={**finding.values, **more}) if more else finding


@dataclass
class _Sheet:
    """What is to be written of a batch, gathered so that it takes few statements."""

    now: datetime
    public_url: str
    asked: bool = True
    rows: list[Record] = field(default_factory=list)  # as they are afterwards
    new: list[Record] = field(default_factory=list)  # those of which something was new
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    owed: list[tuple[Record, tuple[str, ...]]] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)  # notices that were not there

    def add(self, row: Record, finding: Finding) -> None:
        """A watch, and what was found of it."""
        values = changes(row, finding, self.now)
        after = {**row, **values}
        if self.asked:
            after["last_polled_at"] = self.now
        self.rows.append(after)
        if values or not row["polls"]:
            self.new.append(row)
        if values:
            self.changed[row["id"]] = values
        self.events += [event(row["id"], self.now, *told) for told in finding.told]
        wanted = tuple(each for each in finding.reached if each in row["outcomes"])
        self.owed += [(after, wanted)] if wanted else []
        if finding.reached and finding.reached[-1] not in wanted and row["state"] != after["state"]:
            text = f"Outcome: {finding.reached[-1]}. This watch was not asked to tell of it."
            self.events.append(event(row["id"], self.now, "ended", text))

    def write(self, connection: Connection) -> None:
        """Write it all."""
        change_all(connection, self.changed)
        wording = _wordings(connection)
        # By their ids: so no two who write the same ones wait for each other.
        for row in sorted(self._notices(wording), key=itemgetter("id")):
            rest = {name: value for name, value in row.items() if name != "id"}
            if insert_new(connection, notices, {"id": row["id"]}, **rest):
                self.made.append(row)
        tell_all(connection, self.events)

    def _notices(self, wording: Callable[[str], Wording]) -> Iterator[dict[str, Any]]:
        """The notices that are owed, told of in the histories of their watches."""
        for watch, outcomes in self.owed:
            for place, outcome in enumerate(outcomes, 1 - len(outcomes)):
                worded = wording(watch["topic_arn"])
                row = notice_row(watch, outcome, self.now, worded, self.public_url)
                # What came first is due first.
                row["due_at"] += timedelta(milliseconds=place)
                text = f"Outcome: {outcome}. The notice {row['id']} is to be published."
                self.events.append(event(watch["id"], self.now, "owed", text, row["id"]))
                yield row

    def next_looks(self, poll_seconds: float) -> dict[datetime, list[str]]:
        """When to look again at those that go on, and at which."""
        found: dict[datetime, list[str]] = defaultdict(list)
        for row in self.rows:
            found[next_look(row, self.now, poll_seconds)].append(row["id"])
        return found

    def log(self) -> None:
        """Tell of the notices that were made, once they are there."""
        for row in self.made:
            _log.info(
                "notice owed",
                notice=row["id"],
                watch=row["watch_id"],
                kind=row["kind"],
                outcome=row["outcome"],
                account=row["account"],
                region=row["region"],
            )


def _wordings(connection: Connection) -> Callable[[str], Wording]:
    """How notices for a topic are worded, each read once."""
    return cache(lambda topic: settings_for(connection, topic).wording)
