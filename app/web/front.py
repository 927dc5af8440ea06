"""The front page: what there is, what is changing, who waits for what, and where this is."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from flask import Flask, request
from flask.typing import ResponseReturnValue

from app.resources import RESOURCES
from app.resources.forms import link
from app.web.context import house, scope
from app.web.lists import answer, unchanged


@dataclass(frozen=True)
class Card:
    """A kind's counts; ``states``: (state, class, count, address)."""

    title: str
    icon: str
    href: str
    total: int
    states: tuple[tuple[str, str, int, str], ...]


def _cards() -> list[Card]:
    counts = house().inventory.counts()
    cards = []
    for kind, resource in RESOURCES.items():
        by_state = counts.get(kind, {})
        states = tuple(
            (
                state,
                resource.state_class(state),
                number,
                link(f"/{resource.slug}", state=state),
            )
            for state, number in sorted(by_state.items(), key=lambda entry: -entry[1])
            if state and resource.states
        )
        href = f"/{resource.slug}"
        cards.append(Card(resource.title, resource.icon, href, sum(by_state.values()), states))
    return cards


def front() -> ResponseReturnValue:
    """The front page; polled by htmx, its body alone."""
    services = house()
    inventory = services.inventory
    for kind in RESOURCES:
        inventory.want(kind)
    polled = "HX-Request" in request.headers
    watches = services.watches.list(state="open", limit=20)
    where = scope()
    told = (
        [inventory.revision(kind) for kind in RESOURCES],
        [(watch.id, watch.state, watch.progress) for watch in watches],
        [(account.identity, str(account.trouble)) for account in where.accounts],
    )
    revision = sha256(repr(told).encode()).hexdigest()[:16]
    same = unchanged(revision) if polled else None
    if same:
        return same
    return answer(
        "front_body.html" if polled else "front.html",
        revision,
        cards=_cards(),
        changing=inventory.changing(),
        watches=watches,
        freshness=[place for kind in RESOURCES for place in inventory.freshness(kind)],
    )


def register(app: Flask) -> None:
    """The route ``/``."""
    app.add_url_rule("/", "front", front)
