"""Form fields of our own: tags, pickers, and the validators that many forms share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from wtforms import Field, SelectChoice, StringField, ValidationError

MAX_TAGS = 50
MAX_KEY = 128
MAX_VALUE = 256
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def options(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """The choices of a field, from values and labels."""
    return [SelectChoice(value=value, label=label) for value, label in pairs]


class PickerField(StringField):  # type: ignore[misc]
    """A text field that is searched as one types: ``picker_url`` answers with what fits.

    ``unread`` says why what is offered could not be read.
    """

    unread = ""

    def __init__(self, label: str, picker_url: str, **arguments: Any) -> None:
        super().__init__(label, **arguments)
        self.picker_url = picker_url


class TagsField(Field):  # type: ignore[misc]
    """Rows of key and value: ``tags-0-key``, ``tags-0-value`` and so on. ``data`` is a dict."""

    def __init__(self, label: str = "Tags", **arguments: Any) -> None:
        super().__init__(label, **arguments)
        self.rows: list[tuple[str, str]] = []

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        """Read the rows from the form, or from a dict of tags that ``data`` gives."""
        self.process_errors: list[str] = []
        given = list(data.items()) if isinstance(data, Mapping) else []
        self.rows = self._sent(formdata) if formdata else given
        self.data = dict(self.rows)

    def _sent(self, formdata: Any) -> list[tuple[str, str]]:
        form = re.compile(rf"^{re.escape(self.name)}-(\d{{1,4}})-key$")
        numbers = sorted(int(match[1]) for name in formdata if (match := form.match(name)))
        pairs = [
            (
                formdata.get(f"{self.name}-{number}-key", "").strip(),
                formdata.get(f"{self.name}-{number}-value", ""),
            )
            for number in numbers
        ]
        return [(key, value) for key, value in pairs if key or value]

    def pre_validate(self, form: Any) -> None:
        """What AWS says of tags: how many, how long, which names are reserved."""
        keys = [key for key, _ in self.rows]
        if len(self.rows) > MAX_TAGS:
            raise ValidationError(
                f"A resource can have {MAX_TAGS} tags; these are {len(self.rows)}."
            )
        for key, value in self.rows:
            problem = tag_problem(key, value)
            if problem:
                raise ValidationError(problem)
        doubled = next((key for key in keys if keys.count(key) > 1), None)
        if doubled is not None:
            raise ValidationError(f"The key {doubled!r} is there twice; each can have one value.")


def tag_problem(key: str, value: str) -> str | None:
    """Why AWS would not take this tag, or None."""
    if not key:
        return f"The value {value!r} has no key."
    if len(key) > MAX_KEY:
        return f"The key {key[:20]}… has {len(key)} characters; {MAX_KEY} are allowed."
    if len(value) > MAX_VALUE:
        return f"The value of {key!r} has {len(value)} characters; {MAX_VALUE} are allowed."
    if key.lower().startswith("aws:"):
        return f"The key {key!r} begins with aws:, which AWS keeps for itself. Choose another."
    if CONTROL.search(key) or CONTROL.search(value):
        return f"The tag {CONTROL.sub('?', key)!r} holds control characters; remove them."
    return None


class OneLine:
    """No control characters and no line breaks, at most ``most`` characters."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self, form: Any, field: Any) -> None:
        value = field.data or ""
        if len(value) > self.most:
            raise ValidationError(f"At most {self.most} characters; this has {len(value)}.")
        if CONTROL.search(value) or "\n" in value or "\r" in value:
            raise ValidationError("Line breaks and control characters are not possible here.")


class Ascii:
    """Printable ASCII only, as AWS wants it for descriptions of snapshots' images and subjects."""

    def __call__(self, form: Any, field: Any) -> None:
        wrong = next((mark for mark in field.data or "" if not 32 <= ord(mark) < 127), None)
        if wrong is not None:
            raise ValidationError(
                f"{wrong!r} is not possible here: letters without accents, digits, "
                "spaces and punctuation only."
            )


class Id:
    """An id that AWS could have given: ``prefix`` and 8 or 17 hexadecimal digits."""

    def __init__(self, prefix: str, of: str) -> None:
        self.form = re.compile(rf"^{re.escape(prefix)}[0-9a-f]{{8,17}}$")
        self.prefix, self.of = prefix, of

    def __call__(self, form: Any, field: Any) -> None:
        value = (field.data or "").strip()
        field.data = value
        if value and not self.form.match(value):
            raise ValidationError(
                f"{value[:60]!r} is not the id of {self.of}; it would look like "
                f"{self.prefix}0123456789abcdef0."
            )


def strip(value: str | None) -> str | None:
    """A WTForms filter: without space around."""
    return value.strip() if value else value
