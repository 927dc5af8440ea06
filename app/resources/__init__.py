"""What the console shows: the kinds of resource, in the order of the navigation."""

from __future__ import annotations

from app.resources.snapshots import SNAPSHOT
from app.resources.spec import Resource

RESOURCES: dict[str, Resource] = {resource.kind: resource for resource in (SNAPSHOT,)}
BY_SLUG: dict[str, Resource] = {resource.slug: resource for resource in RESOURCES.values()}
