"""What the console shows: the kinds of resource, in the order of the navigation."""

from __future__ import annotations

from app.resources.images import IMAGE
from app.resources.instances import INSTANCE
from app.resources.key_pairs import KEY_PAIR
from app.resources.queues import QUEUE
from app.resources.security_groups import SECURITY_GROUP
from app.resources.snapshots import SNAPSHOT
from app.resources.spec import Awaited, Resource
from app.resources.topics import TOPIC
from app.resources.volumes import VOLUME

_IN_ORDER = (INSTANCE, IMAGE, VOLUME, SNAPSHOT, KEY_PAIR, SECURITY_GROUP, TOPIC, QUEUE)

RESOURCES: dict[str, Resource] = {resource.kind: resource for resource in _IN_ORDER}
BY_SLUG: dict[str, Resource] = {resource.slug: resource for resource in _IN_ORDER}
AWAITED: dict[str, Awaited] = {
    awaited.kind: awaited for resource in _IN_ORDER for awaited in resource.awaited
}


def kind_of(resource_id: str) -> str:
    """The kind whose ids begin like this one; empty if none does."""
    return next((each.kind for each in _IN_ORDER if resource_id.startswith(each.prefix)), "")
