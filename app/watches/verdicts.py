"""What a try that went wrong means for its notice. No database, no AWS: data in, data out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from app.aws.errors import AwsError
from app.watches.harmless import harmless
from app.watches.lanes import TROUBLES, growing
from app.watches.rows import Record
from app.watches.tables import SKEW

SELDOM = timedelta(minutes=15)
# SNS knows what was published to a FIFO topic for 5 minutes; less what the clocks of replicas may
# differ by, and what a try may take.
KNOWN_AGAIN = timedelta(minutes=5) - SKEW - timedelta(seconds=30)
Course = Literal["soon", "seldom", "park"]
WhenUncertain = Literal["repeat", "hold"]


def course(error: AwsError) -> Course:
    """What a failed Publish leads to.

    ``park``: SNS does not take these parameters, and will not the next time either. ``seldom``:
    the topic is gone, or we may not publish to it, until somebody mends that. ``soon``: all else.
    """
    if error.code.startswith(("InvalidParameter", "ParamValidation")):
        return "park"
    if error.trouble in {"missing", "refused", "invalid", "unsupported", "conflict"}:
        return "seldom"
    return "soon"


@dataclass(frozen=True)
class Verdict:
    """What is written of a notice after a try that went wrong.

    ``told``: in words, for the watch's history; empty if that is nothing new. ``of_topic``: all
    that waits for this topic would come to the same. ``of_lane``: the way to it is in trouble.
    """

    values: dict[str, Any]
    told: str = ""
    of_topic: bool = False
    of_lane: bool = False

    @property
    def state(self) -> str:
        """The notice's next state."""
        return str(self.values["state"])


def failed(
    notice: Record, error: AwsError, when_uncertain: WhenUncertain, now: datetime
) -> Verdict:
    """SNS gave an error, or no answer."""
    way, attempts = course(error), notice["attempts"] + 1
    values = {
        "state": "parked" if way == "park" else "waiting",
        "due_at": now + (SELDOM if way == "seldom" else growing(attempts)),
        "due_set_at": now,
        "attempts": attempts,
        "error_code": harmless(error.code, 200),
        "error": harmless(error.message),
        "advice": harmless(_ADVICE[way] if way != "soon" else error.advice),
    }
    if error.may_have_happened:
        values |= _uncertain(notice, when_uncertain)
    text = harmless(f"{error.code}: {error.message} {values['advice']}")
    of_topic = way == "seldom" and error.trouble in {"missing", "refused", "unsupported"}
    # Only what is new is told; the notice itself counts its tries.
    is_new = error.code != notice["error_code"] or values["state"] == "held"
    return Verdict(values, text if is_new else "", of_topic, error.trouble in TROUBLES)


def left(notice: Record, when_uncertain: WhenUncertain, now: datetime) -> Verdict:
    """Whoever was publishing it is not heard of any more."""
    values = {"state": "waiting", "due_at": now, "due_set_at": now}
    values |= {"attempts": notice["attempts"] + 1, "error_code": "Interrupted"}
    values["error"] = "The try before ended without a word: its process died or hangs."
    values |= _uncertain(notice, when_uncertain)
    return Verdict(values, f"{values['error']} {values['advice']}")


def _uncertain(notice: Record, when_uncertain: WhenUncertain) -> dict[str, Any]:
    values = {
        "uncertain": notice["uncertain"] + 1,
        "uncertain_since": notice["uncertain_since"] or notice["last_tried_at"],
    }
    if when_uncertain == "hold":
        return {**values, "state": "held", "advice": _HELD}
    return {**values, "advice": _REPEATED}


def may_publish(notice: Record, now: datetime) -> bool:
    """Whether SNS would still know a notice again that may have reached its FIFO topic.

    A time that has not come yet says that the clock was set back: how long ago it is nobody knows.
    """
    since = notice["uncertain_since"]
    if since is None or not notice["topic_arn"].endswith(".fifo"):
        return True
    return bool(since - SKEW <= now < since + KNOWN_AGAIN)


def too_late(now: datetime) -> Verdict:
    """It is not published again by itself, for ``may_publish`` says no."""
    values = {"state": "held", "due_at": now, "due_set_at": now, "advice": _UNKNOWN}
    return Verdict(values, _UNKNOWN)


_ADVICE = {
    "park": "SNS will not take this message as it is, so it waits for somebody to try it again.",
    "seldom": "It is kept and tried every 15 minutes. Make the topic again or permit "
    "sns:Publish on it, and it goes out by itself.",
}
_REPEATED = "It may have been delivered. It is sent again, with the same id."
_HELD = (
    "It may have been delivered, and this topic's notices are not sent again by themselves: see "
    "whether it has arrived, then send it again or say so."
)
_UNKNOWN = (
    "It may have been delivered some minutes ago, and SNS knows a notice again for 5: "
    "sent now it could arrive twice. See whether it has arrived, then send it again or say so."
)
