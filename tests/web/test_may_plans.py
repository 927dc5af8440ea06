"""Which plans lie within somebody's grants: pure judgement, without a console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from app.aws import images, instances, key_pairs, queues, snapshots, tags, topics, volumes
from app.aws.call import Call, Plan
from app.aws.instances import Launch
from app.people.who import Grant, Limits, Person
from app.resources.spec import Row
from app.web.may import grant_of, refusal

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE, TWO = "111111111111", "222222222222"
EAST, WEST = "us-east-1", "us-west-2"
WEB, DB, BARE = "i-00000000000000001", "i-00000000000000002", "i-00000000000000003"
VOLUME, SNAPSHOT, IMAGE = "vol-00000000000000001", "snap-00000000000000001", "ami-0000000000000001"
TOPIC = f"arn:aws:sns:{EAST}:{ONE}:done"
QUEUE = {"QueueArn": f"arn:aws:sqs:{EAST}:{ONE}:jobs", "QueueUrl": f"https://q/{ONE}/jobs"}
TEAM = Limits(tag_key="team", tag_value="web")
VIEWER = Grant("viewer")


@dataclass
class Inventory:
    """What there is, by id."""

    rows: Mapping[str, Row]

    def get(self, kind: str, resource_id: str) -> Row | None:
        row = self.rows.get(resource_id)
        return row if row and row.kind == kind else None

    def find(
        self, kind: str, column: str, values: Sequence[str], region: str | None = None
    ) -> list[Row]:
        return [row for row in self.rows.values() if row.kind == kind and row.name in values]

    def all(self, kind: str, region: str | None = None, limit: int = 1000) -> list[Row]:
        return [row for row in self.rows.values() if row.kind == kind]


def row(kind: str, resource_id: str, team: str = "", account: str = ONE, region: str = EAST) -> Row:
    given = {"team": team} if team else {}
    name = "laptop" if kind == "key_pair" else ""
    return Row(kind, resource_id, name, account, region, "", "ok", given, {}, dict, NOON)


KNOWN = Inventory(
    {
        each.id: each
        for each in (
            row("instance", WEB, "web"),
            row("instance", DB, "db"),
            row("instance", BARE),
            row("volume", VOLUME, "web"),
            row("snapshot", SNAPSHOT, "db"),
            row("key_pair", "key-00000000000000001", "db"),
            row("topic", TOPIC, "web"),
            row("queue", QUEUE["QueueArn"], "web"),
        )
    }
)


def why(grants: Sequence[Grant], *calls: Call) -> str | None:
    person = Person("1", "pat", tuple(grants), "password", "s", NOON)
    return refusal(person, Plan("A deed", calls).within(ONE), KNOWN)


def operator(limits: Limits, aws_role: str = "") -> Grant:
    return Grant("operator", limits, aws_role)


def test_a_viewer_may_do_nothing_and_an_operator_all() -> None:
    call = instances.stop_instances(EAST, [WEB])
    assert "look here, but not act" in str(why([VIEWER], call))
    assert why([Grant("operator")], call) is None
    assert why([Grant("admin")], call) is None


def test_a_narrowed_admin_acts_within_the_limits_only() -> None:
    grants = [Grant("admin", Limits(regions=(WEST,)))]
    assert "not for us-east-1" in str(why(grants, instances.stop_instances(EAST, [WEB])))


def test_accounts_and_regions_bound_every_call_of_a_plan() -> None:
    grants = [operator(Limits(accounts=(ONE,), regions=(EAST,)))]
    fine, elsewhere = instances.stop_instances(EAST, [WEB]), instances.stop_instances(WEST, [BARE])
    assert why(grants, fine) is None
    assert "the region us-east-1 in the account 111111111111" in str(why(grants, fine, elsewhere))
    other = Limits(accounts=(TWO,))
    assert "not for the account 111111111111" in str(why([operator(other)], fine))


def test_one_call_lies_in_one_grant_but_a_plan_may_need_several() -> None:
    grants = [operator(TEAM), operator(Limits(tag_key="team", tag_value="db"))]
    assert (
        why(grants, instances.stop_instances(EAST, [WEB]), instances.stop_instances(EAST, [DB]))
        is None
    )
    assert WEB in str(why(grants, instances.stop_instances(EAST, [WEB, DB])))
    assert BARE in str(why(grants, instances.stop_instances(EAST, [BARE])))


def test_both_ends_of_an_attachment_must_be_theirs() -> None:
    attach = volumes.attach_volume(EAST, VOLUME, WEB, "/dev/sdf")
    assert why([operator(TEAM)], attach) is None
    foreign = volumes.attach_volume(EAST, VOLUME, DB, "/dev/sdf")
    assert DB in str(why([operator(TEAM)], foreign))


def test_what_is_outside_is_answered_like_what_there_is_not() -> None:
    unknown = "i-0000000000000000f"
    west = Limits(regions=(WEST,), accounts=(TWO,))
    far = Limits(regions=(EAST,))
    elsewhere = replace(KNOWN.rows[BARE], region=WEST)
    known = Inventory({**KNOWN.rows, BARE: elsewhere})

    def told(limits: Limits, resource_id: str) -> str:
        call = instances.stop_instances(EAST, [resource_id])
        person = Person("1", "pat", (operator(limits),), "password", "s", NOON)
        why = str(refusal(person, Plan("A deed", (call,)).within(ONE), known))
        return why.replace(resource_id, "it")

    assert "is not known to be that" in told(TEAM, unknown)
    for limits in (TEAM, west, far, Limits(tag_key="team", tag_value="web", regions=(EAST,))):
        assert told(limits, BARE) == told(limits, unknown)


def test_an_arn_says_itself_where_it_is() -> None:
    def subscribed(limits: Limits, queue: str) -> str:
        call = topics.subscribe(TOPIC, "sqs", queue, False)
        return str(why([operator(limits)], call)).replace(queue, "it")

    there, nowhere = QUEUE["QueueArn"], f"arn:aws:sqs:{EAST}:{ONE}:none"
    here = Limits(regions=(EAST,))
    assert subscribed(here, there) == subscribed(here, nowhere) == "None"
    foreign = nowhere.replace(EAST, WEST)
    assert "it is not known to be that" in subscribed(here, foreign)
    assert "it is not known to be that" in subscribed(TEAM, nowhere)


def test_what_is_only_read_must_be_seen_not_owned() -> None:
    launch = Launch(IMAGE, "t3.micro", 1, 1, "token-0123456789abc", "laptop", tags={"team": "web"})
    call = instances.run_instances(EAST, launch)
    assert why([VIEWER, operator(TEAM)], call) is None
    assert "laptop is not yours to see" in str(why([operator(TEAM)], call))
    from_snapshot = volumes.create_volume(
        EAST, volumes.NewVolume("us-east-1a", "gp3", "t" * 20, 8, SNAPSHOT, tags={"team": "web"})
    )
    assert why([VIEWER, operator(TEAM)], from_snapshot) is None
    assert f"{SNAPSHOT} is not yours to see" in str(why([operator(TEAM)], from_snapshot))


def test_what_is_made_must_have_the_tag() -> None:
    grants = [VIEWER, operator(TEAM)]
    for call in (
        key_pairs.create_key_pair(EAST, "mine", "ed25519", {}),
        topics.create_topic(EAST, "mine", {"team": "db"}),
        queues.create_queue(f"arn:aws:sqs:{EAST}:{ONE}:mine", {}),
        images.create_image(EAST, WEB, "mine", "", False, {"other": "web"}),
        snapshots.create_snapshot(EAST, VOLUME, "", {}, "request"),
    ):
        assert "what you make must have the tag team = web" in str(why(grants, call)), call
    tagged = {"team": "web"}
    for call in (
        key_pairs.create_key_pair(EAST, "mine", "ed25519", tagged),
        topics.create_topic(EAST, "mine", tagged),
        queues.create_queue(f"arn:aws:sqs:{EAST}:{ONE}:mine", tagged),
        images.create_image(EAST, WEB, "mine", "", False, tagged),
        snapshots.create_snapshot(EAST, VOLUME, "", tagged, "request"),
    ):
        assert why(grants, call) is None, call


def test_the_tag_of_the_limits_is_neither_taken_nor_changed_nor_given() -> None:
    grants = [operator(TEAM)]
    old = {"team": "web", "note": "a"}

    def ec2(new: Mapping[str, str], resource_id: str = WEB) -> str | None:
        return why(grants, *tags.ec2_tag_calls(EAST, "instance", resource_id, old, new))

    assert ec2({"team": "web", "note": "b"}) is None
    assert ec2({"team": "web"}) is None
    assert "must stay" in str(ec2({"note": "a"}))
    assert "must stay" in str(ec2({"team": "db", "note": "a"}))
    gift = tags.ec2_tag_calls(EAST, "instance", DB, {}, {"team": "web"})
    assert DB in str(why(grants, *gift))
    for calls in (topics.topic_tag_calls(TOPIC, old, {}), queues.queue_tag_calls(QUEUE, old, {})):
        assert "must stay" in str(why(grants, *calls))
    for calls in (
        topics.topic_tag_calls(TOPIC, old, {"team": "db", "note": "a"}),
        queues.queue_tag_calls(QUEUE, old, {"team": "db", "note": "a"}),
    ):
        assert "must stay" in str(why(grants, *calls))


def test_what_is_about_nothing_with_a_tag_is_not_for_whoever_needs_one() -> None:
    call = Call("events", "PutRule", EAST, {"Name": "encante"}, "Make a rule")
    assert "only for what has the tag" in str(why([operator(TEAM)], call))
    assert why([operator(Limits(regions=(EAST,)))], call) is None


def test_an_id_among_the_parameters_counts_though_nobody_names_it() -> None:
    call = Call("ec2", "CreateTags", EAST, {"Resources": [WEB, DB], "Tags": []}, "Tag")
    assert DB in str(why([operator(TEAM)], call))
    written = Call("sns", "Publish", EAST, {"TopicArn": TOPIC, "Message": DB}, "Publish")
    assert why([operator(TEAM)], written) is None


def test_a_subscription_is_its_topic_s() -> None:
    other = f"{TOPIC}-others"
    assert why([operator(TEAM)], topics.unsubscribe(TOPIC, f"{TOPIC}:{'1' * 36}")) is None
    foreign = topics.unsubscribe(TOPIC, f"{other}:{'1' * 36}")
    assert other in str(why([operator(TEAM)], foreign))


def test_a_grant_with_a_role_of_its_own_comes_first() -> None:
    person = Person(
        "1", "pat", (operator(TEAM), operator(TEAM, "web-operators")), "oidc", "s", NOON
    )
    found = grant_of(person, instances.stop_instances(EAST, [WEB]), KNOWN)
    assert found is not None
    assert found.aws_role == "web-operators"
