"""For load balancers, probes and Prometheus: /healthz, /readyz and /metrics."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from ipaddress import ip_address

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from app.db import DATABASE_FAULTS
from app.house import House
from app.migrate import current, latest
from app.web.context import house

# They tell nothing that is worth hiding, and are asked for by address rather than by name.
PROBES = frozenset({"healthz", "readyz"})
# A step may have to wait for AWS's answer, five times for 20 s each, and before that for who we
# are. Reading very many resources is paced, and takes minutes.
_LONGEST = dict.fromkeys(("collect", "look", "warm"), 1800.0)
_LONGEST_OTHERS = 300.0
_FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


def healthz() -> ResponseReturnValue:
    """Live: this process answers, and its background ticks. 503 if it had better be started anew.

    Whether the database is there does not count: a new start would not bring it back.
    """
    ages = house().ticks.ages()
    stuck = _stuck(ages)
    rounded = {step: round(age, 1) for step, age in ages.items()}
    body = {"status": "stuck" if stuck else "ok", "seconds_since_step": rounded}
    return body, 503 if stuck else 200


def readyz() -> ResponseReturnValue:
    """Ready: requests may be sent here. 503 with the reasons if not, above all while it stops."""
    reasons = _reasons(house())
    return {"ready": not reasons, "reasons": reasons}, 503 if reasons else 200


def _stuck(ages: Mapping[str, float]) -> list[str]:
    return [step for step, age in ages.items() if age > _LONGEST.get(step, _LONGEST_OTHERS)]


def _reasons(services: House) -> list[str]:
    if services.stopping.is_set():
        return ["It is being stopped."]
    reasons = [
        f"The step {step} of the background hangs." for step in _stuck(services.ticks.ages())
    ]
    try:
        revision = current(services.engine)
    except DATABASE_FAULTS:
        return [*reasons, "The database does not answer."]
    if revision != latest():
        reasons.append(f"The database is at revision {revision or 'none'}, not at {latest()}.")
    return reasons


def metrics() -> ResponseReturnValue:
    """Everything that Prometheus may know, to whom it concerns."""
    if not (has_token() or _is_local()):
        challenge = {"WWW-Authenticate": "Bearer"}
        return Response("Not without ENCANTE_METRICS_TOKEN.\n", 401, challenge, "text/plain")
    return Response(house().metrics.text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def has_token() -> bool:
    """Whether this request carries the metrics' token."""
    wanted = house().settings.metrics_token
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), wanted.encode())
    return bool(wanted) and kind.lower() == "bearer" and same


def _is_local() -> bool:
    """Whether it comes from this machine, and not through a proxy on it; where no token is set."""
    if house().settings.metrics_token or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:  # a socket file has no address
        return False


def register(app: Flask) -> None:
    """Answer to those who look after the process."""
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
    app.add_url_rule("/metrics", "metrics", metrics)
