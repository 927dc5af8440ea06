"""What one look at AWS means for a watch. No database, no AWS: data in, data out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.aws.listing import Description
from app.resources import AWAITED
from app.resources.spec import VANISHED, Awaited
from app.watches.messages import LONGEST, harmless

OPEN = ("intended", "waiting")
# Being absent for long must also have been seen more than once: the clock may step forward.
_LOOKS = 3


# What is told in words, and how many characters of it are kept.
_TEXTS = {
    "resource_id": 64,
    "source_id": 64,
    "description": LONGEST,
    "aws_state": 40,
    "progress": 20,
    "state_message": LONGEST,
}


@dataclass(frozen=True)
class Finding:
    """What a look means: the watch's next state, other columns that change, events to tell."""

    state: str
    values: Mapping[str, Any]
    told: tuple[tuple[str, str], ...] = ()


def facts(awaited: Awaited, description: Description) -> dict[str, Any]:
    """What a description tells of a resource, as columns; what it does not tell is left out."""
    told = awaited.facts(description)
    size = told.get("size_gib")
    columns = {name: harmless(told.get(name) or "", most) for name, most in _TEXTS.items()}
    moments = {name: _moment(told.get(name)) for name in ("started_at", "completed_at")}
    found = {**columns, **moments, "size_gib": size if isinstance(size, int) else None}
    return {name: value for name, value in found.items() if value not in (None, "")}


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None  # absent, or not a time: as good as not told
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def awaited_by(watch: Mapping[str, Any]) -> Awaited:
    """What a watch waits for."""
    return AWAITED[watch["kind"]]


def ended(watch: Mapping[str, Any]) -> bool:
    """Whether a watch has reached an outcome that ends it."""
    return any(each.name == watch["state"] for each in awaited_by(watch).outcomes)


def present(watch: Mapping[str, Any], description: Description) -> Finding:
    """The resource is there. A watch that was only intended is bound to it."""
    told = facts(awaited_by(watch), description)
    changed = {name: value for name, value in told.items() if value != watch[name]}
    events = []
    if watch["state"] != "waiting":
        one = awaited_by(watch).one.capitalize()
        events.append(("bound", f"{one} {told['resource_id']} was made."))
    elif watch["absent_since"]:
        events.append(("state", f"AWS lists the {awaited_by(watch).one} again."))
    if watch["absent_since"] or watch["absent_polls"]:
        changed.update(absent_since=None, absent_polls=0)
    if "aws_state" in changed and watch["aws_state"]:
        was, now_is = watch["aws_state"], told["aws_state"]
        events.append(("state", f"State: {was} → {now_is}"))
    elif "progress" in changed and watch["progress"]:
        events.append(("progress", f"Progress: {told['progress']}"))
    return Finding("waiting", changed, tuple(events))


def settled(watch: Mapping[str, Any], description: Description) -> Finding:
    """As ``present``, for a resource that a poll read: it may have reached an outcome."""
    finding = present(watch, description)
    awaited = awaited_by(watch)
    outcome = awaited.outcome_of(str(facts(awaited, description).get("aws_state")))
    return Finding(outcome.name if outcome else "waiting", finding.values, finding.told)


def absent(watch: Mapping[str, Any], now: datetime, patience: timedelta) -> Finding:
    """The resource is not there. Only after ``patience`` is that believed.

    AWS is eventually consistent: what has just been made may not be listed yet. A watch that
    waits has then ``vanished``; one that was only intended is ``abandoned``.
    """
    since = watch["absent_since"]
    first = since is None or since > now  # the clock stepped back: count anew
    looks = watch["absent_polls"] + 1
    values = {"absent_polls": looks, "absent_since": now if first else since}
    intended = watch["state"] == "intended"
    if looks >= _LOOKS and not first and now - since >= patience:
        if intended:
            return Finding("abandoned", values, (("abandoned", _never_made(patience)),))
        return Finding(VANISHED, values)
    tell = since is None and not intended
    told = (("state", f"AWS does not list it; we go on looking for {_minutes(patience)}"),)
    return Finding(watch["state"], values, told if tell else ())


def _never_made(patience: timedelta) -> str:
    return (
        f"Nothing with this request's tag was found within {_minutes(patience)} "
        "AWS did not make it, or it was soon deleted, or its tag taken off. Nothing will be "
        "published."
    )


def _minutes(patience: timedelta) -> str:
    return f"{patience.total_seconds() / 60:g} minutes."
