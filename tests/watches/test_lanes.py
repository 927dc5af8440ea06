"""What is in trouble keeps nothing else waiting: not a region, not a topic, not a notice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from app.watches.lanes import LONGEST_THROTTLED_SECONDS
from app.watches.tables import notices, regions
from app.watches.verdicts import SELDOM
from tests.watches.desk import Desk
from tests.watches.fakes import ACCOUNT, FakeAws, Fault, lose_answer, refuse, unreachable
from tests.watches.notices import notice, owed, rows

ELSEWHERE = f"arn:aws:sns:us-east-1:{ACCOUNT}:others"
FIFO = f"arn:aws:sns:eu-central-1:{ACCOUNT}:in-order.fifo"
FOREIGN = "arn:aws:sns:eu-central-1:999999999999:theirs"
OTHER_TOPIC = f"arn:aws:sns:eu-central-1:{ACCOUNT}:others"


def only(aws: FakeAws, part: str, fault: Fault) -> Callable[[], None]:
    """A fault that strikes what is published to topics with ``part`` in their ARN."""

    def strike() -> None:
        if part in str(aws.calls[-1][2].get("TopicArn")):
            fault()

    return strike


def tried(aws: FakeAws, part: str) -> int:
    """How often it was tried to publish to such topics."""
    return sum(part in str(given.get("TopicArn")) for _, _, given in aws.calls)


def troubled(desk: Desk) -> list[tuple[str, str, int]]:
    with desk.engine.connect() as connection:
        query = select(regions.c.account, regions.c.region, regions.c.failures)
        ours = query.where(regions.c.service.startswith("sns"))
        return [tuple(row) for row in connection.execute(ours)]


@pytest.mark.parametrize(
    "fault",
    [
        unreachable(),
        lose_answer(),
        refuse("InternalFailure", 500),
        refuse("Throttling"),
        refuse("ExpiredToken", 403),
    ],
)
@pytest.mark.parametrize("bad", [ELSEWHERE, FOREIGN])
def test_a_region_or_an_account_in_trouble_keeps_no_other_waiting(
    desk: Desk, aws: FakeAws, bad: str, fault: Fault
) -> None:
    for number in range(10):
        owed(desk, aws, number, topic_arn=bad)
    good = [owed(desk, aws, 10 + number) for number in range(10)]
    aws.before["Publish"] += [only(aws, bad, fault)] * 100
    desk.work()
    assert {notice(desk, each).state for each in good} == {"sent"}
    assert tried(aws, bad) == 1, "the others that go this way would have come to the same"
    assert troubled(desk) == [(bad.split(":")[4], bad.split(":")[3], 1)]


def test_a_lane_in_trouble_is_tried_with_one_notice_and_then_opened(
    desk: Desk, aws: FakeAws
) -> None:
    for number in range(10):
        owed(desk, aws, number)
    aws.before["Publish"] += [unreachable()] * 5
    desk.work()
    for _ in range(4):
        before = tried(aws, "backups")
        desk.tick(minutes=3)
        assert tried(aws, "backups") == before + 1
    assert aws.published == []
    desk.tick(minutes=3)
    assert len(aws.ids()) == len(set(aws.ids())) == 10
    assert troubled(desk) == []


def test_what_newly_came_does_not_go_a_way_that_is_closed(desk: Desk, aws: FakeAws) -> None:
    owed(desk, aws)
    aws.before["Publish"] += [unreachable()] * 100
    for _ in range(6):  # for so long that it is left alone for half a minute at least
        desk.tick(minutes=3)
    before = tried(aws, "backups")
    for number in range(2, 8):
        owed(desk, aws, number)  # 5 s each
        desk.work()
    assert tried(aws, "backups") <= before + 1


def test_only_one_process_tries_a_lane(desk: Desk, aws: FakeAws) -> None:
    owed(desk, aws)
    owed(desk, aws, 2)
    aws.before["Publish"].append(unreachable())
    desk.work()
    desk.later(minutes=3)
    second = Desk(desk.engine, aws, desk.poll)
    second.now = desk.now
    counts: list[int] = []

    def meanwhile() -> None:
        second.work()
        counts.append(len(aws.published))

    aws.before["Publish"].append(meanwhile)
    desk.work()
    assert counts == [0], "the other one left it alone while the first tried it"
    assert len(aws.published) == 2


def test_a_lane_that_is_throttled_is_tried_again_soon(desk: Desk, aws: FakeAws) -> None:
    owed(desk, aws)
    aws.before["Publish"] += [refuse("Throttling")] * 12
    for _ in range(12):
        desk.tick(minutes=3)
    owed(desk, aws, 2)
    desk.tick(seconds=LONGEST_THROTTLED_SECONDS)
    assert len(aws.published) >= 1


@pytest.mark.parametrize("code", ["NotFound", "AuthorizationError", "InvalidParameter"])
def test_sns_that_refuses_the_one_notice_it_is_tried_with_is_there_again(
    desk: Desk, aws: FakeAws, code: str
) -> None:
    owed(desk, aws, topic_arn=OTHER_TOPIC)
    aws.before["Publish"] += [unreachable(), refuse(code)]
    desk.work()
    good = [owed(desk, aws, 2 + number) for number in range(3)]
    desk.tick(seconds=5)
    assert {notice(desk, each).state for each in good} == {"sent"}
    assert troubled(desk) == []


def test_a_notice_that_must_not_be_sent_again_does_not_keep_its_lane_closed(
    desk: Desk, aws: FakeAws
) -> None:
    held = owed(desk, aws, topic_arn=FIFO)
    aws.before["Publish"].append(lose_answer())
    desk.work()
    desk.later(minutes=6)  # SNS does not know it again
    good = owed(desk, aws, 2)
    desk.work()
    assert (notice(desk, held).state, notice(desk, good).state) == ("held", "sent")


def test_a_message_that_always_fails_does_not_close_the_lane_for_long(
    desk: Desk, aws: FakeAws
) -> None:
    poison = owed(desk, aws)
    resource = desk.view(poison).resource_id or ""

    def fault() -> None:
        if resource in str(aws.calls[-1][2]):
            refuse("InternalFailure", 500)()

    aws.before["Publish"] += [fault] * 200
    for number in range(2, 30):
        owed(desk, aws, number)
        desk.tick(seconds=5)
    desk.tick(seconds=5)
    assert len(aws.published) >= 27
    assert notice(desk, poison).uncertain > 2


def test_a_topic_that_is_gone_costs_one_call_in_a_quarter_of_an_hour(
    desk: Desk, aws: FakeAws
) -> None:
    gone = [owed(desk, aws, number) for number in range(60)]
    fine = owed(desk, aws, 60, topic_arn=OTHER_TOPIC)
    aws.before["Publish"] += [only(aws, "backups", refuse("NotFound", 404))] * 500
    desk.work()
    assert notice(desk, fine).state == "sent"
    for number in range(1, 4):
        assert tried(aws, "backups") == number
        desk.tick(seconds=SELDOM.total_seconds())
    assert {notice(desk, each).error_code for each in gone} == {"NotFound"}
    assert all("sns:Publish" in notice(desk, each).advice for each in gone)
    assert all(notice(desk, each).can_retry for each in gone)
    assert troubled(desk) == [], "it is the topic's trouble"


def test_when_a_topic_is_there_again_everything_goes_out_at_once(desk: Desk, aws: FakeAws) -> None:
    gone = [owed(desk, aws, number) for number in range(10)]
    aws.before["Publish"].append(refuse("NotFound", 404))
    desk.work()
    assert aws.published == []
    desk.watches.retry(notice(desk, gone[3]).id)
    desk.work()
    assert len(aws.ids()) == len(set(aws.ids())) == 10
    assert {row["error"] for row in rows(desk.engine)} == {""}


def test_a_claim_on_a_topic_that_turns_out_to_be_gone_ends(desk: Desk, aws: FakeAws) -> None:
    for number in range(5):
        owed(desk, aws, number)
    second = Desk(desk.engine, aws, desk.poll)
    second.now = desk.now
    aws.before["Publish"] += [refuse("NotFound", 404)] * 9
    desk.work()
    second.work()
    assert tried(aws, "backups") == 1


def test_an_account_that_is_not_among_ours_any_more_is_trouble_and_not_the_end(
    desk: Desk, aws: FakeAws
) -> None:
    watch = owed(desk, aws)
    desk.account = "555555555555"
    desk.restart()
    desk.work()
    view = notice(desk, watch)
    assert (view.state, view.error_code) == ("waiting", "UnknownAccount")
    desk.account = ACCOUNT
    desk.restart()
    desk.tick(minutes=3)
    assert notice(desk, watch).state == "sent"


def test_credentials_of_one_account_keep_no_other_from_a_topic_that_they_share(
    desk: Desk, aws: FakeAws
) -> None:
    for number in range(60):
        owed(desk, aws, number, topic_arn=FOREIGN)
    with desk.engine.begin() as connection:
        taken_out = update(notices).values(account="555555555555")
        connection.execute(taken_out)
    desk.work()
    fine = owed(desk, aws, 60, topic_arn=FOREIGN)
    desk.work()
    assert notice(desk, fine).state == "sent"
    unsent = [row for row in rows(desk.engine) if row["state"] != "sent"]
    assert len(unsent) == 60
    assert sum(row["attempts"] for row in unsent) <= 12, "one of them is tried now and then"


def test_a_lane_that_is_closed_to_all_is_not_opened_for_one_account(
    desk: Desk, aws: FakeAws
) -> None:
    owed(desk, aws)
    owed(desk, aws, 2)
    aws.before["Publish"] += [refuse("ExpiredToken", 403), unreachable()]
    desk.work()
    desk.watches.retry(rows(desk.engine)[0]["id"])
    desk.work()
    assert len(troubled(desk)) == 2
    aws.before["Publish"] += [unreachable()] * 3
    desk.tick(minutes=3)
    assert aws.published == []
    for _ in range(4):
        desk.tick(minutes=3)
    assert len(aws.published) == 2
    assert troubled(desk) == []
