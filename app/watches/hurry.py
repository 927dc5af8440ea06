"""Hearing the event queues: what they tell makes watches due, so that the poll need not wait.

The truth is the poll: a message that is lost, late, doubled or forged makes AWS be asked a little
later or once more, and nothing else. Any number of processes may hear the same queue.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import UTC, datetime, timedelta

import structlog

from app.aws import events
from app.aws.accounts import Accounts
from app.aws.errors import AwsError
from app.watches.envelopes import ids_in
from app.watches.event_queues import EventQueue, EventQueues
from app.watches.harmless import harmless

EARS = 32  # queues that are heard at the same time; more of them take turns
STEP_SECONDS = 1.0  # after which a step ends, heard or not
# Then AWS is asked once more, if it still waits: what is told is sometimes not yet so in the
# answers, and the answer that was under way may be from before.
AGAIN = timedelta(seconds=3)
Place = tuple[str, str]  # account, region
_log = structlog.get_logger(__name__)


class Hurry:
    """Hears the queues. ``hurry`` is for one thread; the queues are heard in threads of its own."""

    def __init__(
        self, queues: EventQueues, accounts: Accounts, clock: Callable[[], datetime]
    ) -> None:
        self._queues = queues
        self._accounts = accounts
        self._clock = clock
        self._hearing: dict[Place, Future[bool]] = {}
        self._begun: dict[Place, datetime] = {}  # when each was heard last
        self._again: list[tuple[datetime, Place, frozenset[str]]] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def hurry(self, now: datetime) -> bool:
        """One step, a second at most; whether anything is due that was not. May raise the
        database's errors: then the messages come again."""
        told = self._remind(now)
        if not self._stopping.is_set():
            self._listen(now)
        if not self._hearing:
            return told
        wait(self._hearing.values(), STEP_SECONDS, FIRST_COMPLETED)
        ended = [place for place, future in self._hearing.items() if future.done()]
        results = [self._hearing.pop(place) for place in ended]
        heard = [future.result() for future in results]
        return told or any(heard)

    def stop(self) -> None:
        """Begin to hear nothing more; what is being heard ends within some seconds."""
        self._stopping.set()

    def _listen(self, now: datetime) -> None:
        due = [queue for queue in self._queues.due(now) if queue.place not in self._hearing]
        due.sort(key=lambda queue: self._begun.get(queue.place, datetime.min.replace(tzinfo=UTC)))
        for queue in due[: EARS - len(self._hearing)]:
            self._begun[queue.place] = now
            future: Future[bool] = Future()
            self._hearing[queue.place] = future
            # No pool: a process that ends would wait for what its threads hear.
            ear = threading.Thread(target=self._run, args=(queue, future), name="ear", daemon=True)
            ear.start()

    def _run(self, queue: EventQueue, future: Future[bool]) -> None:
        try:
            future.set_result(self._hear(queue))
        except Exception as error:  # noqa: BLE001 - it is raised again by the step
            future.set_exception(error)

    def _hear(self, queue: EventQueue) -> bool:
        """Hear one queue once; whether it told something that is waited for."""
        try:
            clients = self._accounts.clients(queue.account)
            heard = events.hear(clients, queue.region, queue.queue_url)
            if not heard:
                if queue.error:
                    self._queues.well(queue)
                return False
            told = self._told(queue, [ids_in(str(message.get("Body", ""))) for message in heard])
            events.take_off(clients, queue.region, queue.queue_url, heard)
        except AwsError as error:
            self._failed(queue, error)
            return False
        return told

    def _told(self, queue: EventQueue, found: Sequence[frozenset[str]]) -> bool:
        """Write down what messages told; whether it is waited for."""
        now, ids = self._clock(), frozenset().union(*found)
        told = self._queues.told(queue, ids, len(found), now)
        if told:
            with self._lock:
                self._again.append((now + AGAIN, queue.place, ids))
        _log.info(
            "events heard",
            account=queue.account,
            region=queue.region,
            messages=len(found),
            unread=found.count(frozenset()),
            waited_for=told,
        )
        return told

    def _remind(self, now: datetime) -> bool:
        """Make due once more what was told a while ago; whether it is still waited for."""
        with self._lock:
            # What lies further ahead than it can was put down before the clock stepped back.
            later = [each for each in self._again if now < each[0] <= now + AGAIN]
            due = [each for each in self._again if each not in later]
            self._again = later
        still = [self._queues.again(place, ids, now) for _, place, ids in due]
        return any(still)

    def _failed(self, queue: EventQueue, error: AwsError) -> None:
        text = harmless(f"{error.code}: {error.message} {error.advice}".strip())
        delay = self._queues.troubled(queue, text, self._clock())
        _log.warning(
            "events not heard",
            account=queue.account,
            region=queue.region,
            code=error.code,
            again_in=delay,
        )
