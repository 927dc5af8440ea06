"""What a person decides of a notice: to try it again, or that it has arrived."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from app.watches import lanes
from app.watches.harmless import harmless
from app.watches.rows import Record, tell_of
from app.watches.store import WatchError
from app.watches.tables import notices

# That what was in doubt is in doubt no more: somebody has taken it upon himself.
_DECIDED = {"uncertain_since": None, "error_code": "", "error": "", "advice": ""}


def retry(connection: Connection, notice_id: str, now: datetime) -> None:
    """See ``Watches.retry``."""
    notice = _require(connection, notice_id)
    if notice["state"] not in {"parked", "waiting", "held"}:
        raise WatchError(f"The notice {notice_id} is {notice['state']}; there is no need.")
    values = {"state": "waiting", "due_at": now, "due_set_at": now}
    values |= _DECIDED if notice["state"] == "held" else {}
    _change(connection, notice, values)
    lanes.ask_again(connection, notice, now)
    tell_of(connection, notice, now, "retried", "A person asked to try again now.")


def settle(connection: Connection, notice_id: str, actor: str, now: datetime) -> None:
    """See ``Watches.settle``."""
    notice = _require(connection, notice_id)
    if notice["state"] not in {"held", "waiting", "parked"} or not notice["uncertain"]:
        raise WatchError(
            f"The notice {notice_id} is {notice['state']}, and no try of it is in doubt."
        )
    _change(connection, notice, {**_DECIDED, "state": "sent", "sent_at": now})
    tell_of(connection, notice, now, "settled", f"{harmless(actor)} says that it has arrived.")


def _require(connection: Connection, notice_id: str) -> Record:
    query = select(notices).where(notices.c.id == notice_id).with_for_update()
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise WatchError(f"There is no notice {notice_id}.", "notice_id")
    return dict(found)


def _change(connection: Connection, notice: Record, values: dict[str, object]) -> None:
    # A claim on it ends: whoever holds that goes by what the notice was before.
    claim = {"owner": "", "fence": notice["fence"] + 1}
    connection.execute(
        update(notices).where(notices.c.id == notice["id"]).values({**values, **claim})
    )
