"""What a form cannot read: it is a form still and says so, and AWS checks what is sent."""

from __future__ import annotations

import pytest

from tests.web.browser import Browser, Page
from tests.web.conftest import Aws

READS = {
    "DescribeSecurityGroups": "The security groups of us-east-1 could not be read",
    "DescribeInstanceTypes": "The instance types of us-east-1 could not be read",
    "DescribeAvailabilityZones": "The zones of us-east-1 could not be read",
}


def _launch(browser: Browser) -> Page:
    image = browser.house.inventory.find("image", "state", ["available"], "us-east-1")[0]
    return browser.open(f"/instances/new?image_id={image.id}&region=us-east-1")


def _group(browser: Browser) -> str:
    groups = browser.house.inventory.find("security_group", "name", ["default"], "us-east-1")
    return groups[0].id


@pytest.mark.parametrize("operation", READS)
def test_launching_goes_on_without_a_list_that_may_not_be_read(
    browser: Browser, aws: Aws, operation: str
) -> None:
    aws.fault("refuse", operation)
    form = _launch(browser)
    assert form.status == 200
    assert f"{READS[operation]} (UnauthorizedOperation)." in form.words
    assert f"The permission ec2:{operation} is missing." in form.words
    page = browser.send(form, name="narrow")
    assert page.status == 303, page.words
    assert len(browser.house.inventory.find("instance", "name", ["narrow"])) == 1


def test_what_is_typed_instead_of_chosen_is_what_is_launched(browser: Browser, aws: Aws) -> None:
    group = _group(browser)
    for operation in READS:
        aws.fault("refuse", operation)
    form = _launch(browser)
    typed = {"availability_zone": "us-east-1b", "security_group_ids": f" {group} , "}
    page = browser.send(form, name="typed", instance_type="t3.small", **typed)
    assert page.status == 303, page.words
    made = browser.house.inventory.find("instance", "name", ["typed"])[0].description
    assert made["Placement"]["AvailabilityZone"] == "us-east-1b"
    assert [each["GroupId"] for each in made["SecurityGroups"]] == [group]
    assert made["InstanceType"] == "t3.small"


def test_what_is_typed_wrongly_is_refused_by_aws_and_stays_in_the_form(
    browser: Browser, aws: Aws
) -> None:
    for operation in READS:
        aws.fault("refuse", operation)
    wrong = {"availability_zone": "us-east-1q", "instance_type": "t99.huge"}
    page = browser.send(_launch(browser), **wrong)
    assert 400 <= page.status < 500
    assert {name: page.fields[name] for name in wrong} == wrong


def test_what_is_no_id_of_a_security_group_is_told_without_asking_aws(
    browser: Browser, aws: Aws
) -> None:
    aws.fault("refuse", "DescribeSecurityGroups")
    form = _launch(browser)
    page = browser.send(form, security_group_ids="web, db")
    assert page.status == 422
    assert "no security group 'web'" in page.words
    assert page.fields["security_group_ids"] == "web, db"
    assert "RunInstances" not in aws.calls()


def test_an_image_that_may_not_be_read_can_be_launched_as_it_is(browser: Browser, aws: Aws) -> None:
    image = browser.house.references.of("").public_images(
        "us-east-1", "099720109477", "noble", "x86_64", "ebs"
    )[0]["ImageId"]
    aws.fault("refuse", "DescribeImages")
    form = browser.open(f"/instances/new?image_id={image}")
    assert f"The image {image} could not be read (UnauthorizedOperation)." in form.words
    sized = browser.send(form, volume_size=50)
    assert sized.status == 422
    assert "The image could not be read; leave it empty." in sized.words
    page = browser.send(form, name="unread")
    assert page.status == 303, page.words


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"fault": "throttle"}, "(RequestLimitExceeded). AWS limits calls"),
        ({"fault": "error", "code": "InvalidAction"}, "(InvalidAction). This endpoint does not"),
        ({"fault": "html500"}, "could not be read ("),
    ],
)
def test_the_field_says_why_it_could_not_be_read(
    browser: Browser, aws: Aws, fault: dict[str, str], why: str
) -> None:
    aws.fault(operation="DescribeSecurityGroups", **fault)
    form = _launch(browser)
    assert form.status == 200
    assert why in form.words


def test_a_volume_is_made_in_the_zone_that_is_typed(browser: Browser, aws: Aws) -> None:
    aws.fault("refuse", "DescribeAvailabilityZones")
    form = browser.open("/volumes/new?region=us-east-1")
    assert "The permission ec2:DescribeAvailabilityZones is missing." in form.words
    empty = browser.send(form, size=1)
    assert empty.status == 422
    assert "A volume needs a zone." in empty.words
    page = browser.send(form, size=1, availability_zone="us-east-1c", **{"tags-0-key": "made"})
    assert page.status == 303, page.words
    made = browser.house.inventory.find("volume", "zone", ["us-east-1c"])
    assert [row for row in made if "made" in row.tags]


def test_what_may_not_be_read_is_not_asked_for_at_every_key(
    browser: Browser, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.aws.reference.REFUSED_AGAIN", 3600)  # however slow the machine
    aws.fault("refuse", "DescribeSecurityGroups")
    form = _launch(browser)
    aws.forget_calls()
    for typed in ("w", "we", "web"):
        assert browser.send(form, do="preview", name=typed).status == 200
    assert "DescribeSecurityGroups" not in aws.calls()


def test_groups_named_in_an_address_are_ticked(browser: Browser) -> None:
    group = _group(browser)
    form = browser.open(f"/instances/new?region=us-east-1&security_group_ids={group}")
    assert form.fields["security_group_ids"] == group
