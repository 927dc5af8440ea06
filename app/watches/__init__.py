"""What Encante waits for: watches, the notices they owe, and how both are kept."""

from __future__ import annotations

from app.watches.event_queues import EventQueue
from app.watches.pace import Pacing
from app.watches.rule_store import Draft, Rule
from app.watches.rules import Rules
from app.watches.store import WatchError
from app.watches.turns_left import TurnsLeft
from app.watches.views import EventView, NoticeView, WatchView
from app.watches.watches import Watches

__all__ = [
    "Draft",
    "EventQueue",
    "EventView",
    "NoticeView",
    "Pacing",
    "Rule",
    "Rules",
    "TurnsLeft",
    "WatchError",
    "WatchView",
    "Watches",
]
