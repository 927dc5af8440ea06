"""A small kind of resource of our own, boxes, and a cloud that lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from app.aws import attempts
from app.aws.clients import Clients
from app.aws.errors import AwsError, Trouble
from app.aws.listing import Description, Listing
from app.resources.spec import Column, Resource, State

ACCOUNT = "123456789012"
HERE = "us-east-1"
THERE = "eu-central-1"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make_resource(listing: Listing | None = None, kind: str = "box") -> Resource:
    """The kind, listed by ``listing`` or as the cloud's boxes are."""
    return Resource(
        kind=kind,
        slug=f"{kind}es",
        title="Boxes",
        one=kind,
        prefix="box-",
        id_key="BoxId",
        listing=listing or LISTING,
        states=(
            State("ready", "ok"),
            State("packing", "changing"),
            State("broken", "failed"),
            State("scrapped", "gone"),
        ),
        state=lambda d: d.get("State", ""),
        columns=(
            Column("state", "State", lambda d: d.get("State"), "state", facet=True, tracked=True),
            Column("zone", "Zone", lambda d: d["Place"]["Zone"], facet=True),
            Column("size", "Size", lambda d: d.get("Size"), "size", tracked=True),
            Column("packed", "Packed", lambda d: d.get("Packed"), "percent"),
            Column("started", "Started", lambda d: d.get("Started"), "time"),
            Column("sealed", "Sealed", lambda d: d.get("Sealed"), "flag", facet=True),
            Column(
                "parts",
                "Parts",
                lambda d: d.get("Parts"),
                "ids",
                of="part",
                facet=True,
                tracked=True,
            ),
            Column("note", "Note", lambda d: d.get("Note"), shown=False),
        ),
    )


def box(number: int | str, state: str = "ready", **more: Any) -> Description:
    """A description of a box; ``name`` and ``tags`` become its tags."""
    tags = {**({"Name": more.pop("name")} if "name" in more else {}), **more.pop("tags", {})}
    return {
        "BoxId": f"box-{number}",
        "State": state,
        "Place": {"Zone": more.pop("zone", "a")},
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        **more,
    }


def trouble(kind: Trouble, code: str = "") -> AwsError:
    """A failure of that sort."""
    return AwsError(kind, code or kind.title(), "It did not work.", "box", "List", HERE)


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.present = NOON

    def __call__(self) -> datetime:
        return self.present

    def move(self, seconds: float) -> datetime:
        """Go on (or back) by ``seconds``; returns the new present."""
        self.present += timedelta(seconds=seconds)
        return self.present


def place(account: str, region: str) -> str:
    """How calls tell where they go: the region, after the account if that is not ours."""
    return region if account == ACCOUNT else f"{account}/{region}"


@dataclass
class Cloud:
    """The cloud's truth by place, and what was asked of it.

    ``fail`` may raise for a call, told as text: ``pages us-east-1`` (as a listing begins),
    ``page 2 us-east-1``, ``read us-east-1``. ``meanwhile`` is called after each page is made.
    """

    boxes: dict[str, dict[str, Description]] = field(default_factory=dict)
    page_size: int = 2
    calls: list[str] = field(default_factory=list)
    reads: list[tuple[str, ...]] = field(default_factory=list)
    fail: Callable[[str], None] = lambda call: None
    meanwhile: Callable[[], None] = lambda: None

    def put(self, *made: Description, region: str = HERE, account: str = ACCOUNT) -> None:
        """Let these boxes be there, as described."""
        for description in made:
            self.boxes.setdefault(place(account, region), {})[description["BoxId"]] = description

    def remove(self, *ids: str, region: str = HERE) -> None:
        """Let these boxes be there no more."""
        for box_id in ids:
            del self.boxes[region][box_id]

    def call(self, call: str) -> None:
        """Note a call, and let it fail if it is to."""
        self.calls.append(call)
        self.fail(call)

    def listing(self) -> Listing:
        """The two ways to read boxes; to which cloud they lead is up to the clients."""
        return LISTING

    def page(self, where: str, number: int) -> tuple[list[Description], bool]:
        """A page of the listing, and whether there is another."""
        if number == 1:
            self.call(f"pages {where}")
        self.call(f"page {number} {where}")
        there = self.boxes.get(where, {})
        ids = sorted(there)
        end = number * self.page_size
        page = [there[each] for each in ids[end - self.page_size : end]]
        self.meanwhile()
        return page, len(ids) > end

    def read(self, where: str, ids: Sequence[str]) -> list[Description]:
        """Those of ``ids`` that are there."""
        self.reads.append(tuple(ids))
        self.call(f"read {where}")
        there = self.boxes.get(where, {})
        return [there[box_id] for box_id in ids if box_id in there]


@dataclass
class BoxClients:
    """Stands in for Clients: an account's way to the cloud."""

    cloud: Cloud
    account: str

    def send(
        self, service: str, operation: str, parameters: dict[str, Any], region: str, repeat: str
    ) -> dict[str, Any]:
        """One call."""
        attempts.begin()
        where = place(self.account, region)
        if operation == "ReadBoxes":
            return {"Boxes": self.cloud.read(where, parameters["Ids"])}
        boxes, more = self.cloud.page(where, parameters["Page"])
        return {"Boxes": boxes, "More": more}


@dataclass
class BoxAccounts:
    """Stands in for Accounts: all of them in all regions."""

    cloud: Cloud
    regions: tuple[str, ...] = (HERE,)
    accounts: tuple[str, ...] = (ACCOUNT,)
    complete: bool = True

    def scopes(self) -> tuple[tuple[str, str], ...]:
        """Every account and region."""
        return tuple((account, region) for account in self.accounts for region in self.regions)

    def clients(self, account_id: str = "") -> Clients:
        """The clients of an account."""
        return cast(Clients, BoxClients(self.cloud, account_id))


def _pages(clients: Clients, region: str, account: str) -> Iterator[list[Description]]:
    more, number = True, 0
    while more:
        number += 1
        answer = clients.send("box", "ListBoxes", {"Page": number}, region, "read")
        yield answer["Boxes"]
        more = answer["More"]


def _read(clients: Clients, region: str, account: str, ids: Sequence[str]) -> list[Description]:
    found: list[Description] = clients.send("box", "ReadBoxes", {"Ids": list(ids)}, region, "read")[
        "Boxes"
    ]
    return found


LISTING = Listing(_pages, _read)
