"""What one look at AWS means for a watch. No database, no AWS: data in, data out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.aws.listing import Description
from app.watches.messages import harmless

OUTCOMES = ("completed", "failed", "vanished")
OPEN = ("intended", "waiting")
# AWS's state of a snapshot -> the outcome that it is. In every other one we go on waiting:
# pending, recoverable and recovering may yet be completed, and so may one that we do not know.
_OUTCOME_OF_STATE = {"completed": "completed", "error": "failed"}
# Being absent for long must also have been seen more than once: the clock may step forward.
_LOOKS = 3


@dataclass(frozen=True)
class Finding:
    """What a look means: the watch's next state, other columns that change, events to tell."""

    state: str
    values: Mapping[str, Any]
    told: tuple[tuple[str, str], ...] = ()


def facts(description: Description) -> dict[str, Any]:
    """What a snapshot's description tells of it, as columns; what it does not tell is left out."""
    size = description.get("VolumeSize")
    told = {
        "snapshot_id": harmless(description.get("SnapshotId") or "", 64),
        "volume_id": harmless(description.get("VolumeId") or "", 64),
        "description": harmless(description.get("Description") or ""),
        "snapshot_state": harmless(description.get("State") or "", 40),
        "progress": harmless(description.get("Progress") or "", 20),
        "state_message": harmless(description.get("StateMessage") or ""),
        "started_at": _moment(description.get("StartTime")),
        "completed_at": _moment(description.get("CompletionTime")),
        "size_gib": size if isinstance(size, int) else None,
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None  # absent, or not a time: as good as not told
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def outcome_of(description: Description) -> str | None:
    """The outcome that a snapshot's state is, or None while there is something to wait for."""
    return _OUTCOME_OF_STATE.get(str(description.get("State")))


def present(watch: Mapping[str, Any], description: Description) -> Finding:
    """The snapshot is there. A watch that was only intended is bound to it."""
    told = facts(description)
    changed = {name: value for name, value in told.items() if value != watch[name]}
    events = []
    if watch["state"] != "waiting":
        events.append(("bound", f"Snapshot {told['snapshot_id']} was made."))
    elif watch["absent_since"]:
        events.append(("state", "AWS lists the snapshot again."))
    if watch["absent_since"] or watch["absent_polls"]:
        changed.update(absent_since=None, absent_polls=0)
    if "snapshot_state" in changed and watch["snapshot_state"]:
        was, now_is = watch["snapshot_state"], told["snapshot_state"]
        events.append(("state", f"State: {was} → {now_is}"))
    elif "progress" in changed and watch["progress"]:
        events.append(("progress", f"Progress: {told['progress']}"))
    return Finding("waiting", changed, tuple(events))


def settled(watch: Mapping[str, Any], description: Description) -> Finding:
    """As ``present``, for a snapshot that a poll read: it may have reached an outcome."""
    finding = present(watch, description)
    return Finding(outcome_of(description) or "waiting", finding.values, finding.told)


def absent(watch: Mapping[str, Any], now: datetime, patience: timedelta) -> Finding:
    """The snapshot is not there. Only after ``patience`` is that believed.

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
        return Finding("vanished", values)
    tell = since is None and not intended
    told = (
        ("state", f"AWS does not list the snapshot; we go on looking for {_minutes(patience)}"),
    )
    return Finding(watch["state"], values, told if tell else ())


def _never_made(patience: timedelta) -> str:
    return (
        f"No snapshot with this request's tag was found within {_minutes(patience)} "
        "AWS did not make it, or it was soon deleted, or its tag taken off. Nothing will be "
        "published."
    )


def _minutes(patience: timedelta) -> str:
    return f"{patience.total_seconds() / 60:g} minutes."
