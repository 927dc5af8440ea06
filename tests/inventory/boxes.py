"""A small kind of resource of our own, boxes, and a cloud that lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.aws.errors import AwsError, Trouble
from app.aws.listing import Description, Listing
from app.resources.spec import Column, Resource, State

ACCOUNT = "123456789012"
HERE = "us-east-1"
THERE = "eu-central-1"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make_resource(listing: Listing, kind: str = "box") -> Resource:
    """The kind, listed by ``listing``."""
    return Resource(
        kind=kind,
        slug=f"{kind}es",
        title="Boxes",
        one=kind,
        prefix="box-",
        id_key="BoxId",
        listing=listing,
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


@dataclass
class Cloud:
    """The cloud's truth by region, and what was asked of it.

    ``fail`` may raise for a call, told as text: ``pages us-east-1``,
    ``page 2 us-east-1``, ``read us-east-1``. ``meanwhile`` is called after each page is made.
    """

    boxes: dict[str, dict[str, Description]] = field(default_factory=dict)
    page_size: int = 2
    calls: list[str] = field(default_factory=list)
    reads: list[tuple[str, ...]] = field(default_factory=list)
    fail: Callable[[str], None] = lambda call: None
    meanwhile: Callable[[], None] = lambda: None

    def put(self, *made: Description, region: str = HERE) -> None:
        """Let these boxes be there, as described."""
        for description in made:
            self.boxes.setdefault(region, {})[description["BoxId"]] = description

    def remove(self, *ids: str, region: str = HERE) -> None:
        """Let these boxes be there no more."""
        for box_id in ids:
            del self.boxes[region][box_id]

    def _call(self, call: str) -> None:
        self.calls.append(call)
        self.fail(call)

    def expect(self, account: str) -> None:
        """Stands in for Clients.expect."""

    def listing(self) -> Listing:
        """The two ways to read boxes; the clients that are handed over are not used."""
        return Listing(self._pages, self._read)

    def _pages(self, _: object, region: str, account: str) -> Iterator[list[Description]]:
        self._call(f"pages {region}")
        ids = sorted(self.boxes.get(region, {}))
        for number, start in enumerate(range(0, max(1, len(ids)), self.page_size), start=1):
            self._call(f"page {number} {region}")
            there = self.boxes.get(region, {})
            page = [there[i] for i in ids[start : start + self.page_size] if i in there]
            self.meanwhile()
            yield page

    def _read(self, _: object, region: str, account: str, ids: Sequence[str]) -> list[Description]:
        self.reads.append(tuple(ids))
        self._call(f"read {region}")
        there = self.boxes.get(region, {})
        return [there[box_id] for box_id in ids if box_id in there]
