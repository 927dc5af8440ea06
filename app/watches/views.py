"""What the pages show of watches and notices: frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.resources import AWAITED
from app.resources.spec import LATE, Awaited, StateClass
from app.watches.facts import lasting
from app.watches.lateness import limit_of
from app.watches.outcomes import OPEN

_CLASSES: dict[str, StateClass] = {
    "intended": "changing",
    "waiting": "changing",
    "sending": "changing",
    "sent": "ok",
    "held": "failed",
    "parked": "failed",
    "given-up": "off",
    "abandoned": "off",
    "cancelled": "off",
}
UNSENT = ("waiting", "sending", "held", "parked")


@dataclass(frozen=True)
class NoticeView:
    """One message owed. ``state``: waiting, sending, sent; held or parked until a person decides;
    given-up when one did.

    ``due_at``: the next try, or when the running one is given up. ``uncertain``: how many tries
    may have been delivered although nobody could say so. ``error`` and ``advice``: what the last
    try came to, in words; empty when it went well.
    """

    id: str
    watch_id: str | None
    account: str
    region: str
    kind: str
    resource_id: str
    outcome: str
    topic_arn: str
    subject: str
    message: str
    structure: str
    state: str
    made_at: datetime
    reached_at: datetime | None
    due_at: datetime
    attempts: int
    uncertain: int
    last_tried_at: datetime | None
    error_code: str
    error: str
    advice: str
    sent_at: datetime | None
    sns_message_id: str

    @property
    def state_class(self) -> StateClass:
        """For the badge: a waiting one that was tried in vain has failed so far."""
        return "failed" if self.state == "waiting" and self.error else _CLASSES[self.state]

    @property
    def is_unsent(self) -> bool:
        """Whether it is still to be sent, or a person to decide; not if it was given up."""
        return self.state in UNSENT

    @property
    def can_retry(self) -> bool:
        """Whether ``Watches.retry`` has something to do."""
        tried = self.attempts > 0 or self.error != ""
        decided = self.state in {"parked", "held", "given-up"}
        return decided or (self.state == "waiting" and tried)

    @property
    def can_give_up(self) -> bool:
        """Whether ``Watches.give_up`` is allowed."""
        in_trouble = self.state == "waiting" and self.error != ""
        return self.state in {"parked", "held"} or in_trouble

    @property
    def can_settle(self) -> bool:
        """Whether a person may say that it has arrived: a try of it is in doubt."""
        return self.uncertain > 0 and self.state in {"held", "parked", "waiting"}


@dataclass(frozen=True)
class EventView:
    """Something that happened to a watch, in words.

    ``kind``: made, bound, state, progress, owed, sent, trouble, retried, given-up, cancelled,
    abandoned or ended.
    """

    at: datetime
    kind: str
    text: str
    notice_id: str | None


@dataclass(frozen=True)
class WatchView:
    """A watch with its notices and, from ``Watches.get`` only, its events, oldest first.

    ``state``: intended, waiting, abandoned, cancelled, or the outcome that ended it. ``passed``:
    outcomes that were reached and did not end it. ``late_after``: in seconds; None: three times
    what is usual. ``expected``: the estimate of when it will be done. ``last_error``: why AWS
    could not be asked last time; empty when it could.
    """

    id: str
    account: str
    region: str
    kind: str
    resource_id: str | None
    source_id: str
    source_name: str
    description: str
    topic_arn: str
    outcomes: tuple[str, ...]
    passed: tuple[str, ...]
    late_after: int | None
    expected: Mapping[str, Any] | None
    actor: str
    rule_id: str | None
    occasion: str
    state: str
    made_at: datetime
    ended_at: datetime | None
    aws_state: str
    progress: str
    state_message: str
    started_at: datetime | None
    completed_at: datetime | None
    size_gib: int | None
    polls: int
    last_polled_at: datetime | None
    absent_since: datetime | None
    last_error: str
    notices: tuple[NoticeView, ...] = ()
    events: tuple[EventView, ...] = ()

    @property
    def awaited(self) -> Awaited:
        """What it waits for."""
        return AWAITED[self.kind]

    @property
    def state_class(self) -> StateClass:
        """For the badge."""
        return _CLASSES.get(self.state) or self.class_of(self.state)

    def class_of(self, outcome: str) -> StateClass:
        """For the badge of an outcome."""
        known = (each.state_class for each in self.awaited.outcomes if each.name == outcome)
        return next(known, "changing")

    @property
    def reached(self) -> tuple[str, ...]:
        """The outcomes that were reached, whether they were to be told or not."""
        ending = [each.name for each in self.awaited.outcomes if each.name == self.state]
        return tuple(dict.fromkeys([*self.passed, *ending]))

    @property
    def late_words(self) -> str:
        """When it is late, in words; empty if nobody wants to know."""
        if LATE not in self.outcomes:
            return ""
        limit = limit_of({"late_after": self.late_after, "expected": self.expected})
        if limit is None:
            return "never: nothing is known of what is usual, and no limit was set"
        usual = ", three times what is usual" if self.late_after is None else ""
        return f"after {lasting(limit)}{usual}"

    @property
    def is_open(self) -> bool:
        """Whether the promise is still to be kept: something to wait for, or to send."""
        return self.state in OPEN or any(notice.is_unsent for notice in self.notices)

    @property
    def can_cancel(self) -> bool:
        """Whether ``Watches.cancel`` is allowed."""
        return self.state == "waiting"
