from __future__ import annotations

import pytest
from sqlalchemy import Engine

from app.watches import WatchError
from tests.watches.fakes import FakeAws
from tests.watches.rules_desk import ONE, RulesDesk, draft_of, finish, snapshot


@pytest.fixture
def desk(engine: Engine, aws: FakeAws) -> RulesDesk:
    return RulesDesk(engine, aws)


def test_a_rule_that_is_off_catches_nothing_and_on_again_what_is_pending(desk: RulesDesk) -> None:
    rule = desk.make(enabled=False)
    desk.see(snapshot(1), snapshot(2, "completed"))
    desk.catch()
    assert desk.caught() == []
    desk.later(minutes=5)
    assert desk.rules.switch(rule.id, True, "you")
    desk.catch()
    assert desk.caught() == [ONE]
    assert desk.rule(rule.id).actor == "you"
    assert not desk.rules.switch(rule.id, True, "you")


def test_another_name_changes_nothing_else(desk: RulesDesk) -> None:
    rule = desk.make()
    desk.later(minutes=5)
    desk.rules.change(rule.id, draft_of(rule, name="Every night"), "me")
    assert desk.rule(rule.id).changed_at == rule.changed_at
    assert desk.rule(rule.id).name == "Every night"


def test_a_deleted_rule_keeps_what_it_has_promised(desk: RulesDesk) -> None:
    rule = desk.make()
    desk.see(snapshot(1))
    desk.catch()
    assert desk.rules.remove(rule.id)
    assert not desk.rules.remove(rule.id)
    desk.see(snapshot(2))
    desk.catch()
    assert desk.caught() == [ONE]
    finish(desk)
    assert len(desk.aws.published) == 1


def test_hostile_names_and_tags_are_only_text(desk: RulesDesk) -> None:
    name = "x\0\n' OR 1=1 --<script>\u202e"
    rule = desk.make(name=name, filter='tag:"a\\"\0b" = "<b>\\"\'; DROP TABLE rules"')
    desk.see(snapshot(1, tags={'a"\0b': "<b>\"'; DROP TABLE rules"}))
    desk.catch()
    assert desk.caught() == [ONE]
    assert desk.rule(rule.id).name.isprintable()


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("name", {"name": " \n "}),
        ("kind", {"kind": "topic"}),
        ("filter", {"filter": "state ="}),
        ("filter", {"filter": "x" * 1001}),
        ("topic_arn", {"topic_arn": "backups"}),
        ("outcomes", {"outcomes": []}),
        ("outcomes", {"outcomes": ["done"]}),
        ("late_after", {"late_after": 0}),
        ("late_after", {"late_after": 400 * 86_400}),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    desk: RulesDesk, field: str, more: dict[str, object]
) -> None:
    with pytest.raises(WatchError) as refused:
        desk.make(**more)
    assert refused.value.field == field
    assert desk.rules.list() == []


def test_a_form_that_is_sent_twice_makes_one_rule(desk: RulesDesk) -> None:
    draft = draft_of(desk.make(name="Another"))
    first = desk.rules.make(draft, "me", "token-1")
    assert desk.rules.make(draft, "me", "token-1") == first
    assert len(desk.rules.list()) == 2
