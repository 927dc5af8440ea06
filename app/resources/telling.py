"""The fields that ask what is told: which outcomes, and when it is late. For any form."""

from __future__ import annotations

from collections.abc import Sequence

from wtforms import IntegerField, SelectChoice, SelectField, SelectMultipleField
from wtforms.validators import NumberRange, Optional

from app.resources.fields import options
from app.resources.spec import LATE, Awaited

UNITS = {"minutes": 60, "hours": 3600, "days": 86400}
LONGEST_DAYS = 365
# of these, what is usual is known from the past of their volume
WITH_A_PAST = ("snapshot",)


def outcome_options(awaited: Awaited) -> list[SelectChoice]:
    """The outcomes of what is waited for, each with the sentence that tells more than its name."""
    return options(
        (each.name, each.name if each.name in each.told else f"{each.name}: it {each.told}")
        for each in awaited.outcomes
    )


def usual_outcomes(awaited: Awaited) -> list[str]:
    """The outcomes that are ticked at first: those that end it. Late is for those who ask."""
    return [each.name for each in awaited.outcomes if each.ends and each.name != LATE]


def late_parts(seconds: int | None) -> tuple[int | None, str]:
    """A limit as its fields hold it: a number and a unit."""
    if not seconds:
        return None, "hours"
    unit = next(name for name in reversed(UNITS) if seconds % UNITS[name] == 0 or name == "minutes")
    return seconds // UNITS[unit], unit


class TellingFields:
    """The fields ``outcomes``, ``late_number`` and ``late_unit``, for any form."""

    outcomes = SelectMultipleField("Tell me when")
    late_number = IntegerField("Late after", validators=[Optional(), NumberRange(1, 100_000)])
    late_unit = SelectField(
        "Unit", choices=options((name, name) for name in UNITS), default="hours"
    )

    def offer_outcomes(self, awaited: Awaited, ticked: Sequence[str]) -> None:
        """Fill in what can be told; ``ticked`` where a person has not chosen yet."""
        self.outcomes.choices = outcome_options(awaited)
        if not self.outcomes.data:
            self.outcomes.data = [each.name for each in awaited.outcomes if each.name in ticked]
        known = awaited.kind in WITH_A_PAST
        self.late_number.flags.optional = known
        self.late_number.description = (
            "Empty: three times what snapshots of this volume usually take."
            if known
            else f"A number is needed: what is usual is not known of {_a(awaited.one)}."
        )

    @property
    def late_after(self) -> int | None:
        """Seconds after which it is late; None: three times what is usual."""
        if LATE not in (self.outcomes.data or ()) or not self.late_number.data:
            return None
        return int(self.late_number.data) * UNITS[self.late_unit.data]

    def faults_in_telling(self, awaited: Awaited) -> list[tuple[str, str]]:
        """What is wrong with the fields: (field, what)."""
        if not self.outcomes.data:
            return [("outcomes", "Choose at least one.")]
        if LATE not in self.outcomes.data:
            return []
        if self.late_number.data is None and awaited.kind not in WITH_A_PAST:
            return [("late_number", str(self.late_number.description))]
        if (self.late_after or 0) > LONGEST_DAYS * UNITS["days"]:
            return [("late_number", f"{LONGEST_DAYS} days at most.")]
        return []


def _a(one: str) -> str:
    return f"an {one}" if one[0] in "aeiou" else f"a {one}"
