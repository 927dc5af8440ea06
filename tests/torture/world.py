"""What the endpoint holds: snapshots that end when they were told to, and what was published.

It outlives every process that is killed, so its account of what was really published is the truth.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from xml.sax.saxutils import escape

REQUEST_TAG = "encante:request"
CREATED_SECONDS = (1.0, 5.0)
FIFO_SECONDS = 300.0  # for so long a FIFO topic knows a deduplication id


@dataclass
class Snapshot:
    """A snapshot: ``pending`` until ``ends_at`` (seconds since 1970), then ``ends_as``.

    That is ``completed``, ``error`` or ``deleted``: the latter is in no answer any more.
    """

    id: str
    account: str
    region: str
    volume_id: str = "vol-00000000000000001"
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    size: int = 8
    started_at: float = 0.0
    ends_at: float = float("inf")
    ends_as: str = "completed"
    _drawn: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        self.started_at = self.started_at or time.time()
        tags = "".join(
            f"<item><key>{escape(key)}</key><value>{escape(value)}</value></item>"
            for key, value in self.tags.items()
        )
        self._drawn = (
            f"<snapshotId>{self.id}</snapshotId><volumeId>{self.volume_id}</volumeId>"
            f"<startTime>{moment(self.started_at)}</startTime><ownerId>{self.account}</ownerId>"
            f"<volumeSize>{self.size}</volumeSize>"
            f"<description>{escape(self.description)}</description>",
            f"<tagSet>{tags}</tagSet><encrypted>false</encrypted>"
            "<storageTier>standard</storageTier>",
        )

    def state(self, now: float) -> str:
        """What it is at this moment."""
        return self.ends_as if now >= self.ends_at else "pending"

    def xml(self, now: float) -> str:
        """What an answer says of it (of CreateSnapshot, and in ``<item>`` of DescribeSnapshots)."""
        state = self.state(now)
        head, tail = self._drawn
        ended = ""
        if state == "completed":
            ended = f"<completionTime>{moment(self.ends_at)}</completionTime>"
        elif state == "error":
            ended = "<statusMessage>An internal error occurred</statusMessage>"
        progress = f"<progress>{self._progress(now)}%</progress>"
        return f"{head}<status>{state}</status>{progress}{ended}{tail}"

    def _progress(self, now: float) -> int:
        if now >= self.ends_at:
            return 100
        passed, whole = now - self.started_at, self.ends_at - self.started_at
        return int(99 * max(0.0, passed) / whole) if whole > 0 else 0


def moment(seconds: float) -> str:
    """A time as EC2 writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


@dataclass(frozen=True)
class Published:
    """One Publish whose deed was done. ``delivered``: not when a FIFO topic knew it already."""

    notice_id: str
    topic_arn: str
    resource_id: str
    outcome: str
    at: float
    message_id: str
    delivered: bool
    process: int
    subject: str
    message: str


class World:
    """All accounts and regions of the endpoint."""

    def __init__(self) -> None:
        self.snapshots: dict[tuple[str, str], dict[str, Snapshot]] = defaultdict(dict)
        self.published: list[Published] = []
        self.created: dict[str, str] = {}
        self.struck: list[dict[str, Any]] = []
        self.called_at: dict[str, list[float]] = defaultdict(list)
        self._deduplicated: dict[tuple[str, str], tuple[float, str]] = {}
        self._numbers = count(1)

    def add(self, snapshot: Snapshot) -> None:
        """A snapshot is being made."""
        self.snapshots[snapshot.account, snapshot.region][snapshot.id] = snapshot

    def create(
        self, account: str, region: str, volume: str, told: str, tags: Mapping[str, str]
    ) -> Snapshot:
        """Do what CreateSnapshot does; what it makes ends after CREATED_SECONDS."""
        snapshot_id = f"snap-fffff{next(self._numbers):012x}"
        snapshot = Snapshot(snapshot_id, account, region, volume, told, tags)
        snapshot.ends_at = time.time() + random.uniform(*CREATED_SECONDS)
        self.add(snapshot)
        self.created[snapshot_id] = tags.get(REQUEST_TAG, "")
        return snapshot

    def end(self, ids: Iterable[str], state: str, at: float) -> None:
        """Have snapshots end in ``state`` at ``at``."""
        chosen = set(ids)
        for each in self.all():
            if each.id in chosen:
                each.ends_at, each.ends_as = at, state

    def all(self) -> list[Snapshot]:
        """Every snapshot there ever was."""
        return [each for place in self.snapshots.values() for each in place.values()]

    def find(self, account: str, region: str, wanted: Mapping[str, list[str]]) -> list[Snapshot]:
        """The snapshots that pass all filters, by the names that EC2 gives these."""
        now, here = time.time(), self.snapshots[account, region]
        if "snapshot-id" in wanted:
            found = [here[each] for each in wanted["snapshot-id"] if each in here]
        else:
            found = list(here.values())
        found = [each for each in found if each.state(now) != "deleted"]
        for name, values in wanted.items():
            found = [each for each in found if _passes(each, name, values, now)]
        return found

    def publish(self, topic_arn: str, fields: Mapping[str, str], process: int) -> str:
        """Do what Publish does; returns the message id."""
        now, attributes = time.time(), _attributes(fields)
        key = (topic_arn, fields.get("MessageDeduplicationId", ""))
        first_at, message_id = self._deduplicated.get(key, (0.0, ""))
        known = topic_arn.endswith(".fifo") and first_at > now - FIFO_SECONDS
        if not known:
            message_id = f"m-{len(self.published) + 1}"
            self._deduplicated[key] = (now, message_id)
        self.published.append(
            Published(
                notice_id=attributes.get("notice_id", ""),
                topic_arn=topic_arn,
                resource_id=attributes.get("resource_id", ""),
                outcome=attributes.get("outcome", ""),
                at=now,
                message_id=message_id,
                delivered=not known,
                process=process,
                subject=fields.get("Subject", ""),
                message=fields["Message"],
            )
        )
        return message_id

    def told(self) -> dict[str, Any]:
        """Everything, as JSON has it: see ``aws.Told``."""
        now = time.time()
        ended = {
            each.id: [each.ends_at, each.ends_as] for each in self.all() if now >= each.ends_at
        }
        return {
            "published": [asdict(each) for each in self.published],
            "struck": self.struck,
            "calls": {name: len(times) for name, times in self.called_at.items()},
            "ended": ended,
            "created": self.created,
        }


def _passes(snapshot: Snapshot, name: str, values: list[str], now: float) -> bool:
    if name.startswith("tag:"):
        return snapshot.tags.get(name.removeprefix("tag:")) in values
    held = {
        "snapshot-id": snapshot.id,
        "volume-id": snapshot.volume_id,
        "status": snapshot.state(now),
    }
    return held[name] in values


def _attributes(fields: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for number in count(1):
        entry = f"MessageAttributes.entry.{number}"
        if f"{entry}.Name" not in fields:
            break
        found[fields[f"{entry}.Name"]] = fields.get(f"{entry}.Value.StringValue", "")
    return found
