"""`ClientToken`: the same request sent twice makes one thing.

docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

from app.sandbox.ec2.refusal import Refused, bad_value
from app.sandbox.ec2.request import Request, memory, now

_KEPT = timedelta(hours=24)


class Token:
    """What is known about the request's token; `earlier` is the id it made before, or None."""

    def __init__(self, known: dict[str, Any], token: str | None, fingerprint: str) -> None:
        self._known, self._token, self._fingerprint = known, token, fingerprint
        entry = known.get(token) if token else None
        if entry and entry["fingerprint"] != fingerprint:
            raise Refused(
                "IdempotentParameterMismatch",
                "Arguments on this idempotent request are inconsistent with arguments used in "
                "previous request(s).",
            )
        self.earlier: str | None = entry["made"] if entry else None

    def remember(self, made: str) -> None:
        """The request has made this."""
        if self._token:
            self._known[self._token] = {
                "fingerprint": self._fingerprint,
                "made": made,
                "at": now(),
            }


def remembered(request: Request, what: str) -> Token:
    """The request's token among those that made `what` in this region in the last day."""
    token = request.get("ClientToken")
    if token is not None and (len(token) > 64 or not token.isascii()):
        raise bad_value("The client token must be at most 64 ASCII characters long")
    known = memory(request.backend, f"tokens_{what}")
    for old in [key for key, entry in known.items() if entry["at"] < now() - _KEPT]:
        del known[old]
    return Token(known, token, _fingerprint(request.params))


def _fingerprint(params: dict[str, Any]) -> str:
    rest = {key: value for key, value in params.items() if key not in ("ClientToken", "DryRun")}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, default=str).encode()).hexdigest()
