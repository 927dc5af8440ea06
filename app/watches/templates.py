"""Texts of notices that a person has written: checked when they are saved, filled in when owed.

A template is a text with names of facts in it: ``${resource_id}``. In the JSON template every
string is one, filled in by itself, so that the whole stays JSON whatever the facts are.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Collection, Mapping
from string import Template
from typing import Any, NoReturn

from app.watches.harmless import harmless

SUBJECT_CHARACTERS = 99  # SNS takes fewer than 100
SMS_CHARACTERS = 140
SMS_MOST = 1600  # of one Publish; SNS would deliver nothing longer
TEMPLATE_CHARACTERS = 20_000
_DEPTH = 20  # of lists and objects in one another
_ALONE = re.compile(r"\$\{([a-z_]+)\}")

BUILT_IN_SUBJECT = "${subject}"
BUILT_IN_TEXT = "${sentence}\n\n${facts}\n"
# What machines read unless somebody writes their own; docs/messages.md tells its versions.
BUILT_IN_JSON: dict[str, Any] = {
    "version": 1,
    **{
        name: f"${{{name}}}"
        for name in (
            "notice",
            "watch",
            "kind",
            "outcome",
            "sentence",
            "resource_id",
            "name",
            "source_id",
            "source_name",
            "description",
            "state",
            "state_message",
            "progress",
            "size_gib",
            "started",
            "completed",
            "seen",
            "asked",
            "late_after",
            "late_since",
            "usual",
            "region",
            "account",
            "topic",
            "link",
        )
    },
}


class TemplateError(Exception):
    """A template that cannot be used; the text says why, and what would do."""


def check_text(text: str, names: Collection[str]) -> None:
    """Raises TemplateError unless ``text`` can be filled in with facts of these names."""
    if len(text) > TEMPLATE_CHARACTERS:
        raise TemplateError(f"At most {TEMPLATE_CHARACTERS:,} characters; this has {len(text):,}.")
    odd = next((character for character in text if _cannot_be_sent(character)), None)
    if odd is not None:
        raise TemplateError(f"The character U+{ord(odd):04X} cannot be sent.")
    for found in Template.pattern.finditer(text):
        name = found["named"] or found["braced"]
        if found["escaped"] is not None:
            continue
        if name is None:
            where = text[found.start() : found.start() + 20]
            raise TemplateError(
                f"{harmless(where)!r} names no fact. Write ${{name}}, or $$ for a dollar sign."
            )
        if name not in names:
            raise TemplateError(
                f"There is no fact {harmless(name, 40)!r}; there are {', '.join(names)}."
            )


def _cannot_be_sent(character: str) -> bool:
    # SQS takes what XML 1.0 has, and nothing else
    if character in "\t\n\r":
        return False
    return unicodedata.category(character) in {"Cc", "Cs"} or character in "\ufffe\uffff"


def check_subject(text: str, names: Collection[str]) -> None:
    """Raises TemplateError unless ``text`` can be a subject: as check_text, and as SNS has it."""
    check_text(text, names)
    if any(not 32 <= ord(character) < 127 for character in text):
        raise TemplateError(
            "A subject is one line of letters without accents, digits, spaces and punctuation."
        )


def parse_json(text: str, names: Collection[str]) -> dict[str, Any]:
    """A JSON template as an object, every string in it checked. Raises TemplateError."""
    if len(text) > TEMPLATE_CHARACTERS:
        raise TemplateError(f"At most {TEMPLATE_CHARACTERS:,} characters; this has {len(text):,}.")
    try:
        document = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_number
        )
    except RecursionError:
        raise TemplateError(f"No more than {_DEPTH} levels in one another.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise TemplateError(f"This is not JSON: {error.msg} at {place}.") from None
    except ValueError:
        raise TemplateError("A number has too many digits.") from None
    if not isinstance(document, dict):
        raise TemplateError('It must be one JSON object: {"id": "${resource_id}"}')
    _check_values(document, names, 0)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise TemplateError(f"The key {harmless(twice, 40)!r} is there twice in one object.")
    return dict(pairs)


def _number(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _constant(harmless(text, 40))


def _constant(name: str) -> NoReturn:
    raise TemplateError(f"{name} is not JSON.")


def _check_values(value: Any, names: Collection[str], depth: int) -> None:
    if depth > _DEPTH:
        raise TemplateError(f"No more than {_DEPTH} levels in one another.")
    if isinstance(value, str):
        check_text(value, names)
    elif isinstance(value, dict):
        for key, each in value.items():
            _check_characters(key)
            _check_values(each, names, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _check_values(each, names, depth + 1)


def _check_characters(key: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in key):
        raise TemplateError("A key holds half a character (a surrogate).")


def fill_text(text: str, facts: Mapping[str, str]) -> str:
    """A text with the facts in it. What is no fact (any more) stays as it was written."""
    return Template(text.replace("\r\n", "\n")).safe_substitute(facts)


def fill_subject(text: str, facts: Mapping[str, str]) -> str:
    """As SNS takes it: under 100 characters of one line of ASCII, no space first; may be empty.

    Accents are taken off; what has no likeness in ASCII becomes a question mark.
    """
    line = harmless(fill_text(text, facts), 10 * SUBJECT_CHARACTERS)
    bare = "".join(
        character
        for character in unicodedata.normalize("NFKD", line)
        if not unicodedata.combining(character)
    )
    plain = bare.encode("ascii", "replace").decode()
    plain = " ".join("".join(c if 32 <= ord(c) < 127 else " " for c in plain).split())
    if len(plain) <= SUBJECT_CHARACTERS:
        return plain
    return plain[: SUBJECT_CHARACTERS - 3].rstrip() + "..."


def fill_json(
    document: Mapping[str, Any], facts: Mapping[str, str | int | None], *, indent: int | None = None
) -> str:
    """The document as JSON, with the facts in every string.

    A string that is one name alone becomes that fact: a number stays one, and what is not known
    is null. Elsewhere what is not known is left out.
    """
    texts = {name: "" if fact is None else str(fact) for name, fact in facts.items()}
    return json.dumps(_filled(document, facts, texts), ensure_ascii=False, indent=indent)


def _filled(value: Any, facts: Mapping[str, str | int | None], texts: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        alone = _ALONE.fullmatch(value)
        if alone and alone[1] in facts:
            return facts[alone[1]]
        return _no_halves(Template(value).safe_substitute(texts))
    if isinstance(value, dict):
        return {key: _filled(each, facts, texts) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, facts, texts) for each in value]
    return value


def _no_halves(text: str) -> str:
    # JSON can spell half a character (\ud800), which UTF-8 cannot
    return text.encode("utf-8", "replace").decode()
