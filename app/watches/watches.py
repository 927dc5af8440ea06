"""Watches: the one thing that the rest of the console needs of this room."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from sqlalchemy import Engine

from app import db
from app.aws.accounts import Accounts
from app.aws.listing import Description
from app.inventory.bounds import Bounds
from app.resources.spec import Row
from app.watches import decisions
from app.watches.estimates import durations, estimate
from app.watches.event_queues import EventQueues
from app.watches.hurry import Hurry
from app.watches.knowledge import Knowledge, Past
from app.watches.lookout import Lookout, steady
from app.watches.notices import NoticeBook, NoticeReader
from app.watches.pace import Pacing
from app.watches.poller import Learn, Poller
from app.watches.reading import Reading
from app.watches.record import Patience, Recorder
from app.watches.sender import Sender
from app.watches.store import Store
from app.watches.sweeping import Sweeper
from app.watches.topic_settings import TopicBook
from app.watches.viewing import Views
from app.watches.watched import Watched


class Watches(Reading):
    """Promises to publish to a topic when a snapshot reaches an outcome.

    Made once per process. ``inventory_get`` is asked for the name of a volume where a watch does
    not know it; ``learn`` is told what was read of snapshots, ``sent`` how many seconds after its
    outcome a notice was published. ``keep_for``: how long what has ended is kept. ``public_url``:
    where people open the console; notices link to it. ``clock`` tells the time, ``ages`` seconds
    that nobody can set. Any number of processes may use the same database: everything that must be
    right is right in the rows.
    """

    def __init__(
        self,
        engine: Engine,
        accounts: Accounts,
        inventory_get: Callable[[str, str], Row | None] | None = None,
        learn: Learn | None = None,
        *,
        past: Past | None = None,
        pacing: Pacing | None = None,
        patience: Patience | None = None,
        clock: Callable[[], datetime] = db.now,
        ages: Callable[[], float] = steady,
        sent: Callable[[float], None] = lambda _: None,
        keep_for: timedelta = timedelta(days=90),
        public_url: str = "",
    ) -> None:
        self._store = Store(engine, clock)
        self._book = NoticeBook(engine, clock, public_url)
        super().__init__(Views(engine), self._book)
        pacing = pacing or Pacing()
        known = Knowledge(inventory_get, past)
        patience = patience or Patience()
        recorder = Recorder(engine, known, pacing.poll_seconds, patience, public_url)
        self._watched = Watched(engine, clock)
        self._poller = Poller(engine, accounts, recorder, learn, pacing, clock)
        me = f"{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(6)}"
        self._sender = Sender(engine, accounts, me, clock, ages, sent)
        self._lookout = Lookout(engine, me, ages)
        self._sweeper = Sweeper(engine, keep_for)
        self._engine = engine
        self._clock = clock
        self.event_queues = EventQueues(engine, clock)
        self._hurry = Hurry(self.event_queues, accounts, clock)
        self.topic_settings = TopicBook(engine)
        # Set when a notice may have become due, so that the sender need not look all the time.
        self.owed = threading.Event()

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
        late_after: int | None = None,
        actor: str,
    ) -> str:
        """Commit the intention to snapshot a volume and watch it, before CreateSnapshot is sent.

        ``request_id`` is the one that CreateSnapshot carries as a tag: by it the snapshot is found
        if the answer gets lost or this process dies. The same request and topic again give the
        same watch. Returns the watch's id. Raises WatchError for a topic that is no topic's ARN,
        an unknown outcome, or a request id that was used for another volume.
        """
        return self._store.intend(
            kind=kind,
            request_id=request_id,
            account=account,
            region=region,
            source_id=source_id,
            source_name=source_name,
            description=description,
            topic_arn=topic_arn,
            outcomes=outcomes,
            late_after=late_after,
            actor=actor,
        )

    def bind(self, watch_id: str, found: Description) -> None:
        """The answer of CreateSnapshot came: from now on the watch waits for that snapshot.

        Does nothing if the poller has found it already. Raises WatchError for an unknown watch,
        and for one on another snapshot.
        """
        self._store.bind(watch_id, found)

    def abandon(self, watch_id: str, why: str) -> None:
        """AWS certainly refused, so there is no snapshot to wait for. Raises WatchError.

        Not for an answer that got lost: leave the watch intended, and the poller looks for the
        snapshot. Does nothing to a watch that is no longer intended.
        """
        self._store.abandon(watch_id, why)

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
        late_after: int | None = None,
        actor: str,
        rule_id: str | None = None,
    ) -> str:
        """Put a watch on a snapshot that is pending; returns its id.

        The same snapshot and topic again give the watch that is there. Raises WatchError if the
        snapshot is completed or has failed already, for a topic that is no topic's ARN, and for an
        unknown outcome.
        """
        return self._store.watch(
            kind=kind,
            account=account,
            region=region,
            found=found,
            source_name=source_name,
            topic_arn=topic_arn,
            outcomes=outcomes,
            late_after=late_after,
            actor=actor,
            rule_id=rule_id,
        )

    def cancel(self, watch_id: str) -> None:
        """Stop waiting; what is owed already is still sent. Raises WatchError unless it waits."""
        self._store.cancel(watch_id)

    def cancel_of_rule(self, rule_id: str) -> int:
        """Cancel all watches of a rule that wait; returns how many. The rule may make new ones."""
        return self._store.cancel_of_rule(rule_id)

    def retry(self, notice_id: str) -> None:
        """Try a notice again now that is parked, held or given up, or waits for its next try.

        Of a held one it means that it may arrive twice. Raises WatchError.
        """
        with self._engine.begin() as connection:
            decisions.retry(connection, notice_id, self._clock())
        self.owed.set()

    def settle(self, notice_id: str, actor: str) -> None:
        """Take a person's word that a notice has arrived which may have been delivered.

        Raises WatchError if no try of it is in doubt, or one is under way.
        """
        with self._engine.begin() as connection:
            decisions.settle(connection, notice_id, actor, self._clock())

    def give_up(self, notice_id: str, actor: str, why: str) -> None:
        """Send a notice no more that is parked, held, or waits after a try that failed.

        It is kept, with who gave it up, when and why, and can be tried again. Raises WatchError,
        also if there is no ``why``.
        """
        with self._engine.begin() as connection:
            decisions.give_up(connection, notice_id, actor, why, self._clock())

    def repeat(self, notice_id: str, actor: str) -> None:
        """Publish once more what was sent, with the same id, on purpose. Raises WatchError."""
        self._book.repeat(notice_id, actor)
        self.owed.set()

    def test(self, topic_arn: str, account: str, region: str) -> str:
        """Publish a test to a topic, in the way of every notice; returns the notice's id."""
        notice_id = self._book.test(topic_arn, account, region)
        self.owed.set()
        return notice_id

    def waiting(self, ids: Sequence[str]) -> int:
        """How many watches wait for these resources, or to publish to these topics."""
        return self._views.waiting(ids)

    def rules_by(self, topic_arns: Sequence[str]) -> int:
        """How many rules put watches on that publish to these topics."""
        return self._views.rules_by(topic_arns)

    def topics_used(self, actor: str) -> Sequence[str]:
        """The topics that people chose lately for their watches, ``actor``'s own latest first."""
        return self._views.topics_used(actor)

    def within(self, bounds: Bounds) -> Reading:
        """What somebody sees of them whose role is narrowed."""
        return Reading(Views(self._engine, bounds), NoticeReader(self._engine, bounds))

    def poll(self, now: datetime) -> bool:
        """Ask AWS about up to 200 snapshots of one region, if any are due; whether any were.

        Never raises AwsError: trouble is written on the watches, and the region is asked again
        after a growing delay.
        """
        return self._ring(self._poller.poll(now))

    def watched(self, kind: str, account: str, region: str) -> AbstractSet[str]:
        """The ids of what pollers read again and again, of whatever process."""
        return self._watched.of(kind, account, region)

    def hurry(self, now: datetime) -> bool:
        """Hear what the event queues tell, so that the poll need not wait; whether they told.

        Takes a second at most. Never raises AwsError: trouble is written on the queue, and it is
        heard again after a growing delay.
        """
        return self._hurry.hurry(now)

    def send(self, now: datetime) -> bool:
        """Publish what notices are due; whether any were.

        Never raises AwsError: trouble is written on the notice.
        """
        # The claim that keeps other senders away is counted from now, and a slow poll may have
        # come between the caller's look at the clock and this.
        return self._sender.send(max(now, self._clock()))

    def recover(self, now: datetime) -> bool:
        """Look whether other processes still publish what they began; whether one did not.

        What it left is sent again, or held for a person where the topic's settings say so. To be
        called every second or so: only what was seen for a whole lease is taken over.
        """
        return self._ring(self._lookout.recover(now))

    def sweep(self, now: datetime) -> bool:
        """Forget some of what ended long ago and is sent; whether there may be more of it."""
        return self._sweeper.sweep(now)

    def usual(self, past: Iterable[Row]) -> float | None:
        """Seconds that snapshots of a volume usually take, going by its past ones; or None."""
        now = self._clock()
        known = estimate(durations(past), now, now)
        return known.usual_seconds if known else None

    def stop(self) -> None:
        """Have ``send`` end after the notice that it is publishing, and hear no more events.

        Returns at once.
        """
        self._hurry.stop()
        self._sender.stop()

    def finish(self) -> None:
        """After ``stop``, when ``send`` has ended: write what could not be written until now.

        Raises what the database does: then another process will not know what became of the last
        notice of this one.
        """
        self._sender.finish()

    def _ring(self, busy: bool) -> bool:
        if busy:
            self.owed.set()
        return busy
