"""What one look at AWS means for a watch. No database, no AWS: data in, data out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from app.aws.listing import Description
from app.resources import AWAITED
from app.resources.spec import LATE, VANISHED, Awaited, Outcome
from app.watches.harmless import LONGEST, harmless
from app.watches.lateness import late_since
from app.watches.moments import moment_of
from app.watches.tables import SKEW

OPEN = ("intended", "waiting")
# Being absent for long must also have been seen more than once: the clock may step forward.
_LOOKS = 3
# For so long after something was done, or was seen, AWS may still tell of what was before.
LAG = timedelta(seconds=15)
# By so much may two tellings of the same beginning differ.
_SAME_START = timedelta(seconds=5)


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
    """What a look means: the watch's next state, other columns that change, events to tell.

    ``reached``: the outcomes that were reached by it, in that order, to be told or not.
    """

    state: str
    values: Mapping[str, Any]
    told: tuple[tuple[str, str], ...] = ()
    reached: tuple[str, ...] = ()


def facts(awaited: Awaited, description: Description) -> dict[str, Any]:
    """What a description tells of a resource, as columns; what it does not tell is left out."""
    told = awaited.facts(description)
    columns = {name: harmless(told.get(name) or "", most) for name, most in _TEXTS.items()}
    moments = {name: moment_of(told.get(name)) for name in ("started_at", "completed_at")}
    found = {**columns, **moments, "size_gib": _size(told.get("size_gib"))}
    return {name: value for name, value in found.items() if value not in (None, "")}


def _size(told: object) -> int | None:
    # More than the column holds no volume ever has.
    return told if isinstance(told, int) and 0 <= told < 2**31 else None


def awaited_by(watch: Mapping[str, Any]) -> Awaited:
    """What a watch waits for."""
    return AWAITED[watch["kind"]]


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


def seen(watch: Mapping[str, Any], description: Description, now: datetime) -> Finding:
    """As ``present``, for a resource that a poll read: it may have reached outcomes."""
    told = facts(awaited_by(watch), description)
    if _is_old(watch, told, now):
        return Finding("waiting", {})
    if _is_another(watch, told):
        text = "AWS tells of another one that was begun since, and no more of this one."
        return Finding(VANISHED, {"state_message": text}, (("state", text),), (VANISHED,))
    return _with_outcomes(watch, present(watch, description), _reached(watch, told))


def passed_already(awaited: Awaited, description: Description) -> tuple[str, ...]:
    """The outcomes that a resource has reached before a watch is put on it; not to be told."""
    state = str(facts(awaited, description).get("aws_state"))
    return tuple(each.name for each in awaited.outcomes if state in each.states)


def nothing_to_come(awaited: Awaited, outcomes: Sequence[str], passed: Sequence[str]) -> bool:
    """Whether none of the chosen ``outcomes`` can be told any more, since they were passed.

    Who waits for something also asks to be told when it is late or vanishes, but does not wait
    for that alone; unless nothing else was asked for.
    """
    if any(awaited.outcome(name).ends for name in passed):
        return True
    awaited_for = set(outcomes) - {LATE, VANISHED}
    return (awaited_for or set(outcomes)) <= set(passed)


def _is_old(watch: Mapping[str, Any], told: Mapping[str, Any], now: datetime) -> bool:
    """Whether AWS tells of what was before: of an earlier time, or before it was last changed."""
    awaited = awaited_by(watch)
    began = told.get("started_at")
    if awaited.dated and began is not None:
        earliest = watch["started_at"] or watch["made_at"] - SKEW
        return bool(began < earliest - _SAME_START)
    was, is_now = watch["aws_state"], told.get("aws_state", "")
    young = now < watch["made_at"] + LAG
    return young and (was, is_now) in awaited.backwards and not _restarted(watch, told)


def _is_another(watch: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    return awaited_by(watch).dated and _restarted(watch, told)


def _restarted(watch: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    was, began = watch["started_at"], told.get("started_at")
    return bool(was and began and began > was + _SAME_START)


def _reached(watch: Mapping[str, Any], told: Mapping[str, Any]) -> list[Outcome]:
    """The outcomes that are reached now, those that were passed on the way before the others."""
    state = told.get("aws_state", "")
    left = [each for each in awaited_by(watch).outcomes if each.name not in watch["passed"]]
    on_the_way = [each for each in left if _was_passed(each, watch, told)]
    return on_the_way + [each for each in left if state in each.states and each not in on_the_way]


def _was_passed(outcome: Outcome, watch: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    if outcome.before_start and _restarted(watch, told):
        return True
    # What was made for the watch, or made a rule make it, has been all that comes before.
    new = watch["state"] == "intended" or (watch["rule_id"] and not watch["polls"])
    was, is_now = watch["aws_state"], told.get("aws_state", "")
    return any(is_now == after and (new or was == before) for before, after in outcome.between)


def _with_outcomes(
    watch: Mapping[str, Any], finding: Finding, reached: Sequence[Outcome]
) -> Finding:
    """``finding`` with what was reached: the watch ends, or goes on if something may yet come."""
    if not reached:
        return finding
    names = tuple(each.name for each in reached)
    ending = next((each.name for each in reached if each.ends), None)
    values = dict(finding.values)
    passing = [each.name for each in reached if not each.ends]
    if passing:
        values["passed"] = [*watch["passed"], *passing]
    state = ending or finding.state
    if ending is None and nothing_to_come(awaited_by(watch), watch["outcomes"], values["passed"]):
        state = passing[-1]
    return replace(finding, state=state, values=values, reached=finding.reached + names)


def late(watch: Mapping[str, Any], finding: Finding, now: datetime) -> Finding:
    """``finding``, and that the watch is late, if it is and that is to be told.

    Also if AWS could not be asked: it is a matter of time. It must have been late when AWS was
    to be asked before this as well, so that a clock that steps forward for a moment makes nothing
    late; and its beginning is told by AWS.
    """
    after = {**watch, **finding.values}
    since = late_since(after)
    if finding.state != "waiting" or watch["state"] != "waiting" or since is None:
        return finding
    if LATE not in watch["outcomes"] or LATE in after["passed"]:
        return finding
    if min(now, watch["due_set_at"]) < since:
        return finding
    return _with_outcomes(after, finding, [awaited_by(watch).outcome(LATE)])


def absent(watch: Mapping[str, Any], now: datetime, patience: timedelta) -> Finding:
    """The resource is not there. Only after ``patience`` is that believed.

    AWS is eventually consistent: what has just been made may not be listed yet. A watch that
    waits has then reached the outcome that this is, mostly VANISHED; one that was only intended
    is ``abandoned``.
    """
    since = watch["absent_since"]
    first = since is None or since > now  # the clock stepped back: count anew
    looks = watch["absent_polls"] + 1
    values = {"absent_polls": looks, "absent_since": now if first else since}
    intended = watch["state"] == "intended"
    if looks >= _LOOKS and not first and now - since >= patience:
        if intended:
            return Finding("abandoned", values, (("abandoned", _never_made(patience)),))
        gone = awaited_by(watch).gone
        return Finding(gone, values, reached=(gone,))
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
