"""Pages first: background work gives way to requests that are being served.

Python runs one thread at a time. A thread that reads a long list from AWS would otherwise take
every other turn from the threads that serve pages.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

WAIT_SECONDS = 0.02  # so long the background waits for requests at most, then works
WORK_SECONDS = 0.004  # for so long, before it waits again
Application = Any  # WSGI's: called with environ and start_response, gives the body in pieces


class _Mine(threading.local):
    """What a thread knows of itself."""

    serving = 0
    until = 0.0  # it need not give way before
    patience = -1.0  # seconds that it has yet to wait before it may insist; -1: not begun


class Turns:
    """Who works: the requests under way, or one of the background's threads.

    Background work gets on however many requests there are: while they are under way one of its
    threads works for ``work`` seconds after each ``wait`` seconds.
    """

    def __init__(self, wait: float = WAIT_SECONDS, work: float = WORK_SECONDS) -> None:
        self._wait = wait
        self._work = work
        self._condition = threading.Condition()
        self._under_way = 0
        self._next_turn = 0.0
        self._mine = _Mine()

    @contextmanager
    def serving(self) -> Iterator[None]:
        """While this is entered, a request is under way in this thread."""
        self._begin()
        try:
            yield
        finally:
            self._end()

    @contextmanager
    def away(self) -> Iterator[None]:
        """While this is entered, the request of this thread, if there is one, waits for AWS."""
        if not self._mine.serving:
            yield
            return
        self._end()
        try:
            yield
        finally:
            self._begin()

    def is_serving(self) -> bool:
        """Whether this thread answers a request just now."""
        return self._mine.serving > 0

    def _begin(self) -> None:
        with self._condition:
            self._mine.serving += 1
            self._under_way += 1

    def _end(self) -> None:
        with self._condition:
            self._mine.serving -= 1
            self._under_way -= 1
            if not self._under_way:
                self._condition.notify_all()

    def give_way(self) -> None:
        """Let requests that are under way go first; called by long work at every ms or so.

        Returns at once if there are none, or if this thread serves one. Not to be called while a
        database's write lock is held: a request may be waiting for that.
        """
        mine = self._mine
        if not self._under_way or mine.serving or time.monotonic() < mine.until:
            return
        with self._condition:
            begun = now = time.monotonic()
            if mine.patience < 0:
                mine.patience = self._wait
            while self._under_way:
                turn = max(begun + mine.patience, self._next_turn)
                if now >= turn:
                    mine.until = now + self._work
                    mine.patience = self._wait
                    self._next_turn = mine.until + self._wait
                    return
                self._condition.wait(turn - now)
                now = time.monotonic()
            # What was waited counts, or a thread that is woken between any two requests would
            # never come to more than a moment's work.
            mine.patience = max(0.0, mine.patience - (now - begun))

    def around(self, application: Application) -> Application:
        """The WSGI application, with its requests counted as under way.

        A body that is streamed counts while its pieces are made, not while they are sent: a slow
        reader holds nobody up.
        """

        def wrapped(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            with self.serving():
                body = application(environ, start_response)
            return _Body(self, body)

        return wrapped


class _Body:
    def __init__(self, turns: Turns, body: Iterable[bytes]) -> None:
        self._turns = turns
        self._pieces = iter(body)
        self._close: Callable[[], None] | None = getattr(body, "close", None)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._turns.serving():
            return next(self._pieces)

    def close(self) -> None:
        with self._turns.serving():
            if self._close is not None:
                self._close()


# One for the process, as there is one interpreter lock.
_turns = Turns()
serving = _turns.serving
away = _turns.away
is_serving = _turns.is_serving
give_way = _turns.give_way
around = _turns.around
