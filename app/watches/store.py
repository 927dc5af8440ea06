"""What forms and buttons write: intents, watches, and a person's word on them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, and_, insert, or_, select

from app.aws.listing import Description
from app.resources import AWAITED
from app.resources.spec import Awaited
from app.watches.harmless import harmless
from app.watches.outcomes import (
    Finding,
    awaited_by,
    facts,
    nothing_to_come,
    passed_already,
    present,
)
from app.watches.rows import Record, apply, change, tell
from app.watches.tables import watches

# The request may still be under way; and right after it a tag is not always found yet.
YOUNG = timedelta(seconds=30)
_TOPIC = re.compile(r"arn:aws[a-z-]{0,20}:sns:[a-z0-9-]{1,40}:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")


class WatchError(ValueError):
    """A watch cannot be made or changed so. ``field`` names the input that is wrong, if one is."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Store:
    """Writes watches. Every method is one transaction."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def intend(
        self,
        *,
        kind: str,
        request_id: str,
        account: str,
        region: str,
        source_id: str,
        source_name: str,
        description: str,
        topic_arn: str,
        outcomes: Sequence[str],
        late_after: int | None,
        actor: str,
    ) -> str:
        """See ``Watches.intend``."""
        one = AWAITED[kind].one
        if not request_id or AWAITED[kind].find is None:
            raise WatchError(
                f"A watch on what is yet to be made ({one}) needs a request id, by which it can be "
                "found."
            )
        now = self._clock()
        values = {
            "kind": kind,
            "source_name": harmless(source_name),
            "description": harmless(description),
            "outcomes": check_outcomes(AWAITED[kind], outcomes),
            "late_after": late_after,
            "actor": harmless(actor),
            "state": "intended",
            "due_at": now + YOUNG,
            "due_set_at": now,
        }
        key = {"account": account, "region": region, "request_id": request_id}
        key["topic_arn"] = check_topic(topic_arn)
        with self._engine.begin() as connection:
            held = _one(connection, *(watches.c[name] == value for name, value in key.items()))
            if held is None:
                values |= key | {"source_id": harmless(source_id, 64)}
                return _insert(connection, values, now, f"The {one} is about to be asked for.")
            if held["source_id"] != source_id:
                raise WatchError(
                    f"This form was sent before, for {held['source_id']}. Open it anew.",
                    "source_id",
                )
            if held["state"] == "abandoned":
                again = {**values, "absent_since": None, "absent_polls": 0, "ended_at": None}
                change(connection, held["id"], "abandoned", again)
                tell(connection, held["id"], now, "made", f"The {one} is asked for again.")
            return str(held["id"])

    def bind(self, watch_id: str, found: Description) -> None:
        """See ``Watches.bind``."""
        with self._engine.begin() as connection:
            _bind(connection, _require(connection, watch_id), found, self._clock())

    def abandon(self, watch_id: str, why: str) -> None:
        """See ``Watches.abandon``."""
        with self._engine.begin() as connection:
            watch = _require(connection, watch_id)
            if watch["state"] == "intended":
                one = awaited_by(watch).one
                told = (("abandoned", f"No {one} was made: {harmless(why)}"),)
                apply(connection, watch, Finding("abandoned", {}, told), self._clock())

    def watch(
        self,
        *,
        kind: str,
        account: str,
        region: str,
        found: Description,
        source_name: str,
        topic_arn: str,
        outcomes: Sequence[str],
        late_after: int | None,
        actor: str,
        rule_id: str | None,
    ) -> str:
        """See ``Watches.watch``."""
        with self._engine.begin() as connection:
            return put_on(
                connection,
                self._clock(),
                kind=kind,
                account=account,
                region=region,
                found=found,
                source_name=source_name,
                topic_arn=topic_arn,
                outcomes=outcomes,
                late_after=late_after,
                actor=actor,
                rule_id=rule_id,
            )

    def cancel(self, watch_id: str) -> None:
        """See ``Watches.cancel``."""
        with self._engine.begin() as connection:
            watch = _require(connection, watch_id)
            if watch["state"] != "waiting":
                raise WatchError(
                    f"The watch {watch_id} is {watch['state']}; only one that waits can be "
                    "cancelled."
                )
            told = (("cancelled", "Cancelled. Nothing more is told of it."),)
            apply(connection, watch, Finding("cancelled", {}, told), self._clock())

    def cancel_of_rule(self, rule_id: str) -> int:
        """See ``Watches.cancel_of_rule``."""
        of_rule = (watches.c.rule_id == rule_id, watches.c.state == "waiting")
        told = (("cancelled", "Cancelled, with all of its rule. Nothing more is told of it."),)
        now = self._clock()
        with self._engine.begin() as connection:
            query = select(watches).where(*of_rule).order_by(watches.c.id).with_for_update()
            rows = connection.execute(query).mappings().all()
            for row in rows:
                apply(connection, dict(row), Finding("cancelled", {}, told), now)
        return len(rows)


def put_on(
    connection: Connection,
    now: datetime,
    *,
    kind: str,
    account: str,
    region: str,
    found: Description,
    source_name: str,
    topic_arn: str,
    outcomes: Sequence[str],
    late_after: int | None,
    actor: str,
    rule_id: str | None,
) -> str:
    """As ``Watches.watch``, in the transaction of the caller.

    What has been reached already is not told again, as of an instance that runs already.

    A rule's watch is the rule's own, and may be on what has reached an outcome already: the poller
    settles it. The notice is the same, whoever waits for it.
    """
    awaited = AWAITED[kind]
    told = facts(awaited, found)
    resource_id = str(awaited.facts(found)["resource_id"])
    wanted = check_outcomes(awaited, outcomes)
    passed = passed_already(awaited, found) if rule_id is None else ()
    if nothing_to_come(awaited, wanted, passed):
        reached = awaited.outcome(passed[-1]).told
        raise WatchError(f"{resource_id} {reached} already.", "resource_id")
    values: dict[str, Any] = {
        "kind": kind,
        "rule_id": rule_id,
        "account": account,
        "region": region,
        "resource_id": resource_id,
        "topic_arn": check_topic(topic_arn),
        "source_id": "",
        "source_name": harmless(source_name),
        "description": "",
        "outcomes": wanted,
        "passed": list(passed),
        "late_after": late_after,
        "actor": harmless(actor),
        "state": "waiting",
        "due_at": now,
        "due_set_at": now,
    }
    # after facts, so that no spelling of AWS's comes between us and our own key
    values |= {name: value for name, value in told.items() if name != "resource_id"}
    held = _same(connection, values, found) if rule_id is None else None
    if held is None:
        return _insert(connection, values, now, f"Put on {resource_id}.")
    _bind(connection, held, found, now)
    return str(held["id"])


def _bind(connection: Connection, watch: Record, found: Description, now: datetime) -> None:
    resource_id = str(awaited_by(watch).facts(found)["resource_id"])
    if watch["resource_id"] == resource_id:
        return
    if watch["state"] not in {"intended", "abandoned"}:
        raise WatchError(
            f"The watch {watch['id']} is {watch['state']} and cannot be put on {resource_id}."
        )
    finding = present(watch, found)
    values = {**finding.values, "due_at": now, "due_set_at": now, "ended_at": None}
    apply(connection, watch, Finding("waiting", values, finding.told), now)


def _insert(connection: Connection, values: Mapping[str, Any], now: datetime, told: str) -> str:
    # sortable by the time they were made
    watch_id = f"w-{int(now.timestamp() * 1000):011x}{secrets.token_hex(4)}"
    row = {**values, "id": watch_id, "made_at": now}
    if AWAITED[values["kind"]].repeats:
        row["occasion"] = watch_id
    connection.execute(insert(watches).values(row))
    tell(connection, watch_id, now, "made", told)
    return watch_id


def _one(connection: Connection, *conditions: Any) -> Record | None:
    query = select(watches).where(*conditions).order_by(watches.c.id).limit(1).with_for_update()
    found = connection.execute(query).mappings().one_or_none()
    return None if found is None else dict(found)


def _require(connection: Connection, watch_id: str) -> Record:
    watch = _one(connection, watches.c.id == watch_id)
    if watch is None:
        raise WatchError(f"There is no watch {watch_id}.", "watch_id")
    return watch


def _same(connection: Connection, values: Mapping[str, Any], found: Description) -> Record | None:
    """The watch that already is on this resource for the same, or was intended for it."""
    on_it = and_(watches.c.resource_id == values["resource_id"], watches.c.state == "waiting")
    intended = and_(
        watches.c.request_id == AWAITED[values["kind"]].requested(found),
        watches.c.state.in_(("intended", "abandoned")),
        watches.c.source_id == values["source_id"],
    )
    names = ("account", "region", "kind", "topic_arn")
    same_place = (watches.c[name] == values[name] for name in names)
    query = select(watches).where(*same_place, or_(on_it, intended)).order_by(watches.c.id)
    for row in connection.execute(query.with_for_update()).mappings():
        # Who asks to be told of something else, or sooner of what is late, must be told.
        if all(row[name] == values[name] for name in ("outcomes", "late_after")):
            return dict(row)
    return None


def check_topic(arn: str) -> str:
    """``arn``. Raises WatchError if it cannot be a topic's."""
    if not _TOPIC.fullmatch(arn):
        raise WatchError(
            f"{harmless(arn, 100)!r} is not the ARN of a topic, such as "
            "arn:aws:sns:eu-central-1:123456789012:backups",
            "topic_arn",
        )
    return arn


def check_outcomes(awaited: Awaited, outcomes: Sequence[str]) -> list[str]:
    """``outcomes`` in their declared order. Raises WatchError for none or an unknown one."""
    names = [outcome.name for outcome in awaited.outcomes]
    unknown = [name for name in outcomes if name not in names]
    if unknown:
        raise WatchError(
            f"{harmless(unknown[0], 50)!r} is not an outcome; there are {', '.join(names)}.",
            "outcomes",
        )
    if not outcomes:
        raise WatchError("Choose at least one outcome to be told of.", "outcomes")
    return [name for name in names if name in outcomes]
