"""Hurrying the poll by events: which regions are heard, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.aws import events
from app.resources.forms import link
from app.resources.hearing import PAGE
from app.watches import EventQueue
from app.web import polls, recording
from app.web.context import house, inventory


@dataclass(frozen=True)
class Place:
    """A region of an account: its queue, if one is heard.

    ``begun``: there is a queue of our name that nobody hears, as after a crash. ``known``: it is
    among the accounts and regions of the settings still.
    """

    account: str
    region: str
    queue: EventQueue | None
    begun: bool
    known: bool = True

    @property
    def hear(self) -> str:
        """The address of the form that has it heard."""
        return link("/queues/hear", account=self.account, region=self.region, back=PAGE)

    @property
    def unhear(self) -> str:
        """The address of the form that has it heard no more."""
        return link("/queues/unhear", account=self.account, region=self.region, back=PAGE)


def list_page() -> ResponseReturnValue:
    """Every region, with what is heard from it."""
    found = _places()
    revision = polls.digest([repr(place) for place in found])
    if same := polls.same(revision):
        return same
    return polls.answer(
        "watches/events",
        revision,
        found=found,
        seconds=house().settings.poll_seconds,
    )


def _places() -> list[Place]:
    heard = {queue.place: queue for queue in house().watches.event_queues.all()}
    scopes = house().accounts.scopes()
    found = [
        Place(*scope, heard.get(scope), scope not in heard and _begun(*scope)) for scope in scopes
    ]
    lost = [
        Place(*place, queue, False, False) for place, queue in heard.items() if place not in scopes
    ]
    return found + lost


def _begun(account: str, region: str) -> bool:
    arn = events.queue_arn(account, region, events.NAME)
    queue = inventory().get("queue", arn)
    return queue is not None and not queue.gone


def forget() -> ResponseReturnValue:
    """Hear no more a queue of a region that this console has no more; AWS is not asked."""
    account, region = request.form.get("account", ""), request.form.get("region", "")
    where = {"account": account, "region": region}
    with recording.deed("events.forget", f"Hear {region} of {account} no more", before=where):
        house().watches.event_queues.remove(account, region)
    flash(f"{region} is heard no more. Its rule and queue are as they were.", "success")
    return redirect(PAGE, 303)


def register(app: Flask) -> None:
    """The page; its forms are among those of the queues."""
    app.add_url_rule(PAGE, "events", list_page)
    app.add_url_rule(f"{PAGE}/forget", "events_forget", forget, methods=["POST"])
