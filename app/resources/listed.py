"""Fields that offer what AWS lists: where the list cannot be read, one types, and AWS checks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from wtforms import Field, SelectField, SelectMultipleField
from wtforms.widgets import TextInput

from app.aws.errors import AwsError

Listed = TypeVar("Listed")
_NOTHING_GOES = {"credentials", "unreachable"}  # the form itself could not be sent either
_WHY = {
    "refused": "The permission {permission} is missing.",
    "throttled": "AWS limits calls; in a while the form may have it again.",
    "unsupported": "This endpoint does not offer {permission}.",
}


class ListedField(SelectField):  # type: ignore[misc]
    """One of what AWS lists."""

    unread = ""

    def _value(self) -> str:
        return self.data or ""


class ListedFields(SelectMultipleField):  # type: ignore[misc]
    """Some of what AWS lists: ids; typed, they stand with commas or spaces between them."""

    unread = ""

    def process_data(self, value: Any) -> None:
        """An address gives them as one text."""
        super().process_data(_split(value) if isinstance(value, str) else value)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Ids hold neither commas nor spaces, so that what was ticked is read in the same way."""
        super().process_formdata([each for text in valuelist for each in _split(text)])

    def _value(self) -> str:
        return ", ".join(self.data or ())


def _split(text: str) -> list[str]:
    return [each for each in re.split(r"[\s,]+", text) if each]


def read_for(field: Field, what: str, instead: str, read: Callable[[], Listed]) -> Listed | None:
    """What ``read`` gives, for a field to offer; None where AWS does not tell.

    Then the field is one to type in, and its ``unread`` says that ``what`` could not be read, why,
    and what to do ``instead``. Raises AwsError where nothing could be sent either.
    """
    try:
        return read()
    except AwsError as error:
        if error.trouble in _NOTHING_GOES:
            raise
        why = _WHY.get(error.trouble, "").format(permission=error.permission)
        told = f"{what} could not be read ({error.code}). {why} {instead} AWS checks it."
        field.unread = " ".join(told.split())
    if isinstance(field, ListedField | ListedFields):
        field.choices, field.widget = [], TextInput()
    return None
