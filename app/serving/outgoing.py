"""The way back to a client: what it does not take at once waits in a file, not in a thread."""

from __future__ import annotations

import errno
import os
import select
import socket
import tempfile
import threading
import time
from typing import IO, Any

# So long a thread waits for a client in all of an answer: enough for one that reads.
PATIENCE_SECONDS = 0.25
IN_MEMORY = 256 * 1024  # bytes of an answer, then it is a file
MOST_BYTES = 512 * 1024 * 1024  # of one answer
MOST_BYTES_IN_ALL = 1024 * 1024 * 1024
_PIECE = 256 * 1024


class _Kept:
    """How many bytes wait for clients in all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = 0

    def add(self, number: int) -> bool:
        """Whether there is room for so many more; they are counted then."""
        with self._lock:
            if self._bytes + number > MOST_BYTES_IN_ALL:
                return False
            self._bytes += number
            return True

    def less(self, number: int) -> None:
        with self._lock:
            self._bytes -= number


_kept = _Kept()


class Outgoing:
    """A client's socket as gunicorn's threads see it: nothing they do with it takes long.

    Nothing can be received: what belongs to the request has been read before.
    """

    def __init__(self, raw: socket.socket) -> None:
        self._raw = raw
        self._patience = PATIENCE_SECONDS
        self._rest: IO[bytes] | None = None
        self._written = self._sent = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """The end of what was sent."""
        return b""

    def gettimeout(self) -> float:
        """It never blocks."""
        return 0.0

    def settimeout(self, seconds: float | None) -> None:
        """It never blocks, whatever is asked for."""

    def setblocking(self, blocking: bool) -> None:
        """It never blocks, whatever is asked for."""

    def shutdown(self, how: int) -> None:
        """Closing is for who waits for all clients: an answer that failed may wait to be taken."""

    def close(self) -> None:
        """As ``shutdown``."""

    def begin(self) -> None:
        """An answer begins."""
        self._patience = PATIENCE_SECONDS

    def send(self, data: bytes) -> int:
        """Send all of it, now or later."""
        self.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        """Send what the client takes now; the rest is kept for ``drain``.

        Raises OSError when it has gone, or when too much is waiting to be taken.
        """
        view = memoryview(data)
        if self._rest is None:
            view = view[self._send(view) :]
        if view:
            self._keep(view)

    def _send(self, view: memoryview) -> int:
        sent = 0
        while sent < len(view):
            try:
                sent += self._raw.send(view[sent:])
            except BlockingIOError:
                if not self._wait():
                    break
        return sent

    def _wait(self) -> bool:
        begun = time.monotonic()
        poll = select.poll()
        poll.register(self._raw.fileno(), select.POLLOUT)
        ready = poll.poll(max(0.0, self._patience) * 1000)
        self._patience -= time.monotonic() - begun
        return bool(ready)

    def _keep(self, view: memoryview) -> None:
        if self._rest is None:
            self._rest = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # until it is sent
        if self._written + len(view) > MOST_BYTES or not _kept.add(len(view)):
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        self._written += len(view)  # before it is: forget() gives back what was counted
        self._rest.write(view)

    @property
    def waiting(self) -> bool:
        """Whether there is more to send."""
        return self._rest is not None

    def drain(self) -> None:
        """Send what the client takes at once. Raises OSError when it has gone."""
        if self._rest is None:
            return
        self._rest.seek(self._sent)
        try:
            self._sent += self._raw.send(self._rest.read(_PIECE))
        except BlockingIOError:
            return
        if self._sent == self._written:
            self.forget()

    def forget(self) -> None:
        """Nothing more is to be sent."""
        if self._rest is not None:
            self._rest.close()
            _kept.less(self._written)
        self._rest = None
        self._written = self._sent = 0
