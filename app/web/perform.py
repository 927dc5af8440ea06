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
from app.resources import RESOURCES
from app.web import acting, recording

log = structlog.get_logger()
Key = tuple[str, str, str]  # kind, account and region


@dataclass
class PlanFailed(Exception):
    """A call failed: ``done`` came before it, ``failed`` is the one, ``left`` was not tried."""

    error: AwsError
    done: tuple[Call, ...]
    failed: Call
    left: tuple[Call, ...]
    answers: list[dict[str, Any]]


def carry_out(house: House, token: str, plan: Plan) -> list[dict[str, Any]]:
    """Make the calls of ``plan`` one after the other; returns AWS's answers.

    Each success is committed before the next call is made, and goes into the inventory; at the
    end what was touched is read again. Raises PlanFailed, and NotPermitted before anything is done.
    """
    plan = plan.within(house.accounts.main.id)
    acting.permit(plan)
    answers: list[dict[str, Any]] = []
    touched: dict[Key, set[str]] = {}
    try:
        for number, call in enumerate(plan.calls):
            _claim(house, token, call)
            try:
                clients = acting.clients(call)
                answer = recording.run(house, token, plan.title, call, clients)
            except AwsError as error:
                actions.fail(house.engine, token, error)
                _touch(touched, call, call.touches)
                done, left = plan.calls[:number], plan.calls[number + 1 :]
                raise PlanFailed(error, done, call, left, answers) from error
            actions.advance(house.engine, token, number + 1)
            log.info(
                "call done",
                action=token,
                operation=call.operation,
                account=call.account,
                region=call.region,
                number=number + 1,
                of=len(plan.calls),
            )
            answers.append(answer)
            _learn(house, token, call, answer, touched)
    finally:
        _reread(house, token, touched)
    return answers


def _claim(house: House, token: str, call: Call) -> None:
    """From now on what is seen to change in the resources is put down to this action."""
    touches: dict[Key, set[str]] = {}
    _touch(touches, call, call.touches)
    for scope, ids in touches.items():
        house.inventory.acted(*scope, sorted(ids), token, now() + ATTRIBUTE)


def _learn(
    house: House,
    token: str,
    call: Call,
    answer: Mapping[str, Any],
    touched: dict[Key, set[str]],
) -> None:
    """Put what a call made or removed into the inventory at once."""
    account, moment = call.account, now()
    _touch(touched, call, call.touches)
    for kind, resource_id in call.removes:
        house.inventory.forget(kind, account, call.region, [resource_id], moment, action=token)
    if call.makes is None:
        return
    kind = call.makes[0]
    made = [entry for entry in call.made(answer) if entry.get(RESOURCES[kind].id_key)]
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
