"""What EventBridge puts into a queue, read for the ids of what something has happened to.

Nothing else of a message is believed: it may be late, come twice or be forged. So it need not even
be whole, and what cannot be read is no more than a message that tells nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from app.aws.events import TOLD

LONGEST = 1024 * 1024  # characters, which is more than SQS carries
_ID = re.compile(r"(?:.*/)?((?:snap|vol|ami|i)-[0-9a-f]{8,17})", re.ASCII)
# Where the detail of an event names the resource, as an id or as an ARN.
_NAMES = ("snapshot_id", "instance-id", "ImageId", "source")
_SEVERAL = "snapshots"  # of CreateSnapshots: a list of details


def ids_in(body: str) -> frozenset[str]:
    """The ids of the resources that an event is about; none if it is no event of ours."""
    if len(body) > LONGEST:
        return frozenset()
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return frozenset()
    if not isinstance(event, dict) or event.get("detail-type") not in TOLD:
        return frozenset()
    found = (_ID.fullmatch(text) for text in _named(event))
    return frozenset(match[1] for match in found if match)


def _named(event: dict[str, Any]) -> Iterator[str]:
    """The texts in an event that may be an id, or an ARN with it."""
    resources, detail = event.get("resources"), event.get("detail")
    if isinstance(resources, list):
        yield from (each for each in resources if isinstance(each, str))
    if isinstance(detail, dict):
        several = detail.get(_SEVERAL)
        for part in (detail, *(several if isinstance(several, list) else ())):
            if isinstance(part, dict):
                named = (part.get(name) for name in _NAMES)
                yield from (each for each in named if isinstance(each, str))
