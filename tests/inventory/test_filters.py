from __future__ import annotations

import math
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.inventory.filters import (
    All,
    Between,
    Contains,
    Equals,
    Expression,
    FilterError,
    HasTag,
    Not,
    Some,
    Starts,
    Word,
    parse,
    quote,
    quote_word,
)
from app.resources import RESOURCES
from app.resources.volumes import VOLUME
from tests.inventory.boxes import NOON, make_resource

BOX = make_resource()
A, B, C = Word("a"), Word("b"), Word("c")
READY = Equals("state", "ready")


def read(text: str) -> Expression | None:
    return parse(text, BOX, NOON)


def refused(text: str) -> FilterError:
    with pytest.raises(FilterError) as caught:
        read(text)
    assert caught.value.field == "q"
    return caught.value


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def before(end: float, included: bool = False) -> Between:
    return Between("started", -math.inf, end, False, included)


def after(start: float, included: bool = False) -> Between:
    return Between("started", start, math.inf, included, False)


def test_an_empty_filter_asks_for_everything():
    assert read("") is None
    assert read(" \t\n") is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("web", Word("web")),
        ('"web db"', Word("web db")),
        (r'"a \"b\" \\ c"', Word(r'a "b" \ c')),
        ("state=ready", READY),
        ("state = ready", READY),
        ("state  !=  ready", Not(READY)),
        ("name : web", Contains("name", "web")),
        ("name:Web", Contains("name", "web")),
        ("name ^ Web-", Starts("name", "web-")),
        ("name^web", Starts("name", "web")),
        ("STATE = ready", READY),
        ('state = ""', Equals("state", "")),
        ("name = a=b:c", Equals("name", "a=b:c")),
        ("name = or", Equals("name", "or")),
        ("tag:Name", HasTag("tag:Name")),
        ("not tag:Name", Not(HasTag("tag:Name"))),
        ('tag:"my tag"', HasTag("tag:my tag")),
        ('tag:"my tag" = 1', Equals("tag:my tag", "1")),
        ("tag:Name = lj_volume", Equals("tag:Name", "lj_volume")),
        ("tag:Name=lj_volume", Equals("tag:Name", "lj_volume")),
        ("tag:Name != x", Not(Equals("tag:Name", "x"))),
        ("tag:Name : web", Contains("tag:Name", "web")),
        ("tag:Name: web", Contains("tag:Name", "web")),
        ('tag:Name:"web 1"', Contains("tag:Name", "web 1")),
        ("tag:Name ^ web", Starts("tag:Name", "web")),
        ("tag:aws:cloudformation:stack", HasTag("tag:aws:cloudformation:stack")),
        ("tag:aws:x:y = 3", Equals("tag:aws:x:y", "3")),
        ("arn:aws:sns:us-east-1:1:done", Word("arn:aws:sns:us-east-1:1:done")),
        ("https://sqs.example/1/q", Word("https://sqs.example/1/q")),
        ("02:06:f9:1b", Word("02:06:f9:1b")),
        ("10.0.0.1", Word("10.0.0.1")),
        ("<script>", Word("<script>")),
        ("état=3", Word("état=3")),
        ("web(1)", Word("web(1)")),
        ("1:)", Word("1:)")),
        ("android nothing order", All((Word("android"), Word("nothing"), Word("order")))),
        ('"and"', Word("and")),
        ("a\0", Word("a\ufffd")),
    ],
)
def test_a_condition_is_read(text: str, wanted: Expression):
    assert read(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a b", All((A, B))),
        ("a and b AND c", All((A, B, C))),
        ("a b or c", Some((All((A, B)), C))),
        ("a or b and c", Some((A, All((B, C))))),
        ("a Or b oR c", Some((A, B, C))),
        ("(a or b) c", All((Some((A, B)), C))),
        ("(a b) c", All((A, B, C))),
        ("((a))", A),
        ("(state = ready) or(tag:x)", Some((READY, HasTag("tag:x")))),
        ("not a b", All((Not(A), B))),
        ("not (a b)", Not(All((A, B)))),
        ("not(a)", Not(A)),
        ("not not a", Not(Not(A))),
        ("a not b", All((A, Not(B)))),
        ("(name = web(1))", Equals("name", "web(1)")),
        ("state=ready tag:a b", All((READY, HasTag("tag:a"), B))),
    ],
)
def test_conditions_are_joined(text: str, wanted: Expression):
    assert read(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("size > 100", Between("size", 100, math.inf, False, False)),
        ("size>=100", Between("size", 100, math.inf, True, False)),
        ("size < 1.5", Between("size", -math.inf, 1.5, False, False)),
        ("size <= -1e3", Between("size", -math.inf, -1000, False, True)),
        ("packed < 50%", Between("packed", -math.inf, 50, False, False)),
        ("packed < 50", Between("packed", -math.inf, 50, False, False)),
        ("tag:Cost > 5", Between("tag:Cost", 5, math.inf, False, False)),
        ("tag:Cost<=5", Between("tag:Cost", -math.inf, 5, False, True)),
        ("size = 3", Equals("size", "3")),
        ("packed = 99", Equals("packed", "99%")),
        ("packed = 99%", Equals("packed", "99%")),
        ("sealed = true", Equals("sealed", "yes")),
        ("sealed = No", Equals("sealed", "no")),
    ],
)
def test_numbers_and_flags_are_read(text: str, wanted: Expression):
    assert read(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("started > 2026-01-01", after(at("2026-01-02"), True)),
        ("started >= 2026-01-01", after(at("2026-01-01"), True)),
        ("started < 2026-01-01", before(at("2026-01-01"))),
        ("started <= 2026-01-01", before(at("2026-01-02"))),
        ("started > 2025", after(at("2026-01-01"), True)),
        ("started < 2026-02", before(at("2026-02-01"))),
        ("started <= 2026-02", before(at("2026-03-01"))),
        ("started <= 2024", before(at("2025-01-01"))),
        ("started > 2026-01-01T10:00", after(at("2026-01-01T10:01"), True)),
        ("started > 2026-01-01T10:00:00Z", after(at("2026-01-01T10:00:01"), True)),
        ("started > 2026-01-01t10:00:00.5z", after(at("2026-01-01T10:00:00.500"))),
        ("started <= 2026-01-01T10:00:00.5", before(at("2026-01-01T10:00:00.500"), True)),
        ('started > "2026-01-01 10:00"', after(at("2026-01-01T10:01"), True)),
        ("started < 2026-01-01T10:00+02:00", before(at("2026-01-01T08:00"))),
    ],
)
def test_a_date_is_the_time_from_its_beginning_to_the_next_one(text: str, wanted: Expression):
    assert read(text) == wanted


def test_equal_to_a_date_is_within_it():
    day = Between("started", at("2026-11-20"), at("2026-11-21"), True, False)
    assert read("started = 2026-11-20") == day
    assert read("started != 2026-11-20") == Not(day)
    month = Between("started", at("2026-11-01"), at("2026-12-01"), True, False)
    assert read("started = 2026-11") == month
    point = at("2026-11-20T10:00:00.250")
    assert read("started = 2026-11-20T10:00:00.250Z") == Between(
        "started", point, point, True, True
    )


def test_the_end_of_all_dates_is_no_trouble():
    assert isinstance(read("started <= 9999-12-31"), Between)
    assert isinstance(read("started > 9999"), Between)


@pytest.mark.parametrize("text", ["started = never", "started = 2026-13", "started = 0000"])
def test_what_is_no_date_is_compared_as_text(text: str):
    assert read(text) == Equals("started", text.split()[-1])


@pytest.mark.parametrize(
    ("age", "seconds"),
    [
        ("45s", 45),
        ("30m", 1800),
        ("12h", 43200),
        ("30d", 2592000),
        ("2w", 1209600),
        ("1Y", 31536000),
    ],
)
def test_less_than_an_age_is_younger(age: str, seconds: int):
    then = NOON.timestamp() - seconds
    assert read(f"started < {age}") == after(then)
    assert read(f"started <= {age}") == after(then, True)
    assert read(f"started > {age}") == before(then)
    assert read(f"started >= {age}") == before(then, True)


def test_a_long_age_asks_for_the_same_all_through_a_minute():
    later = NOON + timedelta(seconds=59, microseconds=5)
    assert parse("started < 1h", BOX, later) == read("started < 1h")
    assert parse("started < 59m", BOX, later) != read("started < 59m")


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ('"web', 0, "not closed"),
        ('web state = "a', 12, "not closed"),
        ("state =", 7, "a value after"),
        ("(state =)", 8, "a value after"),
        ("tag:Name =", 10, "a value after"),
        ("tag:", 4, "name of a tag"),
        ("tag: x", 4, "name of a tag"),
        ("(tag:)", 5, "name of a tag"),
        ("web stat = ready", 4, "did you mean state?"),
        ("started-at < 3d", 0, "did you mean started?"),
        ("colour:red", 0, "tag:colour"),
        ("state > 3", 8, "state holds no numbers or dates"),
        ("region <= 3", 10, "use =, !="),
        ("size > big", 7, "such as 100"),
        ("size > 1e999", 7, "such as 100"),
        ("size > nan", 7, "such as 100"),
        ("tag:Cost > 2026-01-01", 11, "numbers in 'Cost'"),
        ("started > soon", 10, "an age (45m"),
        ("started < 2026-13", 10, "a date (2026-11-20"),
        ("started = 30d", 10, "started < 30d"),
        ('"web"db', 5, "a space here"),
        ('state = "a"b', 11, "a space here"),
        ('tag:"a"b', 7, "a space here"),
        ("a or", 4, "a condition here"),
        ("not", 3, "a condition here"),
        ("or a", 0, "before this word"),
        ("a and or b", 6, "before this word"),
        ("()", 1, "a condition here"),
        ("a (b", 2, "not closed"),
        ("a ) b", 2, "closes"),
    ],
)
def test_what_does_not_parse_is_told_with_its_place_and_a_hint(text: str, position: int, hint: str):
    error = refused(text)
    assert (error.position, hint in error.message) == (position, True), error.message


def test_an_unknown_column_is_answered_with_the_columns_that_there_are():
    assert "account, id, name, note, packed" in refused("colour = 3").message


@pytest.mark.parametrize("name", ["volume_type", "Volume-Type", "type", "TYPE"])
def test_a_column_may_be_named_by_its_title_in_any_case_and_with_either_dash(name: str):
    assert parse(f"{name} = gp3", VOLUME, NOON) == Equals("volume_type", "gp3")


def test_a_filter_that_is_too_long_is_refused():
    read("x" * 1000)
    assert "1000 characters" in refused("x" * 1001).message


def test_a_filter_with_too_many_conditions_is_refused():
    read("x " * 50)
    assert "50 conditions" in refused("x " * 51).message
    assert "50 conditions" in refused("x or " * 50 + "x").message


@pytest.mark.parametrize("how", ["({})", "not {}", "not ({})"])
def test_a_filter_that_is_nested_too_deep_is_refused(how: str):
    text = "a"
    while len(how.format(text)) <= 1000:
        text = how.format(text)
    assert "nested" in refused(text).message


@pytest.mark.parametrize(
    "value", ["web", "", "a b", 'say "yes"', "back\\slash", '"', "\n", "a=b", "(", "a)", "or", "<"]
)
def test_a_quoted_value_is_read_as_it_was(value: str):
    assert read(f"name = {quote(value)}") == Equals("name", value)
    assert read(f"(name = {quote(value)})") == Equals("name", value)
    assert read(quote_word(value)) == Word(value)
    assert read(f"({quote_word(value)})") == Word(value)


@pytest.mark.parametrize("word", ["state=ready", "tag:x", "and", "NOT", "a:b", "x>1", "(a)"])
def test_a_quoted_word_is_a_word_whatever_it_looks_like(word: str):
    assert read(quote_word(word)) == Word(word)


def examples() -> list[str]:
    """The filters in the first column of the table in the documentation."""
    page = Path(__file__).parents[2] / "docs" / "filters.md"
    table = page.read_text().partition("## Rules")[0]
    return [
        example
        for line in table.splitlines()
        if line.startswith("| `")
        for example in re.findall(r"`([^`]+)`", line.split(" | ")[0])
    ]


@pytest.mark.parametrize("example", examples())
def test_the_examples_of_the_documentation_can_be_typed(example: str):
    read_by = []
    for resource in RESOURCES.values():
        with suppress(FilterError):
            read_by.append(parse(example, resource, NOON))
    assert read_by
    assert None not in read_by
