"""Clients for reads of the background that are asked for again soon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from app.aws import attempts
from app.aws.clients import Clients
from app.aws.operations import Repeat


def impatient(clients: Clients, before: Callable[[], object] = lambda: None) -> Clients:
    """``clients`` whose reads fail as soon as those that a request waits for.

    Who has threads for few calls at a time, and asks again anyway, need not wait for minutes.
    ``before`` is called right before each request, also before those that botocore repeats.
    """
    return cast(Clients, _Impatient(clients, before))


class _Impatient:
    def __init__(self, clients: Clients, before: Callable[[], object]) -> None:
        self._clients = clients
        self._before = before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clients, name)

    def send(
        self, service: str, operation: str, parameters: dict[str, Any], region: str, repeat: Repeat
    ) -> dict[str, Any]:
        """As Clients.send."""
        how: Repeat = "look" if repeat == "read" else repeat
        with attempts.each(self._before):
            return self._clients.send(service, operation, parameters, region, how)
