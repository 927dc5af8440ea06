"""What people did: one record per form that was sent, committed before the first call.

The form's token is the record's id, so that a form that is sent twice acts once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.aws.call import Call, Plan
from app.aws.errors import AwsError
from app.db import now
from app.people.redaction import HIDDEN, redacted
from app.people.tables import actions

# A plan that has run for so long was cut off: its process died.
CUT_OFF = timedelta(minutes=5)
State = Literal["running", "done", "failed"]


@dataclass(frozen=True)
class Result:
    """What became of one call of a plan; left: it was not tried.

    ``error``: AWS's code (empty if it is none of AWS's), message and request_id, our advice, and
    the trouble that it amounts to.
    """

    state: Literal["done", "failed", "left"]
    error: Mapping[str, str] = field(default_factory=dict)


def failure(error: AwsError) -> Result:
    """The result of a call that failed."""
    told = {
        "code": error.shown_code,
        "message": error.message,
        "advice": error.advice,
        "request_id": error.request_id,
        "trouble": error.trouble,
    }
    return Result("failed", told)


@dataclass(frozen=True)
class ActionRecord:
    """One plan that was carried out, or is being.

    ``calls``: service, operation, region, parameters (secrets left out) and says of each;
    ``done``: how many of them succeeded; ``results``: what became of each, as far as is known.
    """

    id: str
    actor: str
    title: str
    path: str
    calls: list[dict[str, Any]]
    done: int
    state: State
    outcome: dict[str, Any]
    began_at: datetime
    ended_at: datetime | None

    @property
    def results(self) -> list[Result | None]:
        """What became of each call; None of one that was under way last, or not reached."""
        told = self.outcome.get("results")
        # records of versions that ended at the first failure tell how many were done
        known = [Result(**each) for each in told] if told else [Result("done")] * self.done
        if not told and self.state == "failed":
            known.append(Result("failed", self.outcome.get("error", {})))
            known += [Result("left")] * (len(self.calls) - len(known))
        return [*known, *[None] * (len(self.calls) - len(known))]

    @property
    def cut_off(self) -> bool:
        """Whether it was under way when its process ended."""
        return self.state == "running" and now() - self.began_at > CUT_OFF


def begin(engine: Engine, token: str, actor: str, plan: Plan, path: str) -> bool:
    """Commit that ``plan`` is about to be carried out for the form ``token``.

    False when that form was sent before and acted, or is acting. One that failed its own sender may
    try again: nobody else's record becomes another's.
    """
    values = {
        "actor": actor,
        "title": redacted(plan.title),
        "path": path,
        "calls": json.dumps([_told(call) for call in plan.calls]),
        "done": 0,
        "state": "running",
        "outcome": None,
        "began_at": now(),
        "ended_at": None,
    }
    try:
        with engine.begin() as connection:
            connection.execute(insert(actions).values(id=token, **values))
        return True
    except IntegrityError:
        with engine.begin() as connection:
            again = connection.execute(
                update(actions)
                .where(actions.c.id == token, actions.c.state == "failed", actions.c.actor == actor)
                .values(**values)
            )
        return again.rowcount == 1


def advance(engine: Engine, token: str, results: Sequence[Result]) -> None:
    """Commit what became of the first calls."""
    _write(engine, token, done=_done(results), outcome=_results(results))


def end(engine: Engine, token: str, message: str, url: str) -> None:
    """Commit that all is done, and what was said."""
    outcome = json.dumps({"message": redacted(message), "url": url})
    _write(engine, token, state="done", outcome=outcome, ended_at=now())


def fail(engine: Engine, token: str, results: Sequence[Result]) -> None:
    """Commit what became of the calls of which not all succeeded."""
    ended = {"state": "failed", "ended_at": now()}
    _write(engine, token, done=_done(results), outcome=_results(results), **ended)


def _done(results: Sequence[Result]) -> int:
    return sum(result.state == "done" for result in results)


def _results(results: Sequence[Result]) -> str:
    return json.dumps({"results": [asdict(result) for result in results]})


def _write(engine: Engine, token: str, **values: Any) -> None:
    with engine.begin() as connection:
        connection.execute(update(actions).where(actions.c.id == token).values(values))


def get(engine: Engine, token: str) -> ActionRecord | None:
    """The record of the form ``token``, or None."""
    with engine.connect().execution_options(reading=True) as connection:
        row = connection.execute(select(actions).where(actions.c.id == token)).one_or_none()
    if row is None:
        return None
    values = dict(row._mapping)
    values["calls"] = json.loads(values["calls"])
    values["outcome"] = json.loads(values["outcome"] or "{}")
    return ActionRecord(**values)


def titles(engine: Engine, ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """The title and the actor of those of ``ids`` that are on record."""
    if not ids:
        return {}
    query = select(actions.c.id, actions.c.title, actions.c.actor).where(actions.c.id.in_(ids))
    with engine.connect().execution_options(reading=True) as connection:
        return {row.id: (row.title, row.actor) for row in connection.execute(query)}


def rest(record: ActionRecord) -> Plan | None:
    """The calls of a failed plan that were not carried out, to be done now.

    None when there are none, or when a parameter that they need was not kept.
    """
    pairs = zip(record.calls, record.results, strict=True)
    left = [call for call, result in pairs if result is None or result.state != "done"]
    if record.state != "failed" or not record.done or HIDDEN in json.dumps(left):
        return None
    return Plan(
        record.title,
        tuple(
            Call(
                call["service"],
                call["operation"],
                call["region"],
                call["parameters"],
                call["says"],
                touches=tuple((kind, each) for kind, each in call["touches"]),
                removes=tuple((kind, each) for kind, each in call["removes"]),
                makes=tuple(call["makes"]) if call.get("makes") else None,
                account=call.get("account", ""),
                of=call.get("of", ""),
            )
            for call in left
        ),
    )


def _told(call: Call) -> dict[str, Any]:
    return {
        "service": call.service,
        "operation": call.operation,
        "account": call.account,
        "region": call.region,
        "parameters": redacted(call.parameters),
        "says": redacted(call.says),
        "of": call.of,
        "touches": call.touches,
        "removes": call.removes,
        "makes": call.makes and redacted(list(call.makes)),
    }
