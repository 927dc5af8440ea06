"""The boto3 clients that are kept: the most recently used, over all accounts.

A client takes about 5 ms to make and 0.15 MB to keep; when it has connected by TLS, 20 ms and
0.7 MB more, for the certificates. With some accounts and regions there would be hundreds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

KEPT = 48


class Pool:
    """Clients by key, where the first part of a key says whose they are."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._clients: OrderedDict[tuple[Hashable, ...], Any] = OrderedDict()

    def get(self, key: tuple[Hashable, ...]) -> Any:
        """The client, or None when it is not kept (any more)."""
        with self._lock:
            if key in self._clients:
                self._clients.move_to_end(key)
            return self._clients.get(key)

    def put(self, key: tuple[Hashable, ...], client: Any) -> None:
        """Keep a client, in place of that which was not used for longest."""
        with self._lock:
            self._clients[key] = client
            over = len(self._clients) - self._most
            going = [self._clients.popitem(last=False)[1] for _ in range(over)]
        _close(going)

    def drop(self, owner: Hashable) -> None:
        """Drop all clients of one owner."""
        with self._lock:
            keys = [key for key in self._clients if key[0] is owner]
            going = [self._clients.pop(key) for key in keys]
        _close(going)

    def __len__(self) -> int:
        return len(self._clients)


def _close(clients: list[Any]) -> None:
    for client in clients:
        # gives idle connections back; a request that is under way in another thread ends well
        client.close()
