from __future__ import annotations

import pytest

from app.inventory.filters import Compare, FilterError, HasTag, Term, Word, parse, quote

KEYS = ("id", "name", "region", "state", "volume_id")


def test_an_empty_filter_has_no_terms():
    assert parse("", KEYS) == ()
    assert parse(" \t\n", KEYS) == ()


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("web", [Word("web")]),
        ("web db", [Word("web"), Word("db")]),
        ('"web db"', [Word("web db")]),
        (r'"a \"b\" \\ c"', [Word(r'a "b" \ c')]),
        ("state=running", [Compare("state", "=", "running")]),
        ("state = running", [Compare("state", "=", "running")]),
        ("state  !=  running", [Compare("state", "!=", "running")]),
        ("name : web", [Compare("name", ":", "web")]),
        ("name:web", [Compare("name", ":", "web")]),
        ("STATE = running", [Compare("state", "=", "running")]),
        ("volume-id = vol-1", [Compare("volume_id", "=", "vol-1")]),
        ('state = ""', [Compare("state", "=", "")]),
        ("name = a=b:c", [Compare("name", "=", "a=b:c")]),
        ("tag:Name", [HasTag("tag:Name")]),
        ('tag:"my tag"', [HasTag("tag:my tag")]),
        ("tag:Name = lj_volume", [Compare("tag:Name", "=", "lj_volume")]),
        ("tag:Name=lj_volume", [Compare("tag:Name", "=", "lj_volume")]),
        ("tag:Name != x", [Compare("tag:Name", "!=", "x")]),
        ("tag:Name : web", [Compare("tag:Name", ":", "web")]),
        ("tag:Name: web", [Compare("tag:Name", ":", "web")]),
        ('tag:Name:"web 1"', [Compare("tag:Name", ":", "web 1")]),
        ("tag:aws:cloudformation:stack", [HasTag("tag:aws:cloudformation:stack")]),
        ("tag:aws:x:y = 3", [Compare("tag:aws:x:y", "=", "3")]),
        ("state=running tag:a b", [Compare("state", "=", "running"), HasTag("tag:a"), Word("b")]),
        ("arn:aws:sns:us-east-1:1:done", [Word("arn:aws:sns:us-east-1:1:done")]),
        ("https://sqs.example/1/q", [Word("https://sqs.example/1/q")]),
        ("02:06:f9:1b", [Word("02:06:f9:1b")]),
        ("10.0.0.1", [Word("10.0.0.1")]),
        ("<script>", [Word("<script>")]),
        ("état=3", [Word("état=3")]),
    ],
)
def test_a_filter_is_read_term_by_term(text: str, terms: list[Term]):
    assert parse(text, KEYS) == tuple(terms)


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ('"web', 0, "not closed"),
        ('web state = "a', 12, "not closed"),
        ("state =", 7, "a value after"),
        ("tag:Name =", 10, "a value after"),
        ("tag:", 4, "name of a tag"),
        ("tag: x", 4, "name of a tag"),
        ("web stat = running", 4, "'stat'"),
        ("colour:red", 0, "tag:colour"),
        ("state > 3", 6, "use = (is)"),
        ("state <= 3", 6, "use = (is)"),
        ('"web"db', 5, "a space here"),
        ('state = "a"b', 11, "a space here"),
        ('tag:"a"b', 7, "a space here"),
    ],
)
def test_what_does_not_parse_is_told_with_its_place_and_a_hint(text: str, position: int, hint: str):
    with pytest.raises(FilterError) as caught:
        parse(text, KEYS)
    assert caught.value.field == "q"
    assert caught.value.position == position
    assert hint in caught.value.message


def test_an_unknown_column_is_answered_with_the_columns_that_there_are():
    with pytest.raises(FilterError, match="id, name, region, state, volume_id"):
        parse("size = 3", KEYS)


def test_a_filter_that_is_too_long_is_refused():
    parse("x" * 1000, KEYS)
    with pytest.raises(FilterError, match="1000 characters"):
        parse("x" * 1001, KEYS)


def test_a_filter_with_too_many_conditions_is_refused():
    parse("x " * 50, KEYS)
    with pytest.raises(FilterError, match="50 conditions"):
        parse("x " * 51, KEYS)


@pytest.mark.parametrize("value", ["web", "", "a b", 'say "yes"', "back\\slash", '"', "\n", "a=b"])
def test_a_quoted_value_is_read_as_it_was(value: str):
    assert parse(f"name = {quote(value)}", KEYS) == (Compare("name", "=", value),)
