"""The sender: one step claims one notice, publishes it, and writes what came of it.

The claim (a lease and a fence) is committed before SNS is called. A sender that dies in between
leaves a lease that ends; the notice is then tried again, with the same id. SNS does not
deduplicate on standard topics, so between its deed and our commit exactly once is impossible:
what is promised is never lost, and twice only after a crash or a lost answer.
"""

from __future__ import annotations

import random
import threading
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from sqlalchemy import Engine, and_, select, update

from app.aws.accounts import Accounts
from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.topics import account_of, region_of
from app.watches.messages import harmless, publish_parameters
from app.watches.rows import Record, any_row, tell
from app.watches.tables import is_due, notices

# One attempt takes at most some 20 s (3 s to connect to each address, 10 s for the answer).
LEASE = timedelta(seconds=45)
SELDOM = timedelta(minutes=15)
_FIRST_DELAY, _LONGEST_DELAY = 2.0, 120.0  # seconds
_log = structlog.get_logger(__name__)

Course = Literal["soon", "seldom", "park"]


def course(error: AwsError) -> Course:
    """What a failed Publish leads to.

    ``park``: SNS does not take these parameters, and will not the next time either. ``seldom``:
    the topic is gone, or we may not publish to it, until somebody mends that. ``soon``: all else.
    """
    if error.code.startswith(("InvalidParameter", "ParamValidation")):
        return "park"
    if error.trouble in {"missing", "refused", "invalid", "unsupported", "conflict"}:
        return "seldom"
    return "soon"


class Sender:
    """Publishes notices."""

    def __init__(self, engine: Engine, accounts: Accounts) -> None:
        self._engine = engine
        self._accounts = accounts
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping.set()

    def send(self, now: datetime) -> bool:
        """One step; False when no notice was due."""
        notice = None if self._stopping.is_set() else self._claim(now)
        if notice is None:
            return False
        region = region_of(notice["topic_arn"])  # which may not be the snapshot's
        call = Call("sns", "Publish", region, publish_parameters(notice))
        try:
            answer = call.run(self._clients(notice))
        except AwsError as error:
            self._failed(notice, error, now)
        else:
            self._sent(notice, str(answer.get("MessageId", "")), now)
        return True

    def _clients(self, notice: Record) -> Clients:
        """The topic's own account's, or where that is not configured those of the watch's."""
        account = account_of(notice["topic_arn"])
        known = self._accounts.get(account) is not None
        return self._accounts.clients(account if known else notice["account"])

    def _claim(self, now: datetime) -> Record | None:
        claimable = and_(notices.c.state.in_(("waiting", "sending")), is_due(notices, now))
        query = select(notices).where(claimable).order_by(notices.c.due_at, notices.c.id).limit(1)
        if not any_row(self._engine, query):
            return None
        with self._engine.begin() as connection:
            found = connection.execute(query.with_for_update(skip_locked=True)).mappings()
            notice = found.one_or_none()
            if notice is None:
                return None
            values = {
                "state": "sending",
                "fence": notice["fence"] + 1,
                "attempts": notice["attempts"] + 1,
                "due_at": now + LEASE,
                "due_set_at": now,
                "last_tried_at": now,
            }
            if notice["state"] == "sending":
                values["uncertain"] = notice["uncertain"] + 1
                text = "The try before ended without a word, so it may have been delivered. Again."
                tell(connection, notice["watch_id"], now, "trouble", text, notice["id"])
            connection.execute(update(notices).where(notices.c.id == notice["id"]).values(values))
            claimed = select(notices).where(notices.c.id == notice["id"])
            return dict(connection.execute(claimed).mappings().one())

    def _sent(self, notice: Record, message_id: str, now: datetime) -> None:
        text = f"Published: {notice['subject']}. SNS message id {message_id}."
        values = {
            "state": "sent",
            "sent_at": now,
            "sns_message_id": message_id,
            "error_code": "",
            "error": "",
            "advice": "",
        }
        self._finish(notice, values, now, "sent", text)
        _log.info("notice sent", notice=notice["id"], message_id=message_id)

    def _failed(self, notice: Record, error: AwsError, now: datetime) -> None:
        way = course(error)
        delay = SELDOM if way == "seldom" else _growing(notice["attempts"])
        values: dict[str, Any] = {
            "state": "parked" if way == "park" else "waiting",
            "due_at": now + delay,
            "due_set_at": now,
            "error_code": harmless(error.code, 200),
            "error": harmless(error.message),
            "advice": harmless(_ADVICE[way] if way != "soon" else error.advice),
        }
        if error.may_have_happened:
            values["uncertain"] = notice["uncertain"] + 1
            values["advice"] = _UNCERTAIN
        text = f"{error.code}: {error.message} {values['advice']}"
        # Only what is new is told; the notice itself counts its tries.
        kind = "trouble" if error.code != notice["error_code"] else ""
        self._finish(notice, values, now, kind, harmless(text))
        _log.warning("notice not sent", notice=notice["id"], code=error.code, course=way)

    def _finish(
        self, notice: Record, values: dict[str, Any], now: datetime, kind: str, text: str
    ) -> None:
        """Write what came of a claim, if the claim still holds."""
        mine = and_(notices.c.id == notice["id"], notices.c.fence == notice["fence"])
        with self._engine.begin() as connection:
            held = connection.execute(update(notices).where(mine).values(values)).rowcount == 1
            if not held:
                kind, text = "trouble", f"Too late to count, another try is under way. {text}"
            if kind:
                tell(connection, notice["watch_id"], now, kind, text, notice["id"])


_ADVICE = {
    "park": "SNS will not take this message as it is, so it waits for somebody to try it again.",
    "seldom": "It is kept and tried every 15 minutes. Make the topic again or permit "
    "sns:Publish on it, and it goes out by itself.",
}
_UNCERTAIN = (
    "The answer was lost, so it may have been delivered. It is sent again, with the same id."
)


def _growing(attempts: int) -> timedelta:
    longest = min(_FIRST_DELAY * 2.0 ** min(attempts - 1, 30), _LONGEST_DELAY)
    return timedelta(seconds=longest * random.uniform(0.5, 1))
