"""Carrying out a plan: record, call by call, what became of it, what the inventory learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from app.aws.call import Call, Plan
from app.aws.errors import AwsError
from app.db import now
from app.house import House
from app.inventory.collector import ATTRIBUTE
from app.people import actions
from app.people.actions import Result
from app.resources import RESOURCES
from app.web import acting, recording

log = structlog.get_logger()
# Troubles that lie in the way to AWS, not in what was asked: there, nothing more is sent.
_ON_THE_WAY = {"throttled", "unreachable", "credentials", "uncertain"}
Key = tuple[str, str, str]  # kind, account and region


@dataclass(frozen=True)
class Tried:
    """A call of a plan, and what came of it: an answer, an error, or neither: it was not tried."""

    call: Call
    answer: dict[str, Any] | None = None
    error: AwsError | None = None

    @property
    def result(self) -> Result:
        """The same as it is recorded."""
        if self.error:
            return actions.failure(self.error)
        return Result("left" if self.answer is None else "done")

    def stops(self, later: Call) -> bool:
        """Whether a call that was to come later is not tried any more, now that this has failed."""
        if self.error is None:
            return False
        here = (self.call.account, self.call.region) == (later.account, later.region)
        on_the_way = here and self.error.trouble in _ON_THE_WAY
        return on_the_way or not self.call.of or later.of in ("", self.call.of)


@dataclass
class PlanFailed(Exception):
    """Not all calls of a plan succeeded: what came of each."""

    tried: tuple[Tried, ...]

    @property
    def error(self) -> AwsError:
        """The first error."""
        return next(each.error for each in self.tried if each.error)

    @property
    def several(self) -> bool:
        """Whether the plan has parts of more than one resource."""
        return len({each.call.of for each in self.tried} - {""}) > 1

    @property
    def answers(self) -> list[dict[str, Any]]:
        """What AWS answered to those that succeeded."""
        return [each.answer for each in self.tried if each.answer is not None]

    @property
    def done(self) -> list[Call]:
        """The calls that succeeded."""
        return [each.call for each in self.tried if each.answer is not None]

    def spared(self, resource_id: str) -> bool:
        """Whether surely nothing was done of a resource's own part of the plan."""
        own = [each for each in self.tried if each.call.of == resource_id]
        return not any(
            each.answer is not None or (each.error and each.error.may_have_happened) for each in own
        )


def carry_out(
    house: House, token: str, plan: Plan, path: str, confirmed: bool = False
) -> list[dict[str, Any]]:
    """Make the calls of ``plan`` one after the other; returns AWS's answers.

    ``path``: of the plan's form. Whether whoever asks may is looked at before each call.
    What became of each is committed before the next call is made, and a success goes into the
    inventory; at the end what was touched is read again. When one fails, the parts of the plan
    that do not depend on it go on (``Call.of``). Raises PlanFailed if any did; before anything
    is sent NotPermitted, and ValueError for a plan with danger that nobody has ``confirmed``.
    """
    plan = plan.within(house.accounts.main.id)
    acting.permit(plan)
    if not confirmed and any(call.danger for call in plan.calls):
        raise ValueError(f"{plan.title}: nobody has confirmed this")
    tried: list[Tried] = []
    touched: dict[Key, set[str]] = {}
    try:
        for call in plan.calls:
            if any(each.stops(call) for each in tried):
                tried.append(Tried(call))
                continue
            tried.append(_send(house, token, plan.title, call, path))
            actions.advance(house.engine, token, [each.result for each in tried])
            _learn(house, token, tried[-1], touched)
        if any(each.error for each in tried):
            actions.fail(house.engine, token, [each.result for each in tried])
            raise PlanFailed(tuple(tried))
    finally:
        _reread(house, token, touched)
    return [each.answer for each in tried if each.answer is not None]


def _send(house: House, token: str, title: str, call: Call, path: str) -> Tried:
    """Send one call: every call of every plan goes through here."""
    _claim(house, token, call)
    about = {"action": token, "operation": call.operation}
    about |= {"account": call.account, "region": call.region}
    try:
        acting.look_again(call, path)
        clients = acting.clients(call)
        answer = recording.run(house, token, title, call, clients)
    except AwsError as error:
        log.warning("call failed", **about, code=error.code, request_id=error.request_id)
        return Tried(call, error=error)
    log.info("call done", **about)
    return Tried(call, answer)


def _claim(house: House, token: str, call: Call) -> None:
    """From now on what is seen to change in the resources is put down to this action."""
    touches: dict[Key, set[str]] = {}
    _touch(touches, call, call.touches)
    for scope, ids in touches.items():
        house.inventory.acted(*scope, sorted(ids), token, now() + ATTRIBUTE)


def _learn(house: House, token: str, tried: Tried, touched: dict[Key, set[str]]) -> None:
    """Put what a call made or removed into the inventory at once."""
    call, account, moment = tried.call, tried.call.account, now()
    _touch(touched, call, call.touches)
    if tried.answer is None:
        _touch(touched, call, call.removes)  # it may be gone already, or after all
        return
    for kind, resource_id in call.removes:
        house.inventory.forget(kind, account, call.region, [resource_id], moment, action=token)
    if call.makes is None:
        return
    kind = call.makes[0]
    made = [entry for entry in call.made(tried.answer) if entry.get(RESOURCES[kind].id_key)]
    house.inventory.store(kind, account, call.region, made, moment, action=token)
    ids = [str(entry[RESOURCES[kind].id_key]) for entry in made]
    _touch(touched, call, [(kind, each) for each in ids])


def _touch(touched: dict[Key, set[str]], call: Call, resources: Sequence[tuple[str, str]]) -> None:
    for kind, resource_id in resources:
        touched.setdefault((kind, call.account, call.region), set()).add(resource_id)


def _reread(house: House, token: str, touched: Mapping[Key, set[str]]) -> None:
    for (kind, account, region), ids in touched.items():
        try:
            house.collector.reread(kind, account, region, sorted(ids), action=token)
        except AwsError as error:
            # the deed is done and told; the collector will read them again by itself
            log.warning("not read again", kind=kind, region=region, code=error.code)
            house.collector.refresh(kind)
    house.wake.set()
