"""What the endpoint has: how many resources in each scope, and their pages, made when asked for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from xml.sax.saxutils import escape

from tests.bench.fakeaws import items
from tests.bench.fakeaws.items import Place

PAGE = 1000
# operation: (element around the items, filter that takes ids)
LISTS = {
    "DescribeInstances": ("reservationSet", "instance-id"),
    "DescribeVolumes": ("volumeSet", "volume-id"),
    "DescribeSnapshots": ("snapshotSet", "snapshot-id"),
    "DescribeImages": ("imagesSet", "image-id"),
}


@dataclass(frozen=True)
class Size:
    """How many resources there are in all, over every scope."""

    instances: int
    volumes: int
    snapshots: int
    images: int


class World:
    """Accounts and regions full of resources; one version number each, raised by a change."""

    def __init__(self, size: Size, accounts: Sequence[str], regions: Sequence[str]) -> None:
        pairs = [(account, region) for account in accounts for region in regions]
        self.places = {pair: Place(at, *pair) for at, pair in enumerate(pairs)}
        self.accounts, self.regions = tuple(accounts), tuple(regions)
        self.calls: Counter[str] = Counter()
        self.counts = {
            "DescribeInstances": size.instances // len(pairs),
            "DescribeVolumes": size.volumes // len(pairs),
            "DescribeSnapshots": size.snapshots // len(pairs),
            "DescribeImages": size.images // len(pairs),
        }
        self._draw: dict[str, Callable[[Place, int, int], str]] = {
            "DescribeInstances": items.instance,
            "DescribeVolumes": partial(items.volume, instances=self.counts["DescribeInstances"]),
            "DescribeSnapshots": items.snapshot,
            "DescribeImages": items.image,
        }
        self._versions: dict[tuple[str, Place], dict[int, int]] = {}
        self._pages: dict[tuple[str, Place, int, int], bytes] = {}
        self._lock = threading.Lock()

    def change(self, operation: str, every: int) -> int:
        """Change every ``every``-th resource of an operation's kind, everywhere. How many."""
        changed = 0
        with self._lock:
            for place in self.places.values():
                versions = self._versions.setdefault((operation, place), {})
                for number in range(0, self.counts[operation], every):
                    versions[number] = versions.get(number, 0) + 1
                    changed += 1
            self._pages = {key: page for key, page in self._pages.items() if key[0] != operation}
        return changed

    def page(self, operation: str, place: Place, start: int, size: int) -> bytes:
        """The answer with the resources from number ``start`` on; kept for the next time."""
        key = (operation, place, start, size)
        with self._lock:
            kept = self._pages.get(key)
        if kept is None:
            end = min(start + size, self.counts[operation])
            kept = self._answer(operation, place, range(start, end), end)
            with self._lock:
                self._pages[key] = kept
        return kept

    def some(self, operation: str, place: Place, ids: Sequence[str]) -> bytes:
        """The answer with those of ``ids`` that exist."""
        numbers = []
        for resource_id in ids:
            try:
                number = items.number_of(resource_id)
            except ValueError:
                continue
            if number < self.counts[operation]:
                numbers.append(number)
        return self._answer(operation, place, numbers, self.counts[operation])

    def _answer(self, operation: str, place: Place, numbers: Sequence[int], end: int) -> bytes:
        versions = self._versions.get((operation, place), {})
        draw = self._draw[operation]
        inside = "".join(draw(place, number, versions.get(number, 0)) for number in numbers)
        outer = LISTS[operation][0]
        more = f"<nextToken>{end}</nextToken>" if end < self.counts[operation] else ""
        return answer(operation, f"<{outer}>{inside}</{outer}>{more}")


def answer(operation: str, inside: str) -> bytes:
    """An answer of EC2."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<{operation}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        f"<requestId>00000000-0000-0000-0000-000000000000</requestId>{inside}"
        f"</{operation}Response>"
    ).encode()


def refusal(code: str, message: str) -> bytes:
    """An error of EC2."""
    return (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        "</Errors><RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
    ).encode()
