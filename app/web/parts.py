"""What stands in the parts of a resource's page that only its kind has (``<slug>/part.html``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.resources.deliveries import doubts
from app.resources.spec import Row
from app.watches.notices import FOR_A_PERSON, NoticeQuery
from app.web.context import accounts, house, inventory, watches

_SHOWN = 100


def part_of(row: Row) -> Any:
    """What the template of its kind needs besides the row; None for most kinds."""
    tell = _PARTS.get(row.kind)
    return tell(row) if tell and not row.gone else None


def _of_topic(row: Row) -> dict[str, Any]:
    settings = house().watches.topic_settings
    own = [account.id for account in accounts().all()]
    decide = NoticeQuery(FOR_A_PERSON, row.id)
    return {
        "doubts": doubts(row, inventory(), own),
        "own": settings.own(row.id) is not None,
        "settings": settings.of(row.id),
        "person": len(watches().notices.ids(decide, _SHOWN)),
    }


_PARTS: dict[str, Callable[[Row], Any]] = {"topic": _of_topic}
