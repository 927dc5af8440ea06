"""The front page: what there is, what is changing, who waits for what, and where this is."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask
from flask.typing import ResponseReturnValue

from app.inventory.timeline import ActivityQuery
from app.resources import RESOURCES
from app.resources.forms import link
from app.web import context, expected, polls
from app.web.context import inventory, scope
from app.web.told import tell
from app.web.troubles import oldest, troubles

WATCHES = 20  # open ones, that the page shows
RECENT = 10  # changes
AGE_TOLD = 30  # seconds by which the told age may be too great


@dataclass(frozen=True)
class Card:
    """A kind's counts; ``states``: (state, class, count, address)."""

    title: str
    icon: str
    href: str
    total: int
    states: tuple[tuple[str, str, int, str], ...]


def _cards() -> list[Card]:
    counts = inventory().counts()
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
    seen, book = inventory(), context.watches()
    for kind in RESOURCES:
        seen.want(kind)
    watches = book.list(state="open", limit=WATCHES)
    open_watches = book.open_count() if len(watches) == WATCHES else len(watches)
    known = [(account.identity, str(account.trouble)) for account in scope().accounts]
    waited = [(watch.id, watch.state, watch.progress, watch.passed) for watch in watches]
    pending = "pending" in seen.counts().get("snapshot", {})
    revisions = [seen.revision(kind) for kind in RESOURCES]
    around = polls.digest(revisions, waited, open_watches, known, expected.step(pending))
    if same := polls.same_around(around):
        return same
    places = [place for kind in RESOURCES for place in seen.freshness(kind)]
    cards, changing, wrong = _cards(), seen.changing(), troubles(places)
    due = {
        each: (expected.in_short(it), expected.in_words(it))
        for each, it in expected.of_rows(changing).items()
    }
    changes = seen.activity(ActivityQuery(), RECENT)
    read_at = oldest(places)
    shown = polls.digest(
        cards,
        [(row.id, row.name, row.cells) for row in changing],
        [change.seq for change in changes],
        [(each.title, each.text) for each in wrong],
        read_at and read_at.timestamp() // AGE_TOLD,
        [waited, open_watches, due],
        known,
    )
    if same := polls.same_shown(around, shown):
        return same
    return polls.answer(
        "front",
        polls.tag(around, shown),
        cards=cards,
        changing=changing,
        recent=tell(changes),
        due=due,
        watches=watches,
        open_watches=open_watches,
        wrong=wrong,
        lists=len(places),
        unread=sum(place.seen_at is None for place in places),
        oldest=read_at,
    )


def register(app: Flask) -> None:
    """The route ``/``."""
    app.add_url_rule("/", "front", front)
