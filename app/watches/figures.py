"""How many watches and notices there are, and how old the oldest of those that wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from app.watches.outcomes import OPEN
from app.watches.tables import notices, watches

UNSENT = ("waiting", "sending", "held")


@dataclass(frozen=True)
class Figures:
    """Watches by state and kind, notices by state; when the oldest was made that waits."""

    watches: Mapping[tuple[str, str], int]
    oldest_pending: datetime | None
    notices: Mapping[str, int]
    oldest_unsent: datetime | None


def figures(connection: Connection) -> Figures:
    """As the database has it now."""
    by_kind = (watches.c.state, watches.c.kind)
    of_watches = select(*by_kind, func.count()).group_by(*by_kind)
    pending = select(func.min(watches.c.made_at)).where(watches.c.state.in_(OPEN))
    of_notices = select(notices.c.state, func.count()).group_by(notices.c.state)
    unsent = select(func.min(notices.c.made_at)).where(notices.c.state.in_(UNSENT))
    return Figures(
        {(row[0], row[1]): row[2] for row in connection.execute(of_watches)},
        connection.scalar(pending),
        {row[0]: row[1] for row in connection.execute(of_notices)},
        connection.scalar(unsent),
    )
