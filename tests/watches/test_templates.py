"""Templates of notices: what is refused when they are saved, and that no fact can break one."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.resources import AWAITED
from app.watches.facts import NAMES
from app.watches.messages import (
    BUILT_IN,
    JSON_PROTOCOLS,
    MESSAGE_BYTES,
    Wording,
    by_protocol,
    message_of,
    publish_parameters,
)
from app.watches.samples import check_size, sample
from app.watches.templates import (
    BUILT_IN_JSON,
    TEMPLATE_CHARACTERS,
    TemplateError,
    check_subject,
    check_text,
    fill_json,
    fill_subject,
    fill_text,
    parse_json,
)

NOW = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-central-1:123456789012:backups"
MACHINES = Wording(json_for=JSON_PROTOCOLS)
ANYTHING = st.text(st.characters(codec=None), max_size=300)
EVERY_OUTCOME = [(kind, each.name) for kind, one in AWAITED.items() for each in one.outcomes]


def told(wording: Wording, kind: str = "snapshot", outcome: str = "completed", **more: Any) -> Any:
    watch = {**sample(kind, outcome, TOPIC, NOW), **more}
    return message_of(watch, outcome, "n-1", NOW, wording)


def machine(wording: Wording, **more: Any) -> Any:
    found = told(wording, **more)
    return json.loads(by_protocol(found.message, found.structure)["sqs"])


@pytest.mark.parametrize(("kind", "outcome"), EVERY_OUTCOME)
def test_every_outcome_of_every_kind_has_its_words(kind: str, outcome: str) -> None:
    found = told(MACHINES, kind, outcome)
    awaited = AWAITED[kind]
    assert re.fullmatch(r"[!-~][ -~]{0,98}", found.subject)
    first = found.message.splitlines()[0]
    assert first.startswith(f"The {awaited.one} {awaited_id(found.message)} ")
    assert first.endswith(".")
    assert f"Outcome: {outcome}" in found.message
    if awaited.resource != "snapshot":
        assert "snapshot" not in found.message.lower().replace("snap-", "")
    read = json.loads(by_protocol(found.message, found.structure)["sqs"])
    assert (read["kind"], read["outcome"], read["version"]) == (kind, outcome, 1)


def awaited_id(message: str) -> str:
    found = re.search(r"(snap|ami|i|vol)-[0-9a-f]{17}", message)
    assert found
    return found[0]


def test_late_says_since_when_and_how_long_is_usual_and_when_aws_was_asked() -> None:
    message = told(BUILT_IN, outcome="late").message
    assert "Started: 2026-03-01 13:23:00 UTC\n" in message
    assert "Late since: 2026-03-01 13:53:00 UTC\nLimit: 30 minutes\nUsual: 10 minutes\n" in message
    assert "State: pending, 45%\nAWS last asked: 2026-03-01 14:05:00 UTC\n" in message


def test_the_json_has_numbers_nulls_and_times_after_iso_8601() -> None:
    read = machine(MACHINES, description="")
    assert read["size_gib"] == 100
    assert read["started"] == "2026-03-01T13:23:00Z"
    assert read["description"] is None
    assert read["late_after"] is None


def test_without_json_everybody_gets_the_text() -> None:
    found = told(BUILT_IN)
    assert found.structure == ""
    assert by_protocol(found.message, found.structure) == {"default": found.message}


def test_with_json_the_chosen_protocols_get_it_and_sms_a_short_text() -> None:
    found = told(Wording(json_for=("sqs", "lambda")))
    texts = by_protocol(found.message, found.structure)
    assert texts.keys() == {"default", "sms", "sqs", "lambda"}
    assert texts["default"] == found.message
    assert texts["sms"].startswith("Snapshot done: snap-0123456789abcdef0, eu-central-1")
    assert len(texts["sms"]) <= 140


def test_a_text_too_long_for_sms_is_sent_with_a_short_one_for_it() -> None:
    found = told(Wording(text="${description} " * 20), description="x" * 200)
    assert by_protocol(found.message, found.structure).keys() == {"default", "sms"}


def test_a_topic_s_own_words_are_used() -> None:
    wording = Wording(
        subject="[${region}] ${name}: ${outcome}",
        text="${sentence}\nIt cost $$5.\n",
        json='{"id": "${resource_id}", "size": "${size_gib}", "words": ["${one} ${outcome}"]}',
        json_for=("sqs",),
    )
    found = told(wording)
    assert found.subject == "[eu-central-1] orders-db: completed"
    assert found.message == "The snapshot snap-0123456789abcdef0 is completed.\nIt cost $5.\n"
    assert machine(wording) == {
        "id": "snap-0123456789abcdef0",
        "size": 100,
        "words": ["snapshot completed"],
    }


def test_publish_says_that_the_message_is_a_structure() -> None:
    found = told(MACHINES)
    row = {
        "id": "n-1",
        "outcome": "completed",
        "kind": "snapshot",
        "resource_id": "snap-1",
        "topic_arn": TOPIC,
        **vars(found),
    }
    parameters = publish_parameters(row)
    assert parameters["MessageStructure"] == "json"
    assert json.loads(parameters["Message"])["default"] == found.message
    assert "MessageStructure" not in publish_parameters({**row, "structure": ""})


@given(text=ANYTHING, which=st.sampled_from(["description", "source_name", "state_message"]))
def test_no_fact_can_forge_json_or_a_subject_or_a_line(text: str, which: str) -> None:
    wording = Wording(
        subject=f"${{{'name' if which == 'source_name' else which}}}",
        text="a ${description} ${name} ${state_message} b\nc",
        json='{"first": "x ${description} ${name} ${state_message}", "second": 2}',
        json_for=("sqs",),
    )
    found = told(wording, outcome="failed", **{which: text})
    assert re.fullmatch(r"[!-~][ -~]{0,98}", found.subject)
    assert [line[0] for line in found.message.split("\n")] == ["a", "c"]
    texts = json.loads(found.structure)
    assert texts.keys() == {"default", "sms", "sqs"}
    assert all(isinstance(each, str) for each in texts.values())
    read = json.loads(texts["sqs"])
    assert read.keys() == {"first", "second"}
    found.structure.encode()


@given(text=ANYTHING)
def test_what_is_in_a_fact_is_never_taken_for_a_template(text: str) -> None:
    name = "${outcome} $$ " + text
    assert "${outcome} $$ " in machine(MACHINES, source_name=name)["name"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("${colour}", "There is no fact 'colour'"),
        ("$colour", "There is no fact 'colour'"),
        ("${Name}", "There is no fact 'Name'"),
        ("5 $ more", "names no fact"),
        ("${", "names no fact"),
        ("a\x00b", "U+0000"),
        ("a\ufffeb", "U+FFFE"),
        ("x" * (TEMPLATE_CHARACTERS + 1), "At most"),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_refused_with_the_reason(
    text: str, why: str
) -> None:
    with pytest.raises(TemplateError, match=re.escape(why)):
        check_text(text, NAMES)


@pytest.mark.parametrize("text", ["two\nlines", "Fertig für heute", "tab\there"])
def test_a_subject_is_one_line_of_ascii(text: str) -> None:
    with pytest.raises(TemplateError, match="one line"):
        check_subject(text, NAMES)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[]", "one JSON object"),
        ('{"a": 1, "a": 2}', "there twice"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": 1e999}', "1e999 is not JSON"),
        ('{"a": 1' + "0" * 5000 + "}", "too many digits"),
        ('{"a": ["${colour}"]}', "There is no fact 'colour'"),
        ('{"a": ' + "[" * 25 + "]" * 25 + "}", "levels"),
        ('{"a": ' + "[" * 9000 + "]" * 9000 + "}", "levels"),
        ('{"\\ud800": 1}', "surrogate"),
        ('{"a": "\\ud800"}', "U+D800"),
    ],
)
def test_json_that_is_none_or_would_become_none_is_refused(text: str, why: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(why)):
        parse_json(text, NAMES)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just("a ${name} ${size}"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    document=st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4),
    name=ANYTHING,
)
def test_whatever_json_is_taken_becomes_json_of_the_same_shape(
    document: dict[str, Any], name: str
) -> None:
    text = json.dumps(document)
    try:
        parsed = parse_json(text, NAMES)
    except TemplateError:
        return
    filled = fill_json(parsed, {**dict.fromkeys(NAMES), "name": name, "size": None})
    filled.encode()
    assert _shape(json.loads(filled)) == _shape(document)


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value]
    return None


@given(text=ANYTHING)
def test_whatever_text_is_taken_is_filled_in_without_failing(text: str) -> None:
    try:
        check_text(text, NAMES)
    except TemplateError:
        return
    fill_text(text, dict.fromkeys(NAMES, "x"))
    assert re.fullmatch(r"([!-~][ -~]{0,98})?", fill_subject(text, dict.fromkeys(NAMES, "x")))


def test_a_subject_keeps_its_letters_without_their_accents() -> None:
    assert fill_subject("${name}", {"name": "Zür ich 東 ﬁn"}) == "Zur ich ? fin"


def test_a_subject_that_is_too_long_is_cut() -> None:
    assert fill_subject("x" * 200, {}) == "x" * 96 + "..."


def test_an_empty_text_or_subject_gives_way_to_the_built_in_one() -> None:
    found = told(Wording(subject="${state_message}", text="${state_message}\n"))
    assert found.subject == "Snapshot done"
    assert found.message == told(BUILT_IN).message


def test_the_longest_that_is_saved_is_taken_by_sns() -> None:
    check_size(MACHINES, NOW)
    many = Wording(json='{"a": "' + "${description}" * 40 + '"}', json_for=JSON_PROTOCOLS)
    with pytest.raises(TemplateError, match="256 KiB"):
        check_size(many, NOW)


@given(text=st.sampled_from(['"', "\\", "🐬", "é", "/", "\x01"]), times=st.integers(1, 1000))
def test_no_fact_is_larger_than_what_was_measured(text: str, times: int) -> None:
    wording = Wording(json='{"a": "' + "${description}" * 8 + '"}', json_for=JSON_PROTOCOLS)
    check_size(wording, NOW)
    found = told(wording, outcome="failed", description=text * times, state_message=text * times)
    assert found.size <= MESSAGE_BYTES


def test_templates_that_cannot_be_used_any_more_do_not_keep_a_notice_back() -> None:
    found = told(Wording(text="mine", json='{"a": "${no_longer_a_fact}"}', json_for=("sqs",)))
    assert found == told(BUILT_IN)


def test_templates_that_make_too_much_do_not_keep_a_notice_back() -> None:
    found = told(Wording(text="${description}" * 400), description="x" * 1000)
    assert found.message == told(BUILT_IN, description="x" * 1000).message


def test_the_built_in_json_is_a_template_as_any_other() -> None:
    assert parse_json(json.dumps(BUILT_IN_JSON), NAMES) == BUILT_IN_JSON
