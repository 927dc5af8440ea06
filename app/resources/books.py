"""What forms may ask of the watches and the queues of events: protocols, as neither is imported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from app.aws.listing import Description
from app.resources.spec import Row


class Watched(Protocol):
    """What forms need to know of a watch."""

    @property
    def id(self) -> str: ...


class Heard(Protocol):
    """What forms need to know of a queue of events that is heard."""

    @property
    def queue_url(self) -> str: ...

    @property
    def rule_name(self) -> str: ...


class HeardBook(Protocol):
    """What forms may ask of those queues (app.watches.event_queues.EventQueues)."""

    def add(
        self, *, account: str, region: str, queue_url: str, queue_arn: str, rule_name: str
    ) -> None: ...

    def remove(self, account: str, region: str) -> None: ...

    def get(self, account: str, region: str) -> Heard | None: ...


class WatchBook(Protocol):
    """What forms may ask of the watches (app.watches.Watches)."""

    @property
    def event_queues(self) -> HeardBook: ...

    def intend(
        self,
        *,
        kind: str,
        request_id: str,
        account: str,
        region: str,
        source_id: str,
        source_name: str,
        description: str,
        topic_arn: str,
        outcomes: Sequence[str],
        late_after: int | None = ...,
        actor: str,
    ) -> str: ...

    def bind(self, watch_id: str, found: Description) -> None: ...

    def abandon(self, watch_id: str, why: str) -> None: ...

    def watch(
        self,
        *,
        kind: str,
        account: str,
        region: str,
        found: Description,
        source_name: str,
        topic_arn: str,
        outcomes: Sequence[str],
        late_after: int | None = ...,
        actor: str,
    ) -> str: ...

    def cancel(self, watch_id: str) -> None: ...

    def of_resource(self, resource_id: str) -> Sequence[Watched]: ...

    def waiting(self, ids: Sequence[str]) -> int: ...

    def rules_by(self, topic_arns: Sequence[str]) -> int: ...

    def topics_used(self, actor: str) -> Sequence[str]: ...

    def usual(self, past: Iterable[Row]) -> float | None: ...
