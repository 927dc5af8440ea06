"""The sender: claims notices that are due and publishes them, one after another.

SNS does not deduplicate on standard topics, so between its deed and our commit exactly once is
impossible. What is promised: none is lost; none is published twice unless a process dies or an
answer gets lost, and then that one notice only, with the same id.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine

from app.aws.accounts import Accounts
from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.topics import account_of, region_of
from app.watches import claims, lanes, verdicts
from app.watches.harmless import harmless
from app.watches.lookout import when_uncertain
from app.watches.messages import publish_parameters
from app.watches.rows import Record, event, tell_of

BATCH_SECONDS = 5.0  # then what is left of a claim is given back: others may be free
# What Publish may take. Who has less left of the lease might publish what is taken over already.
NEEDED_SECONDS = 12.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Try:
    """A notice that is being published, since ``begun`` (by the steady clock)."""

    notice: Record
    begun: float


@dataclass(frozen=True)
class Done:
    """What came of a try: SNS's message id, or an error; neither if it was not made at all."""

    notice: Record
    message_id: str = ""
    error: AwsError | None = None

    @property
    def made(self) -> bool:
        """Whether SNS was asked."""
        return bool(self.message_id or self.error)


@dataclass(frozen=True)
class Outcome:
    """What was written of a try: the notice's state, and the lane that is in trouble, if any."""

    state: str
    lane: lanes.Lane | None = None


SENT = Outcome("sent")


class Sender:
    """Publishes notices. For one thread; any number of processes may have one each.

    ``clock`` tells the time, ``steady`` seconds that nobody can set; ``heard`` is told how long
    after its outcome was reached a notice was published, in seconds.
    """

    def __init__(
        self,
        engine: Engine,
        accounts: Accounts,
        owner: str,
        clock: Callable[[], datetime],
        steady: Callable[[], float],
        heard: Callable[[float], None],
    ) -> None:
        self._engine = engine
        self._accounts = accounts
        self._owner = owner
        self._clock = clock
        self._steady = steady
        self._heard = heard
        self._stopping = threading.Event()
        self._publishing = threading.Lock()
        # What is done but could not be written yet; and whether rows may bear our name.
        self._unwritten: Done | None = None
        self._untidy = False

    def stop(self) -> None:
        """Publish nothing more; returns at once."""
        self._stopping.set()

    def send(self, now: datetime) -> bool:
        """Publish up to 50 notices; False when none was due. Raises what the database does."""
        with self._publishing:
            return self._send(now)

    def finish(self) -> None:
        """After ``stop``: tidy up, unless a notice is still being published."""
        if self._publishing.acquire(blocking=False):
            try:
                self._tidy()
            finally:
                self._publishing.release()

    def _send(self, now: datetime) -> bool:
        self._tidy()
        if self._stopping.is_set() or not claims.any_due(self._engine, now):
            return False
        self._untidy = True
        with self._engine.connect() as connection:  # one for all, as each costs PostgreSQL a word
            claimed = self._send_batch(connection, now)
        self._tidy()
        return claimed > 0

    def _send_batch(self, connection: Connection, now: datetime) -> int:
        """Claim and publish; returns how many were claimed."""
        began = self._steady()
        with connection.begin():
            batch = deque(claims.take(connection, self._owner, now))
            claimed = len(batch)
            running = self._begin(connection, batch)
        _log.info("notices claimed", count=claimed)
        while running is not None:
            self._unwritten = done = self._publish(running)
            running = self._go_on(connection, done, batch, began)
        return claimed

    def _tidy(self) -> None:
        """Write what could not be written, and give back what is claimed.

        Before anything else is done: what was published must not be published again because the
        database was away when that was to be written down.
        """
        if not self._untidy:
            return
        done, outcome = self._unwritten, None
        with self._engine.begin() as connection:
            if done is not None:
                outcome = self._write(connection, done)
            claims.release(connection, self._owner, self._clock())
        self._unwritten, self._untidy = None, False
        if done is not None and outcome is not None:
            self._report(done, outcome)

    def _begin(self, connection: Connection, batch: deque[Record]) -> Try | None:
        """Commit to publish the next of the claimed notices that still may be published."""
        while batch:
            notice, begun, now = batch.popleft(), self._steady(), self._clock()
            if verdicts.may_publish(notice, now):
                if claims.begin(connection, notice, now):
                    return Try({**notice, "last_tried_at": now}, begun)
                continue  # the claim holds no more
            verdict = verdicts.too_late(now)
            if notice["probes"]:
                lanes.ask_again(connection, notice, now)  # by another one
            if claims.change(connection, notice, verdict.values, "waiting"):
                tell_of(connection, notice, now, "trouble", verdict.told)
                _log.warning("notice held", **_named(notice))
        return None

    def _publish(self, running: Try) -> Done:
        notice = running.notice
        left = claims.LEASE.total_seconds() - (self._steady() - running.begun)
        if left < NEEDED_SECONDS:
            _log.warning("notice not tried, too little of its lease is left", **_named(notice))
            return Done(notice)
        _log.info("notice publishing", **_named(notice))
        region = region_of(notice["topic_arn"])  # which may not be the resource's
        try:
            call = Call("sns", "Publish", region, publish_parameters(notice))
            answer = call.run(self._clients(notice))
        except AwsError as error:
            return Done(notice, error=error)
        return Done(notice, harmless(answer.get("MessageId") or "unknown", 100))

    def _clients(self, notice: Record) -> Clients:
        """The topic's own account's, or where that is not configured those of the watch's."""
        account = account_of(notice["topic_arn"])
        known = self._accounts.get(account) is not None
        return self._accounts.clients(account if known else notice["account"])

    def _go_on(
        self, connection: Connection, done: Done, batch: deque[Record], began: float
    ) -> Try | None:
        """Write what came of a try, and begin the next in the same transaction."""
        over = self._stopping.is_set() or self._steady() - began > BATCH_SECONDS
        following, outcome = None if over else self._at_once(connection, done, batch), SENT
        if following is None:
            with connection.begin():
                outcome = self._write(connection, done)
                _leave_out(batch, outcome.lane)
                if done.made and not over:
                    following = self._begin(connection, batch)
        self._unwritten = None
        self._report(done, outcome)
        return following

    def _at_once(self, connection: Connection, done: Done, batch: deque[Record]) -> Try | None:
        """Write both in one statement, if there is nothing to either but the usual."""
        last, begun, now = done.notice, self._steady(), self._clock()
        usual = done.message_id and last["watch_id"] and not (last["error_code"] or last["probes"])
        if not (usual and batch and verdicts.may_publish(batch[0], now)):
            return None
        told = event(last["watch_id"], now, "sent", _published(done), last["id"])
        if not claims.go_on(connection, last, done.message_id, told, batch[0], now):
            return None
        return Try({**batch.popleft(), "last_tried_at": now}, begun)

    def _write(self, connection: Connection, done: Done) -> Outcome:
        """Write what came of a try, if it is still ours."""
        now = self._clock()
        if not done.made:
            return Outcome("given back")
        if done.error is None:
            return self._sent(connection, done, now)
        return self._failed(connection, done.notice, done.error, now)

    def _sent(self, connection: Connection, done: Done, now: datetime) -> Outcome:
        notice = done.notice
        text = _published(done)
        if not claims.sent(connection, notice, done.message_id, now):
            return self._too_late(connection, notice, "sent", text, now)
        tell_of(connection, notice, now, "sent", text)
        if notice["error_code"]:
            claims.bring_on(connection, notice, now)
        if notice["probes"]:
            lanes.heal(connection, notice)
        return SENT

    def _failed(
        self, connection: Connection, notice: Record, error: AwsError, now: datetime
    ) -> Outcome:
        policy = when_uncertain(connection, notice["topic_arn"])
        verdict = verdicts.failed(notice, error, policy, now)
        if not claims.change(connection, notice, verdict.values):
            return self._too_late(connection, notice, verdict.state, str(error), now)
        if verdict.told:
            tell_of(connection, notice, now, "trouble", verdict.told)
        if verdict.of_topic:
            claims.put_off(connection, notice, verdict.values)
        lane = lanes.lane_in(notice, error) if verdict.of_lane else None
        if lane:
            lanes.fail(connection, lane, error, verdict.values["due_at"] - now, now)
        elif notice["probes"]:
            lanes.heal(connection, notice)  # SNS is there: it has refused this one
        return Outcome(verdict.state, lane)

    def _too_late(
        self, connection: Connection, notice: Record, state: str, text: str, now: datetime
    ) -> Outcome:
        if claims.is_still(connection, notice):
            return Outcome(state)  # it was written before, though the database's answer got lost
        text = harmless(f"Too late to count, another try is under way. {text}")
        tell_of(connection, notice, now, "trouble", text)
        return Outcome("too late")

    def _report(self, done: Done, outcome: Outcome) -> None:
        """Tell the log, once it is written."""
        named = {**_named(done.notice), "state": outcome.state}
        if outcome.state == "sent":
            reached = done.notice["reached_at"] or done.notice["made_at"]
            self._heard((self._clock() - reached).total_seconds())
            _log.info("notice sent", **named, message_id=done.message_id)
        else:
            what = "notice held" if outcome.state == "held" else "notice not sent"
            code = done.error.code if done.error else ""
            _log.warning(what, **named, code=code)


def _published(done: Done) -> str:
    return f"Published: {done.notice['subject']}. SNS message id {done.message_id}."


def _leave_out(batch: deque[Record], lane: lanes.Lane | None) -> None:
    """Take from the batch what goes that way: it would fail as well."""
    if lane is not None:
        kept = [each for each in batch if lane not in lanes.lanes_of(each)]
        batch.clear()
        batch.extend(kept)


def _named(notice: Record) -> dict[str, str]:
    names = {"notice": "id", "watch": "watch_id", "account": "account", "region": "region"}
    return {name: notice[column] for name, column in names.items()}
