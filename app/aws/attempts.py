"""What came of one request to AWS, of the several that botocore may make of a call."""

from __future__ import annotations

from collections.abc import Callable
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
