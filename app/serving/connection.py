"""A client's connection: what of a request has come, and until when something must happen."""

from __future__ import annotations

import hashlib
import socket
import time
from typing import Any, Literal

from gunicorn.workers.gthread import TConn

from app.serving import incoming
from app.serving.outgoing import Outgoing
from app.settings.wire import Network, network_of, sender

State = Literal["reading", "working", "sending", "closing"]
# For all of a request, from its first byte on: ten times as long as a slow line needs for a form.
REQUEST_SECONDS = 30.0
# A client that takes nothing of its answer for so long has gone; it may take so long in all.
STALLED_SECONDS = 30.0
ANSWER_SECONDS = 900.0
LINGER_SECONDS = 2.0
_PIECE = 64 * 1024
_MOST_DISCARDED = 16 * incoming.MAX_BODY


class Connection(TConn):  # type: ignore[misc]
    """As gunicorn's threads know it, and what the worker's first thread knows besides."""

    def __init__(self, cfg: Any, raw: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, raw, client, server)
        self.raw = raw
        self.sock = Outgoing(raw)
        self.data_ready = True
        self.address = client[0] if isinstance(client, tuple) else ""
        self.state: State = "reading"
        self.deadline = self._ends = 0.0
        self.keep = self.last = False
        self.keys: tuple[str, ...] = ()
        self.request = b""
        self._received = bytearray()
        self._searched = self._discarded = 0
        self._head: incoming.Head | None = None

    def read(self) -> bool:
        """Take what has come; False if the client has gone. Raises OSError."""
        try:
            data = self.raw.recv(_PIECE)
        except BlockingIOError:
            return True
        if not self._received:
            self.deadline = time.monotonic() + REQUEST_SECONDS
        self._received += data
        return bool(data)

    @property
    def began(self) -> bool:
        """Whether a part of a request has come."""
        return bool(self._received)

    @property
    def held(self) -> int:
        """How many bytes of a request are waiting for the others."""
        return len(self._received)

    def complete(self, trusted: tuple[Network, ...]) -> bool:
        """Whether a request has come whole: it is in ``request`` then, and from whom in ``keys``.

        Raises TooLong and NoLength.
        """
        if self._head is None:
            searched, self._searched = self._searched, len(self._received)
            self._head = incoming.head_of(self._received, searched)
            if self._head is None:
                return False
            self._expect(self._head)
        frame = incoming.frame_of(self._head)
        if len(self._received) < frame.size:
            return False
        self.request, self.last = bytes(self._received[: frame.size]), frame.last
        self.keys = self._whose(self._head, trusted)
        del self._received[: frame.size]
        self._head, self._searched = None, 0
        self.sock.begin()
        return True

    def _expect(self, head: incoming.Head) -> None:
        """Tell a client that asks first that it may send its body."""
        if head.all("expect") and len(self._received) == head.size:
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _whose(self, head: incoming.Head, trusted: tuple[Network, ...]) -> tuple[str, ...]:
        told = ",".join(head.all("x-forwarded-for"))
        address = network_of(sender(self.address, told, trusted))
        cookies = "".join(head.all("cookie"))
        if not cookies:
            return (address,)
        return (address, hashlib.sha256(cookies.encode("latin-1")).hexdigest())

    def begin_to_send(self) -> None:
        """The answer is made; what the client has not taken of it waits."""
        now = time.monotonic()
        self.state, self._ends = "sending", now + ANSWER_SECONDS
        self.deadline = now + STALLED_SECONDS

    def send(self) -> bool:
        """Send more; whether that was all. Raises OSError when the client has gone."""
        self.sock.drain()
        self.deadline = min(self._ends, time.monotonic() + STALLED_SECONDS)
        return not self.sock.waiting

    def begin_to_close(self) -> None:
        """Say that nothing more comes, and let the client read what did. Raises OSError."""
        self.state, self.deadline = "closing", time.monotonic() + LINGER_SECONDS
        self.raw.shutdown(socket.SHUT_WR)

    def discard(self) -> bool:
        """Read what the client still sends; whether that was all, or enough. Raises OSError."""
        try:
            data = self.raw.recv(_PIECE)
        except BlockingIOError:
            return False
        self._discarded += len(data)
        return not data or self._discarded > _MOST_DISCARDED

    def end(self) -> None:
        """Close it."""
        self.sock.forget()
        self.raw.close()
