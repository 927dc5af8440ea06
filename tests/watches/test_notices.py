"""The book of notices and the settings of topics, on each database."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from app.watches import WatchError
from app.watches.messages import BUILT_IN, Wording, by_protocol, trial_row
from app.watches.notices import FOR_A_PERSON, NoticeBook, NoticeQuery
from app.watches.tables import notices
from app.watches.topic_settings import ALL, HOLD, REPEAT, TopicBook, TopicSettings
from tests.watches.desk import Desk
from tests.watches.fakes import ACCOUNT, REGION, START, TOPIC, FakeAws

OTHER = f"{TOPIC}-of-others"


def owe(engine: Engine, number: int, state: str = "sent", **more: Any) -> str:
    """A notice that was made ``number`` seconds after the start."""
    row = trial_row(TOPIC, ACCOUNT, REGION, START + timedelta(seconds=number), BUILT_IN)
    row |= {"id": f"n-{number:03}", "state": state, **more}
    with engine.begin() as connection:
        connection.execute(insert(notices).values(row))
    return str(row["id"])


def book(engine: Engine, at: datetime = START) -> NoticeBook:
    return NoticeBook(engine, lambda: at)


def test_notices_come_newest_first_and_page_by_page(engine: Engine) -> None:
    made = [owe(engine, number) for number in (1, 2, 3, 4)]
    twin = owe(engine, 5, made_at=START + timedelta(seconds=4))
    first = book(engine).page(NoticeQuery(), 2)
    assert [each.id for each in first] == [twin, made[3]]
    before = (first[-1].made_at, first[-1].id)
    assert [each.id for each in book(engine).page(NoticeQuery(), 9, before)] == made[2::-1]


def test_notices_are_found_by_state_topic_and_kind(engine: Engine) -> None:
    owe(engine, 1)
    held = owe(engine, 2, "held")
    parked = owe(engine, 3, "parked", topic_arn=OTHER)
    image = owe(engine, 4, kind="image")

    def found(query: NoticeQuery) -> list[str]:
        return [each.id for each in book(engine).page(query, 9)]

    assert found(NoticeQuery(FOR_A_PERSON)) == [parked, held]
    assert found(NoticeQuery(FOR_A_PERSON, TOPIC)) == [held]
    assert found(NoticeQuery(kind="image")) == [image]
    assert book(engine).ids(NoticeQuery(FOR_A_PERSON), 9) == [held, parked]
    assert book(engine).counts() == {"held": 1, "parked": 1}
    assert book(engine).for_a_person() == 2


def test_what_is_published_leads_to_where_people_open_the_console(
    engine: Engine, aws: FakeAws
) -> None:
    desk = Desk(engine, aws, timedelta(seconds=5), public_url="https://console.example.com")
    watch = desk.waiting()
    aws.finish(watch.resource_id or "")
    desk.tick()
    test = desk.watches.test(TOPIC, ACCOUNT, REGION)
    desk.work()
    told = [each["Message"] for each in aws.published]
    assert f"https://console.example.com/watches/{watch.id}" in told[0]
    assert f"https://console.example.com/notices/{test}" in told[1]


def test_a_test_is_published_as_every_notice_is(desk: Desk) -> None:
    notice_id = desk.watches.test(TOPIC, ACCOUNT, REGION)
    desk.work()
    (published,) = desk.aws.published
    assert published["Subject"] == "Test from Encante"
    assert notice_id in published["Message"]
    notice = desk.watches.notices.get(notice_id)
    assert notice is not None
    assert (notice.state, notice.sns_message_id, notice.watch_id) == ("sent", "m-1", None)
    assert desk.watches.notices.history(notice) == []


def test_a_test_speaks_json_to_whoever_other_notices_do(desk: Desk) -> None:
    wording = Wording(json='{"id": "${notice}", "gib": "${size_gib}"}', json_for=("sqs",))
    desk.watches.topic_settings.save(TopicSettings(TOPIC, REPEAT, wording), START)
    notice_id = desk.watches.test(TOPIC, ACCOUNT, REGION)
    desk.work()
    texts = by_protocol("", desk.aws.published[0]["Message"])
    assert json.loads(texts["sqs"]) == {"id": notice_id, "gib": None}
    assert texts["default"].startswith("This is a test")


def test_what_was_sent_is_repeated_on_purpose_with_the_same_id(desk: Desk) -> None:
    watch = desk.waiting()
    desk.aws.finish(str(watch.resource_id))
    desk.tick()
    (notice,) = desk.view(watch.id).notices
    desk.watches.repeat(notice.id, "me")
    desk.work()
    assert desk.aws.ids() == [notice.id, notice.id]
    sent = desk.watches.notices.get(notice.id)
    assert sent is not None
    assert sent.sns_message_id == "m-2"
    told = [event.text for event in desk.watches.notices.history(sent)]
    assert "me asked to publish it once more." in told


@pytest.mark.parametrize("state", ["waiting", "sending", "held", "parked"])
def test_only_what_was_sent_can_be_repeated(engine: Engine, state: str) -> None:
    notice_id = owe(engine, 1, state)
    with pytest.raises(WatchError, match=f"is {state}, not sent yet"):
        book(engine).repeat(notice_id, "me")
    with pytest.raises(WatchError, match="no notice"):
        book(engine).repeat("n-nothing", "me")


def test_the_newest_notice_of_a_watch_shows_what_templates_make_of_it(desk: Desk) -> None:
    assert desk.watches.notices.newest() is None
    watch = desk.waiting()
    desk.aws.finish(str(watch.resource_id))
    desk.tick()
    desk.watches.test(TOPIC, ACCOUNT, REGION)
    owed = desk.watches.notices.newest(TOPIC)
    assert owed is not None
    assert owed.watch["id"] == watch.id
    assert desk.watches.notices.newest(OTHER) is None


def test_a_topic_goes_by_its_own_settings_else_by_those_for_all(engine: Engine) -> None:
    topics = TopicBook(engine)
    assert topics.of(TOPIC) == TopicSettings()
    everybody = TopicSettings(ALL, HOLD, Wording(subject="All"), START, "me")
    topics.save(everybody, START)
    assert topics.of(TOPIC) == everybody
    own = TopicSettings(
        TOPIC, REPEAT, Wording(text="Mine", json_for=("sqs", "lambda")), START, "me"
    )
    topics.save(own, START)
    assert topics.of(TOPIC) == topics.own(TOPIC) == own
    assert topics.of(OTHER) == everybody
    assert topics.with_own() == [own]
    topics.forget(TOPIC)
    assert topics.of(TOPIC) == everybody
    assert topics.own(TOPIC) is None


def test_a_notice_is_worded_as_the_topic_s_settings_are_when_it_is_owed(desk: Desk) -> None:
    wording = Wording(subject="Hurrah: ${name}", text="${outcome}!", json_for=("sqs",))
    desk.watches.topic_settings.save(TopicSettings(TOPIC, REPEAT, wording), START)
    watch = desk.waiting()
    desk.aws.finish(str(watch.resource_id))
    desk.later(seconds=5)
    while desk.watches.poll(desk.now):
        pass
    desk.watches.topic_settings.forget(TOPIC)
    desk.work()
    (published,) = desk.aws.published
    assert published["Subject"] == "Hurrah: lj_volume"
    assert published["MessageStructure"] == "json"
    texts = by_protocol("", published["Message"])
    assert texts["default"] == "completed!"
    assert json.loads(texts["sqs"])["resource_id"] == watch.resource_id
