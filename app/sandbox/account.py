"""The sandbox's account: moto's backends for one account id, and the lock that guards them.

moto keeps its state in one dictionary per service, by account and region, for the whole process.
Two sandboxes in one process (as in tests) therefore need two account ids.
"""

from __future__ import annotations

import threading
from typing import Any

from app.sandbox import moto_import

# These hold what a user makes; STS has no state worth keeping.
KEPT_SERVICES = ("ec2", "sns", "sqs", "events")
SERVICES = (*KEPT_SERVICES, "sts")

# moto's models are not thread-safe, and a snapshot of the account must not see half a change:
# every request is served, and every save is taken, under this one lock.
LOCK = threading.Lock()


def backends(service: str) -> Any:
    """moto's dictionary of the service: account id → region → backend."""
    return moto_import.backends(service)


def backend(service: str, account_id: str, region: str) -> Any:
    """moto's backend of one service, account and region; made when it does not exist yet."""
    return backends(service)[account_id][region]


def snapshot(account_id: str) -> dict[str, dict[str, Any]]:
    """The account's state by service and region: moto's own objects, not copies."""
    return {service: dict(backends(service)[account_id].items()) for service in KEPT_SERVICES}


def restore(account_id: str, state: dict[str, dict[str, Any]]) -> None:
    """Put a state that `snapshot` gave in the place of whatever the account holds."""
    forget(account_id)
    for service, regions in state.items():
        for region, kept in regions.items():
            backends(service)[account_id][region] = kept


def forget(account_id: str) -> None:
    """Empty the account; moto makes new backends when they are asked for."""
    for service in SERVICES:
        backends(service).pop(account_id, None)
