"""What will happen by itself: timed states.

An operation puts what it starts on the backend's agenda ("this snapshot is done at 10:04:31").
Before every request whatever has become due is carried out, in order, as of the time it was due.
The agenda is plain data on moto's backend, so it is saved with it and goes on after a restart as
though the sandbox had been running all the time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta

from app.sandbox import account
from app.sandbox.ec2.request import Moto, now

# An event gets the backend, the id of the resource it is about, and the time it was due.
Event = Callable[[Moto, str, datetime], None]
EVENTS: dict[str, Event] = {}


def event(name: str) -> Callable[[Event], Event]:
    """Register a function as what happens when an event called `name` is due.

    The function checks that the resource is still in the state that the event ends: a resource
    may have gone another way since (a pending instance that was terminated).
    """

    def register(function: Event) -> Event:
        EVENTS[name] = function
        return function

    return register


def plan(backend: Moto, name: str, resource_id: str, seconds: float) -> datetime:
    """Put an event on the agenda, `seconds` from now. Gives the time it will be due."""
    if name not in EVENTS:
        raise KeyError(f"no event is called {name!r}")
    due = now() + timedelta(seconds=seconds)
    entries: list[tuple[datetime, int, str, str]] = backend.__dict__.setdefault(
        "_encante_agenda", []
    )
    number = backend.__dict__.get("_encante_agenda_number", 0) + 1
    backend._encante_agenda_number = number
    heapq.heappush(entries, (due, number, name, resource_id))
    return due


def settle(backend: Moto) -> None:
    """Carry out everything that has become due in this backend."""
    entries = backend.__dict__.get("_encante_agenda", [])
    while entries and entries[0][0] <= now():
        due, _, name, resource_id = heapq.heappop(entries)
        EVENTS[name](backend, resource_id, due)


def catch_up(account_id: str, region: str) -> None:
    """The same for an account's region, if there is anything in it: for who hears of it."""
    backend = account.backends("ec2")[account_id].get(region)
    if backend is not None:
        settle(backend)
