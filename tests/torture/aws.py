"""The endpoint as the one who tortures sees it: what there is, what befalls requests, what came."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from app.aws.listing import Description
from tests.bench.served import program
from tests.torture.endpoint import ACCOUNT, REGIONS
from tests.torture.faults import Fault
from tests.torture.world import Published, moment

_DIRECT = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class Told:
    """The endpoint's account: what was published, which processes it struck, what it was asked.

    ``ended``: when each snapshot ended (seconds since 1970), and as what. ``created``: for which
    request id each was made that CreateSnapshot made.
    """

    published: Sequence[Published]
    struck: Sequence[Mapping[str, Any]]
    calls: Mapping[str, int]
    ended: Mapping[str, tuple[float, str]]
    created: Mapping[str, str]

    def times(self) -> Counter[str]:
        """How often each notice was published."""
        return Counter(each.notice_id for each in self.published)


@dataclass(frozen=True)
class Aws:
    """A running endpoint."""

    url: str

    def environment(self, process: int = 0) -> dict[str, str]:
        """What a console needs to talk to it; ``process``: whom the endpoint is to kill."""
        return {
            "ENCANTE_AWS": "aws",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIATORTURE",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_REGION": REGIONS[0],
            "AWS_SDK_UA_APP_ID": str(process),
            "NO_PROXY": "127.0.0.1",
        }

    def make(self, snapshots: Sequence[Mapping[str, Any]]) -> list[Description]:
        """Make snapshots: ``id`` and ``region``, and what else of ``world.Snapshot`` is wanted.

        They are pending for ever unless given ``ends_at``. Returns what CreateSnapshot would.
        """
        self._ask("make", list(snapshots))
        return [_description(**each) for each in snapshots]

    def end(self, ids: Sequence[str], state: str = "completed", at: float = 0.0) -> None:
        """Have snapshots end at ``at``, or now, as ``completed``, ``error`` or ``deleted``."""
        self._ask("end", {"ids": ids, "state": state, "at": at})

    def faults(self, *faults: Fault) -> None:
        """What befalls requests from now on, in place of what did."""
        self._ask("faults", [asdict(each) for each in faults])

    def called(self, operation: str) -> list[float]:
        """When an operation was asked for (seconds since 1970)."""
        found: list[float] = self._ask("called", operation)
        return found

    def reset(self) -> None:
        """Forget everything: an endpoint as it was at its start."""
        self._ask("reset")

    def told(self) -> Told:
        """Its account so far."""
        found = self._ask("told")
        published = [Published(**each) for each in found.pop("published")]
        ended = {name: (at, state) for name, (at, state) in found.pop("ended").items()}
        return Told(published, ended=ended, **found)

    def _ask(self, page: str, body: Any = None) -> Any:
        asked = Request(f"{self.url}/_fake/{page}", data=json.dumps(body).encode(), method="POST")
        with _DIRECT.open(asked, timeout=60) as answer:
            return json.load(answer)


def _description(
    id: str, region: str, volume_id: str = "vol-00000000000000001", **more: Any
) -> Description:
    return {
        "SnapshotId": id,
        "VolumeId": volume_id,
        "OwnerId": ACCOUNT,
        "State": "pending",
        "Progress": "0%",
        "Description": more.get("description", ""),
        "Tags": [{"Key": key, "Value": value} for key, value in more.get("tags", {}).items()],
        "VolumeSize": more.get("size", 8),
        "StartTime": moment(more["started_at"]) if "started_at" in more else None,
    }


@contextmanager
def endpoint() -> Iterator[Aws]:
    """An endpoint in a process of its own."""
    with program("tests.torture.endpoint") as out:
        yield Aws(out.readline().strip())
