"""One request to AWS, of the several that botocore may make of a call: before it, and after."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from app.aws.errors import AwsError, from_boto

# Told of each request: its service, its operation, and ``ok`` or the trouble that it met.
Listener = Callable[[str, str, str], None]
Response = tuple[Any, Any]  # botocore's HTTP response and parsed answer

_WOULD_HAVE = "DryRunOperation"  # the good answer to a dry run comes as an error


def failure(response: Response | None, caught: Exception | None) -> AwsError | None:
    """What went wrong with a request; None when AWS did what it was asked for."""
    if caught is not None:
        return from_boto(caught, "", "", "")
    if response is None or response[0].status_code < 300:
        return None
    error = from_boto(ClientError(response[1], ""), "", "", "")
    return None if error.code == _WOULD_HAVE else error


class _Mine(threading.local):
    """What a thread does before each request to a service, if anything."""

    before: Callable[[], object] | None = None


_mine = _Mine()


@contextmanager
def each(before: Callable[[], object]) -> Iterator[None]:
    """While this is entered, ``before`` is called right before each request of this thread.

    Also before those by which botocore tries again; not before STS is asked for credentials.
    """
    _mine.before = before
    try:
        yield
    finally:
        _mine.before = None


def begin(event_name: str = "", **_: Any) -> None:
    """A request is about to be sent; called by botocore."""
    before = _mine.before
    if before and not event_name.startswith("before-send.sts."):
        before()
