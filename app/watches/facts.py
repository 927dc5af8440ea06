"""What a notice can tell: the facts of a watch that has reached an outcome, by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.resources import AWAITED, RESOURCES
from app.resources.spec import LATE, VANISHED, Awaited
from app.watches.harmless import harmless
from app.watches.lateness import late_since, limit_of

Fact = str | int | datetime | None

# The names that templates may use, and what they are.
NAMES = {
    "subject": "the built-in subject: Snapshot done",
    "sentence": "what has happened: The snapshot snap-… is completed.",
    "facts": "all there is to say, one fact in each line",
    "one": "what it is: snapshot, image, volume, …",
    "kind": "what was waited for: the same, or modification, restore, …",
    "resource_id": "its id",
    "name": "its name, or that of what it is made of, or else its id",
    "source": "id and name of what it is made of, such as the volume of a snapshot",
    "source_id": "the id of that",
    "source_name": "the name of that",
    "description": "its description",
    "outcome": "completed, failed, vanished, late, …",
    "told": "the outcome in words: is completed",
    "state": "its state, as AWS names it",
    "state_message": "AWS's reason for the state",
    "progress": "AWS's progress, such as 45%",
    "size": "its size with its unit: 8 GiB",
    "size_gib": "its size in GiB, a number",
    "started": "when it was started",
    "completed": "when it was completed, if AWS tells",
    "seen": "when Encante saw the outcome",
    "asked": "when AWS was last asked about it",
    "late_after": "seconds after which it counts as late",
    "late_since": "when that was, if it is late",
    "usual": "seconds that this usually takes",
    "region": "its region",
    "account": "its account",
    "topic": "the topic's ARN",
    "notice": "the notice's id, the same in every repeat",
    "watch": "the watch's id",
    "link": "the address of the watch's page, if `ENCANTE_PUBLIC_URL` is set",
}


def facts_of(
    watch: Mapping[str, Any], outcome: str, identity: str, now: datetime, public_url: str = ""
) -> dict[str, Fact]:
    """The facts as they are; None where one is not known. ``texts`` makes the rest of NAMES.

    ``watch`` holds the columns of the table ``watches``, as they are after the outcome;
    ``identity`` is the notice's id, by which a message that came twice can be told; ``public_url``
    is the setting of that name.
    """
    awaited = AWAITED[watch["kind"]]
    name = harmless(watch["source_name"])
    usual = (watch["expected"] or {}).get("usual")
    return {
        "one": awaited.one,
        "kind": watch["kind"],
        "resource_id": str(watch["resource_id"]),
        "name": name or str(watch["resource_id"]),
        "source_id": str(watch["source_id"]),
        "source_name": name,
        "description": harmless(watch["description"]),
        "outcome": outcome,
        "told": awaited.outcome(outcome).told,
        "state": harmless(watch["aws_state"]),
        "state_message": harmless(watch["state_message"]),
        "progress": harmless(watch["progress"]),
        "size_gib": watch["size_gib"],
        "started": watch["started_at"],
        "completed": watch["completed_at"],
        "seen": now,
        "asked": watch["last_polled_at"],
        "late_after": limit_of(watch),
        "late_since": late_since(watch) if outcome == LATE else None,
        "usual": None if usual is None else round(usual),
        "region": watch["region"],
        "account": watch["account"],
        "topic": watch["topic_arn"],
        "notice": identity,
        "watch": watch["id"],
        "link": public_url and f"{public_url}/watches/{watch['id']}",
    }


def texts(facts: Mapping[str, Fact], block: str) -> dict[str, str]:
    """Everything of NAMES as it stands in a text; ``block`` is made of ``lines``."""
    told = {name: _text(fact) for name, fact in facts.items()}
    return told | _made(facts, block)


def values(facts: Mapping[str, Fact], block: str) -> dict[str, str | int | None]:
    """Everything of NAMES as it stands in JSON: times after ISO 8601, the unknown as None."""
    plain = {name: _plain(fact) for name, fact in facts.items()}
    return plain | {name: text or None for name, text in _made(facts, block).items()}


def _made(facts: Mapping[str, Fact], block: str) -> dict[str, str]:
    size = facts["size_gib"]
    outcome = AWAITED[str(facts["kind"])].outcome(str(facts["outcome"]))
    return {
        "subject": outcome.subject,
        "sentence": f"The {facts['one']} {facts['resource_id']} {facts['told']}.",
        "facts": block,
        "source": _source(facts),
        "size": "not known" if size is None else f"{size} GiB",
    }


def _source(facts: Mapping[str, Fact]) -> str:
    name, source_id = facts["source_name"], facts["source_id"]
    return f"{source_id} ({name})" if name and source_id else str(source_id or name)


def _text(fact: Fact) -> str:
    return "not known" if fact is None else moment(fact)


def _plain(fact: Fact) -> str | int | None:
    if isinstance(fact, datetime):
        return fact.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return fact if fact != "" else None


def moment(fact: Fact) -> str:
    """A fact in words; a time in UTC."""
    if isinstance(fact, datetime):
        return fact.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return str(fact)


def lines(facts: Mapping[str, Fact], absent_since: datetime | None = None) -> list[str]:
    """All there is to say, one fact in each line. What only some kinds have is left out at others.

    ``absent_since``: when AWS first did not list what has vanished.
    """
    awaited = AWAITED[str(facts["kind"])]
    told = texts(facts, "")
    parts = [
        *_of_resource(awaited, told),
        *_ended(told, facts, absent_since),
        ("Outcome", told["outcome"]),
        *_of_late(facts, told),
        *_of_reason(awaited, told),
        *([("Size", told["size"])] if _has(awaited, "size", facts["size_gib"]) else []),
        ("Region", told["region"]),
        ("Account", told["account"]),
        *([("Watch", told["link"])] if told["link"] else []),
        ("Notice", told["notice"]),
    ]
    return [f"{label}: {text}" for label, text in parts]


def _of_resource(awaited: Awaited, told: Mapping[str, str]) -> list[tuple[str, str]]:
    own, made_of = told["resource_id"], told["source_id"]
    if not made_of and told["source_name"]:
        own = f"{own} ({told['source_name']})"  # made of nothing: the name is its own
    parts = [(awaited.one.capitalize(), own)]
    if made_of:
        parts.append((_kind_of(made_of), told["source"]))
    if _has(awaited, "description", told["description"]):
        parts.append(("Description", told["description"] or "none"))
    return [*parts, ("Started", told["started"])]


def _has(awaited: Awaited, column: str, fact: Fact) -> bool:
    """Whether a fact is worth a line: it is known, or could be with this kind of resource."""
    kind = RESOURCES[awaited.resource]
    return bool(fact) or any(each.name == column for each in kind.columns)


def _kind_of(resource_id: str) -> str:
    fits = (kind.one for kind in RESOURCES.values() if resource_id.startswith(kind.prefix))
    return next(fits, "made of").capitalize()


def _ended(
    told: Mapping[str, str], facts: Mapping[str, Fact], absent_since: datetime | None
) -> list[tuple[str, str]]:
    seen = told["seen"]
    if facts["outcome"] == LATE:
        return []
    if facts["outcome"] == VANISHED:
        since = f", missing since {moment(absent_since)}" if absent_since else ""
        return [("Last looked for", seen + since)]
    # CompletionTime is recent in the API; an endpoint may leave it out.
    at = told["completed"] if facts["completed"] else f"seen at {seen}"
    return [(told["outcome"].capitalize(), at)]


def _of_late(facts: Mapping[str, Fact], told: Mapping[str, str]) -> list[tuple[str, str]]:
    if facts["outcome"] != LATE:
        return []
    state = ", ".join(text for text in (told["state"], told["progress"]) if text)
    return [
        ("Late since", told["late_since"]),
        ("Limit", _lasting(facts["late_after"])),
        ("Usual", _lasting(facts["usual"])),
        ("State", state or "not known"),
        ("AWS last asked", told["asked"]),
    ]


def _lasting(fact: Fact) -> str:
    return lasting(fact) if isinstance(fact, int) else "not known"


def _of_reason(awaited: Awaited, told: Mapping[str, str]) -> list[tuple[str, str]]:
    """AWS's reason, where it gives one, or where one would be wanted."""
    outcome = awaited.outcome(told["outcome"])
    if outcome.name in {VANISHED, LATE}:
        return []
    wanted = "AWS gave no reason." if outcome.state_class == "failed" else ""
    message = told["state_message"] or wanted
    return [("State message", message)] if message else []


def lasting(seconds: int) -> str:
    """A length of time in the two largest units that it has: ``2 hours 5 minutes``."""
    parts = []
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}{'s' if count != 1 else ''}")
    return " ".join(parts[:2]) or "0 seconds"
