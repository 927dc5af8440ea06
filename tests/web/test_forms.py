"""Forms: what is right is done once, what is wrong is told at its field and nothing is done."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select

from app.people import actions
from app.people.redaction import HIDDEN
from app.people.tables import audit
from tests.web.browser import Browser, Page
from tests.web.conftest import Aws

MUTATIONS = {
    "RunInstances",
    "CreateImage",
    "RegisterImage",
    "CreateSnapshot",
    "CreateVolume",
    "CreateKeyPair",
    "CreateTopic",
    "CreateQueue",
    "CreateTags",
    "DeleteTags",
    "Publish",
    "Subscribe",
    "AttachVolume",
}


def _one(browser: Browser, kind: str, name: str) -> str:
    return browser.house.inventory.find(kind, "name", [name])[0].id


def _ubuntu(browser: Browser) -> str:
    images = browser.house.references.of("").public_images(
        "us-east-1", "099720109477", "noble", "x86_64", "ebs"
    )
    return str(images[0]["ImageId"])


def _refused(page: Page, aws: Aws, told: str) -> None:
    assert 400 <= page.status < 500, page.words
    assert told in page.words
    assert not MUTATIONS & aws.calls().keys()


LAUNCH: list[tuple[dict[str, Any], str]] = [
    ({"min_count": 3, "max_count": 2}, "The minimum is above the maximum"),
    ({"min_count": 0}, "between 1 and 1000"),
    ({"max_count": 1_000_000}, "between 1 and 1000"),
    ({"min_count": "two"}, "Not a valid integer"),
    ({"image_id": ""}, "This field is required"),
    ({"image_id": "ami-0123456789abcdef0"}, "There is no image"),
    ({"image_id": "vol-0123456789abcdef0"}, "is not the id of an image"),
    ({"image_id": "<script>alert(1)</script>"}, "is not the id of an image"),
    ({"instance_type": "t99.huge"}, "no instance type"),
    ({"instance_type": "t4g.micro"}, "the image is for x86_64"),
    ({"key_choice": "existing", "key_name": "gone"}, "no key pair"),
    ({"key_choice": "new", "new_key_name": ""}, "Give the new key pair a name"),
    ({"key_choice": "new", "new_key_name": "deploy"}, "exists already"),
    ({"availability_zone": "us-east-1q"}, "no zone"),
    ({"security_group_ids": ["sg-0123456789abcdef0"]}, "no security group"),
    ({"volume_size": 0}, "between 1 and 65536"),
    ({"volume_size": 99_999}, "between 1 and 65536"),
    ({"volume_size": 1}, "at least"),
    ({"user_data": "x" * 17_000}, "16 KiB"),
    ({"tags-0-key": "aws:x", "tags-0-value": "1"}, "aws:"),
    ({"tags-0-key": "k" * 129, "tags-0-value": "1"}, "128"),
    ({"tags-0-key": "k", "tags-0-value": "v" * 257}, "256"),
    ({"tags-0-key": "k", "tags-1-key": "k"}, "twice"),
    ({f"tags-{n}-key": f"k{n}" for n in range(51)}, "50 tags"),
    ({"name": "line\nbreak"}, "Line breaks"),
    ({"client_token": "x' OR 1"}, "damaged"),
    ({"region": "mars-1"}, "Not a valid choice"),
]


@pytest.mark.parametrize(("wrong", "told"), LAUNCH, ids=lambda value: str(value)[:40])
def test_a_launch_that_is_wrong_is_told_at_its_field(
    visitor: Browser, aws: Aws, wrong: dict[str, Any], told: str
) -> None:
    form = visitor.open(f"/instances/new?image_id={_ubuntu(visitor)}")
    aws.forget_calls()
    page = visitor.send(form, **{"name": "kept", **wrong})
    _refused(page, aws, told)
    if "name" not in wrong:
        assert page.fields["name"] == "kept"
    assert "<script>alert" not in page.html


VOLUME: list[tuple[dict[str, Any], str]] = [
    ({"size": 0}, "1 to 65,536"),
    ({"size": 99_999}, "1 to 65,536"),
    ({"size": ""}, "needs a size"),
    ({"volume_type": "io2", "size": 10}, "needs a number of IOPS"),
    ({"volume_type": "gp2", "size": 10, "iops": 3000}, "Cannot be set for gp2"),
    ({"volume_type": "gp3", "size": 10, "throughput": 99}, "between 125 and 2000"),
    ({"volume_type": "st1", "size": 10}, "125 to 16,384"),
    ({"snapshot_id": "snap-0123456789abcdef0"}, "no snapshot"),
    ({"availability_zone": "eu-central-1a", "size": 10}, "no zone"),
]


@pytest.mark.parametrize(("wrong", "told"), VOLUME, ids=lambda value: str(value)[:40])
def test_a_volume_that_cannot_be_is_told_at_its_field(
    visitor: Browser, aws: Aws, wrong: dict[str, Any], told: str
) -> None:
    form = visitor.open("/volumes/new")
    aws.forget_calls()
    _refused(visitor.send(form, **wrong), aws, told)


def test_a_volume_cannot_be_smaller_than_its_snapshot(visitor: Browser, aws: Aws) -> None:
    # one of that name is still pending, and one has failed
    weekly = visitor.house.inventory.find("snapshot", "name", ["db-1-data weekly"])
    snapshot = next(row for row in weekly if row.state == "completed")
    form = visitor.open(f"/volumes/new?snapshot_id={snapshot.id}")
    assert int(form.fields["size"]) >= 20
    aws.forget_calls()
    _refused(visitor.send(form, size=1), aws, "At least the snapshot")


IMAGE_NAMES = [
    ("ab", "3 to 128"),
    ("x" * 129, "3 to 128"),
    ("lj*test", "'*' is not possible"),
    ("<script>", "'<' is not possible"),
    ("größe", "'ö' is not possible"),
    ("web-base-2026-10-29", "has this name already"),
]


@pytest.mark.parametrize(("name", "told"), IMAGE_NAMES)
def test_an_image_name_that_aws_does_not_take_is_told(
    visitor: Browser, aws: Aws, name: str, told: str
) -> None:
    form = visitor.open(f"/images/new?instance_id={_one(visitor, 'instance', 'web-1')}")
    aws.forget_calls()
    page = visitor.send(form, name=name)
    _refused(page, aws, told)
    assert page.fields["name"] == name


@pytest.mark.parametrize(
    ("path", "wrong", "told"),
    [
        ("/topics/new", {"name": "no spaces"}, "letters without accents"),
        ("/topics/new", {"name": "alerts"}, "has this name already"),
        ("/topics/new", {"name": "x" * 257}, "letters without accents"),
        ("/queues/new", {"name": "ops-inbox"}, "already"),
        ("/queues/new", {"name": "x" * 81}, "1 to 80"),
        ("/key-pairs/new", {"key_name": "deploy"}, "exists already"),
        ("/key-pairs/new", {"key_name": "schlüssel"}, "not possible here"),
        ("/snapshots/new", {"volume_id": "vol-0123456789abcdef0"}, "There is no volume"),
        ("/snapshots/new", {"volume_id": "snap-0123456789abcdef0"}, "not the id of a volume"),
        ("/images/register", {"snapshot_id": "snap-0123456789abcdef0", "name": "abc"}, "no snap"),
    ],
)
def test_other_forms_tell_what_is_wrong_too(
    visitor: Browser, aws: Aws, path: str, wrong: dict[str, Any], told: str
) -> None:
    form = visitor.open(path)
    aws.forget_calls()
    _refused(visitor.send(form, **wrong), aws, told)


@pytest.mark.parametrize(
    ("action", "wrong", "told"),
    [
        ("publish", {"subject": "two\r\nlines"}, "Line breaks"),
        ("publish", {"subject": "x" * 100}, "99"),
        ("publish", {"subject": "schön"}, "without accents"),
        ("publish", {"message": ""}, "required"),
        ("subscribe", {"protocol": "sqs", "endpoint": "arn:aws:sns:us-east-1:1:x"}, "SQS queue"),
        ("subscribe", {"protocol": "email", "endpoint": "nobody"}, "an address"),
        ("subscribe", {"protocol": "https", "endpoint": "http://x"}, "https://"),
        ("subscribe", {"protocol": "pigeon", "endpoint": "x"}, "Not a valid choice"),
        ("confirm", {"token": "short"}, "no token"),
    ],
)
def test_what_a_topic_is_asked_wrongly_is_told(
    visitor: Browser, aws: Aws, action: str, wrong: dict[str, Any], told: str
) -> None:
    form = visitor.open(f"/topics/{action}?id={_one(visitor, 'topic', 'alerts')}")
    aws.forget_calls()
    _refused(visitor.send(form, **wrong), aws, told)


def test_a_form_for_ids_that_are_not_there_says_so(visitor: Browser) -> None:
    assert visitor.open("/volumes/attach?id=vol-0123456789abcdef0").status == 404
    assert visitor.open("/volumes/attach?id=i-0123456789abcdef0").status == 404
    assert visitor.open("/volumes/attach").status == 400
    volumes = [row.id for row in visitor.house.inventory.all("volume")[:2]]
    assert visitor.open(f"/volumes/attach?id={volumes[0]}&id={volumes[1]}").status == 400
    many = "&".join(f"id=i-{n:017x}" for n in range(251))
    assert visitor.open(f"/instances/stop?{many}").status == 400


def test_a_double_click_on_launch_launches_once(browser: Browser, aws: Aws) -> None:
    form = browser.open(f"/instances/new?image_id={_ubuntu(browser)}")
    aws.forget_calls()
    first = browser.send(form, name="once")
    second = browser.send(form, name="once")
    assert first.status == 303
    assert browser.follow(second).location == first.location
    assert aws.calls()["RunInstances"] == 1
    assert len(browser.house.inventory.find("instance", "name", ["once"])) == 1


def test_a_double_click_on_stop_tells_what_the_first_one_did(browser: Browser, aws: Aws) -> None:
    confirm = browser.open(f"/instances/stop?id={_one(browser, 'instance', 'web-1')}")
    aws.forget_calls()
    first, second = browser.send(confirm), browser.send(confirm)
    assert browser.follow(second).location == first.location
    assert aws.calls()["StopInstances"] == 1


def test_what_was_launched_is_visible_in_the_very_answer(browser: Browser) -> None:
    page = browser.fill(f"/instances/new?image_id={_ubuntu(browser)}", name="fresh")
    shown = browser.follow(page)
    assert "fresh" in shown.words
    assert "pending" in shown.words
    assert "1 asked for, 1 launched" in shown.words


def test_fewer_than_asked_for_is_told(browser: Browser) -> None:
    form = browser.open(f"/instances/new?image_id={_ubuntu(browser)}")
    page = browser.send(form, instance_type="c5.4xlarge", min_count=1, max_count=50)
    shown = browser.follow(page)
    assert "1 to 50 asked for" in shown.words
    assert "50 launched" not in shown.words


def test_an_action_is_written_down_without_its_secrets(browser: Browser) -> None:
    form = browser.open(f"/instances/new?image_id={_ubuntu(browser)}")
    browser.send(form, user_data="password=hunter2")
    record = actions.get(browser.house.engine, form.fields["client_token"])
    assert record is not None
    assert record.state == "done"
    assert record.calls[0]["operation"] == "RunInstances"
    assert record.calls[0]["parameters"]["UserData"] == HIDDEN


def test_a_password_in_an_endpoint_s_address_is_in_no_record(browser: Browser) -> None:
    topic = _one(browser, "topic", "alerts")
    form = browser.open(f"/topics/subscribe?id={topic}")
    endpoint = "https://pat:canary-canary@hooks.example/x"
    done = browser.send(form, protocol="https", endpoint=endpoint)
    assert done.status == 303
    record = actions.get(browser.house.engine, form.fields["client_token"])
    assert "hooks.example" in str(record)
    assert "canary" not in str(record)
    with browser.house.engine.connect() as connection:
        kept = [(row.title, row.parameters) for row in connection.execute(select(audit))]
    assert "hooks.example" in str(kept)
    assert "canary" not in str(kept)


def test_a_private_key_is_shown_once_and_nowhere_kept(browser: Browser) -> None:
    form = browser.open("/key-pairs/new")
    page = browser.send(form, key_name="mine")
    assert page.status == 200
    assert "PRIVATE KEY-----" in page.html
    assert page.headers["Cache-Control"] == "no-store"
    again = browser.follow(browser.send(form, key_name="mine"))
    assert "PRIVATE KEY-----" not in again.html
    kept = b"".join(
        path.read_bytes() for path in browser.house.settings.data.rglob("*") if path.is_file()
    )
    assert b"PRIVATE KEY-----" not in kept


def test_terminating_a_protected_instance_is_refused_with_the_way_on(browser: Browser) -> None:
    db = _one(browser, "instance", "db-1")
    page = browser.open(f"/instances/terminate?id={db}")
    assert page.status == 409
    assert "protected from termination" in page.words
    way_on = next(link for link in page.links if "/instances/unprotect" in link)
    done = browser.fill(way_on)
    confirm = browser.follow(done)
    assert confirm.status == 200
    assert "Deleted with them (1)" in confirm.words
    gone = browser.follow(browser.send(confirm))
    assert "shutting-down" in gone.words.lower()


def test_stopping_an_instance_store_backed_instance_is_refused_with_the_reason(
    browser: Browser,
) -> None:
    page = browser.open(f"/instances/stop?id={_one(browser, 'instance', 'legacy-batch')}")
    assert page.status == 409
    assert "instance store" in page.words


def test_only_what_changed_in_the_tags_is_sent(browser: Browser, aws: Aws) -> None:
    web = _one(browser, "instance", "web-1")
    form = browser.open(f"/instances/tags?id={web}")
    aws.forget_calls()
    unchanged = browser.follow(browser.send(form))
    assert "as they were" in unchanged.words
    assert not MUTATIONS & aws.calls().keys()
    form = browser.open(f"/instances/tags?id={web}")
    browser.send(form, **{"tags-90-key": "added", "tags-90-value": "now"})
    assert aws.calls()["CreateTags"] == 1
    assert "DeleteTags" not in aws.calls()
    row = browser.house.inventory.get("instance", web)
    assert row is not None
    assert row.tags["added"] == "now"


def test_deleting_a_snapshot_that_an_image_uses_has_a_clear_answer(browser: Browser) -> None:
    image = browser.house.inventory.find("image", "image_name", ["web-base-2026-10-29"])[0]
    snapshot = image.cells["snapshot_ids"][0]
    page = browser.open(f"/snapshots/delete?id={snapshot}")
    assert image.id in page.words
    refused = browser.send(page)
    assert refused.status == 409
    assert "InvalidSnapshot.InUse" in refused.words
    assert "Deregister the image" in refused.words


def test_deregistering_with_its_snapshots_takes_both(browser: Browser) -> None:
    image = browser.house.inventory.find("image", "image_name", ["web-base-2026-10-29"])[0]
    done = browser.fill(f"/images/deregister?id={image.id}", delete_snapshots="y")
    assert "1 snapshot deleted" in browser.follow(done).words
    assert browser.open(f"/images/{image.id}").words.count("gone")
    assert not browser.house.inventory.find("snapshot", "id", image.cells["snapshot_ids"])


def test_a_plan_that_fails_half_way_says_what_was_done_and_offers_the_rest(
    browser: Browser, aws: Aws
) -> None:
    image = browser.house.inventory.find("image", "image_name", ["web-base-2026-10-29"])[0]
    aws.fault("refuse", "DeleteSnapshot", count=1)
    page = browser.fill(f"/images/deregister?id={image.id}", delete_snapshots="y")
    assert page.status == 403
    assert "Not all of it was done" in page.words
    assert "ec2:DeleteSnapshot" in page.words
    way_on = re.search(r"/actions/[\w-]+/rest", page.html)
    assert way_on is not None
    rest = browser.post(way_on[0], {"csrf_token": page.fields["csrf_token"]})
    assert "the rest is done" in browser.follow(rest).words
    assert not browser.house.inventory.find("snapshot", "id", image.cells["snapshot_ids"])


def test_a_topic_without_confirmed_subscription_warns(browser: Browser) -> None:
    form = browser.open(f"/snapshots/new?volume_id={_one(browser, 'volume', 'web-1')}")
    topic = _one(browser, "topic", "alerts")
    preview = browser.send(form, do="preview", notify="existing", topic_arn=topic)
    assert "no confirmed subscription" in preview.words


def test_the_preview_shows_code_and_command_as_the_form_is_filled_in(visitor: Browser) -> None:
    form = visitor.open("/volumes/new")
    page = visitor.send(form, do="preview", size=12, volume_type="gp3")
    assert "create_volume(" in page.words
    assert "aws ec2 create-volume" in page.words
    assert "Size=12" in page.words


def test_a_check_runs_dry_and_changes_nothing(browser: Browser, aws: Aws) -> None:
    form = browser.open("/volumes/new")
    aws.forget_calls()
    page = browser.post(
        form.path, {**form.fields.to_dict(), "size": "3", "_do": "check"}, HX_Request="true"
    )
    assert "The check passed" in page.words
    assert len(browser.house.inventory.all("volume")) == 10
    aws.fault("refuse", "CreateVolume", count=1)
    page = browser.post(
        form.path, {**form.fields.to_dict(), "size": "3", "_do": "check"}, HX_Request="true"
    )
    assert "Not permitted" in page.words


def test_a_protection_that_was_put_on_elsewhere_shows_when_aws_refuses(
    browser: Browser, aws: Aws
) -> None:
    web = browser.house.inventory.find("instance", "name", ["web-2"])[0]
    confirm = browser.open(f"/instances/terminate?id={web.id}")
    browser.house.accounts.clients().send(
        "ec2",
        "ModifyInstanceAttribute",
        {"InstanceId": web.id, "DisableApiTermination": {"Value": True}},
        web.region,
        "safe",
    )
    # the reading before the deed fails, so that AWS's own refusal is what comes
    aws.fault("throttle", "DescribeInstances", count=5)
    page = browser.send(confirm)
    assert page.status == 409
    assert "protected from termination" in page.words or "OperationNotPermitted" in page.words
    assert any("/instances/unprotect" in link for link in page.links) or "Take the" in page.words


def test_a_form_that_was_refused_is_sent_again_with_a_token_of_its_own(
    browser: Browser, aws: Aws
) -> None:
    aws.fault("refuse", "CreateVolume", count=1)
    form = browser.open("/volumes/new")
    page = browser.send(form, size=3)
    assert page.status == 403
    assert page.fields["client_token"] != form.fields["client_token"]


def test_a_check_of_a_launch_does_not_ask_for_the_key_pair_that_is_yet_to_be_made(
    browser: Browser,
) -> None:
    form = browser.open(f"/instances/new?image_id={_ubuntu(browser)}")
    checked = browser.send(form, "check", key_choice="new", new_key_name="brand new")  # no scripts
    assert checked.words.count("AWS would carry this out") == 2


def test_the_commands_beside_a_private_key_can_be_pasted_into_a_shell(browser: Browser) -> None:
    form = browser.open(f"/instances/new?image_id={_ubuntu(browser)}")
    made = browser.send(form, key_choice="new", new_key_name="my; touch key")
    assert "chmod 400 'my; touch key.pem'" in made.words
    assert "ssh -i 'my; touch key.pem' ubuntu@" in made.words
