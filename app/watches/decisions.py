"""What a person decides of a notice: to try it again, that it has arrived, or to give it up."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from app.watches import lanes
from app.watches.facts import moment
from app.watches.harmless import harmless
from app.watches.rows import Record, tell_of
from app.watches.store import WatchError
from app.watches.tables import notices

WHY_CHARACTERS = 300
# That what was in doubt is in doubt no more: somebody has taken it upon himself.
_DECIDED = {"uncertain_since": None, "error_code": "", "error": "", "advice": ""}


def retry(connection: Connection, notice_id: str, now: datetime) -> None:
    """See ``Watches.retry``."""
    notice = _require(connection, notice_id)
    if notice["state"] not in {"parked", "waiting", "held", "given-up"}:
        raise WatchError(f"The notice {notice_id} is {notice['state']}; there is no need.")
    values = {"state": "waiting", "due_at": now, "due_set_at": now}
    values |= _DECIDED if notice["state"] in {"held", "given-up"} else {}
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


def give_up(connection: Connection, notice_id: str, actor: str, why: str, now: datetime) -> None:
    """See ``Watches.give_up``."""
    reason = harmless(why.strip(), WHY_CHARACTERS)
    if not reason:
        raise WatchError("Say why it is given up: others will ask.", "why")
    notice = _require(connection, notice_id)
    in_trouble = notice["state"] == "waiting" and notice["error"]
    if notice["state"] not in {"parked", "held"} and not in_trouble:
        raise WatchError(f"The notice {notice_id} is {notice['state']}, and nothing is wrong.")
    told = f"{harmless(actor)} gave it up: {reason}"
    # Who looks later sees it on the notice itself: a test has no history.
    values = {"state": "given-up", "due_set_at": now, "advice": f"{moment(now)}: {told}"}
    _change(connection, notice, values)
    tell_of(connection, notice, now, "given-up", told)


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
