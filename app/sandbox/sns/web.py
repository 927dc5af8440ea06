"""What SNS posts to http and https endpoints. The sandbox posts to this machine alone.

A subscription's address can be anybody's; what is not a loopback address gets no request, only an
entry in the mailbox, so that trying things out never reaches the world.
"""

from __future__ import annotations

import http.client
import json
import queue
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

ATTEMPTS = 3
PAUSE = 1.0
PATIENCE = 5.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Post:
    """One request to be made: SNS's JSON, and the headers that say what it is."""

    url: str
    body: dict[str, Any]
    subscription_arn: str | None


_posts: queue.Queue[Post] = queue.Queue(maxsize=1000)
_worker: threading.Thread | None = None
_starting = threading.Lock()


def send(url: str, body: dict[str, Any], subscription_arn: str | None) -> bool:
    """Post in the background, up to three times; False when the address is not this machine's."""
    if urlsplit(url).hostname not in LOOPBACK:
        return False
    _start()
    try:
        _posts.put_nowait(Post(url, body, subscription_arn))
    except queue.Full:
        _log(f"too many posts are waiting; one to {url} is dropped")
    return True


def _start() -> None:
    global _worker
    with _starting:
        if _worker is None:
            _worker = threading.Thread(target=_run, name="sns-posts", daemon=True)
            _worker.start()


def _run() -> None:
    while True:
        post = _posts.get()
        for attempt in range(ATTEMPTS):
            problem = _try(post)
            if problem is None:
                break
            if attempt + 1 < ATTEMPTS:
                time.sleep(PAUSE)
        else:
            _log(f"{post.url} did not take a message: {problem}")


def _try(post: Post) -> str | None:
    """Post once; what went wrong, or nothing when the answer was a 2xx."""
    parts = urlsplit(post.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": post.body["Type"],
        "x-amz-sns-message-id": post.body["MessageId"],
        "x-amz-sns-topic-arn": post.body["TopicArn"],
    }
    if post.subscription_arn is not None:
        headers["x-amz-sns-subscription-arn"] = post.subscription_arn
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
        try:
            connection.request("POST", path, json.dumps(post.body, indent=2).encode(), headers)
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as problem:
        return f"{type(problem).__name__}: {problem}"
    return None if 200 <= status < 300 else f"it answered {status}"


def _log(text: str) -> None:
    print(f"sandbox: {text}", file=sys.stderr, flush=True)
