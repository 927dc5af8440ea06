"""A small application: what it answers tells what it got."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

BIG = 15_000_000
PIECE = b"x" * 100_000
SLOW = threading.Event()


def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """Tell method, path and body; /big is big, /half of it fails, /slow takes half a second,
    /slow-begun waits until such a one is under way, /wrong fails, /who is the process.
    """
    path = environ["PATH_INFO"]
    if path == "/wrong":
        raise RuntimeError("wrong")
    if path == "/bad-header":
        start("200 OK", [("X-Odd", "a\r\nb")])
        return []
    if path == "/slow":
        SLOW.set()
        time.sleep(0.5)
    if path == "/slow-begun":
        SLOW.wait()
    if path == "/big":
        start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(BIG))])
        return (PIECE for _ in range(BIG // len(PIECE)))
    if path == "/half":
        start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(BIG))])
        return _half()
    if path == "/who":
        body = str(os.getpid()).encode()
    elif path == "/unread":
        body = b"not read"
    else:
        read = environ["wsgi.input"].read()
        body = f"{environ['REQUEST_METHOD']} {path} {len(read)}".encode()
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def _half() -> Iterator[bytes]:
    yield from (PIECE for _ in range(BIG // len(PIECE) // 2))
    raise RuntimeError("half")
