"""When AWS is slow, refuses, throttles or is not there: lists stay readable, forms say why."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import create_app
from app.db import now
from app.settings import Settings
from tests.web.browser import Browser
from tests.web.conftest import Aws


def _volume(browser: Browser) -> str:
    return browser.house.inventory.find("volume", "name", ["web-1"])[0].id


def test_throttling_leaves_the_lists_readable_with_when_they_were_true(
    browser: Browser, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.inventory.budget.PATIENCE", 0.0)  # instead of minutes
    aws.fault("throttle", "DescribeVolumes")
    browser.house.collector.refresh("volume")
    browser.wait()
    page = browser.open("/volumes")
    assert page.status == 200
    assert "web-1" in page.words
    assert "cannot be read now" in page.words
    assert "RequestLimitExceeded" in page.words
    assert "What stands here was true" in page.words
    assert browser.open("/").status == 200


def test_a_region_that_permits_nothing_is_told_once_on_the_front_page(
    browser: Browser, aws: Aws
) -> None:
    aws.fault("refuse", "Describe*", region="eu-central-1")
    for kind in ("instance", "volume", "snapshot"):
        browser.house.collector.refresh(kind)
    browser.wait()
    words = browser.open("/").words
    assert words.count("eu-central-1 cannot be read now") == 1
    assert "And 2 more of the kind, told by their lists." in words
    aws.send("faults", "DELETE")


def test_an_unreachable_aws_leaves_everything_known_readable(
    browser: Browser, tmp_path: Path
) -> None:
    # the same database, an endpoint where nobody listens
    settings = Settings(data=tmp_path, sandbox_port=1, refresh_seconds=0.1)
    person = Browser(create_app(settings))
    person.wait(5)
    page = person.open("/volumes")
    assert page.status == 200
    assert "web-1" in page.words
    assert person.open("/").status == 200
    assert person.open(f"/volumes/{_volume(browser)}").status == 200
    form = person.open("/volumes/new")
    assert form.status == 424
    assert "AWS cannot be reached" in form.words
    person.house.engine.dispose()


def test_a_refusal_names_the_missing_permission_and_keeps_the_form(
    browser: Browser, aws: Aws
) -> None:
    aws.fault("refuse", "CreateTopic", count=1)
    page = browser.fill("/topics/new", name="not-allowed")
    assert page.status == 403
    assert "sns:CreateTopic" in page.words
    assert page.fields["name"] == "not-allowed"
    assert browser.send(page).status == 303


def test_throttling_of_a_form_can_be_tried_again(browser: Browser, aws: Aws) -> None:
    aws.fault("throttle", "CreateVolume")
    page = browser.fill("/volumes/new", size=2)
    assert page.status == 429
    assert "try again" in page.words
    aws.anew()
    assert browser.send(page).status == 303


def test_a_create_whose_answer_is_lost_is_found_and_not_repeated(
    browser: Browser, aws: Aws
) -> None:
    volume = _volume(browser)
    form = browser.open(f"/snapshots/new?volume_id={volume}")
    aws.forget_calls()
    aws.fault("drop_reply", "CreateSnapshot", count=1)
    page = browser.send(form, description="lost and found")
    assert page.status == 303, page.words
    assert aws.calls()["CreateSnapshot"] == 1
    assert len(browser.house.inventory.find("snapshot", "description", ["lost and found"])) == 1


def test_a_launch_whose_answer_is_lost_launches_once(browser: Browser, aws: Aws) -> None:
    image = browser.house.references.of("").public_images(
        "us-east-1", "099720109477", "noble", "x86_64", "ebs"
    )[0]["ImageId"]
    aws.fault("drop_reply", "RunInstances", count=1)
    page = browser.fill(f"/instances/new?image_id={image}", name="lucky")
    assert page.status == 303, page.words
    assert len(browser.house.inventory.find("instance", "name", ["lucky"])) == 1


def test_a_server_error_in_a_form_is_told_as_uncertain(browser: Browser, aws: Aws) -> None:
    aws.fault("html500", "CreateTopic")
    page = browser.fill("/topics/new", name="maybe")
    assert 400 <= page.status < 500
    assert "may have been done" in page.words


def test_one_region_that_fails_blanks_nothing_else(browser: Browser, aws: Aws) -> None:
    aws.fault("error", "DescribeInstances", count=1, code="InternalError", status=400)
    browser.house.collector.refresh("instance")
    browser.wait()
    page = browser.open("/instances")
    assert "web-1" in page.words
    assert "web-eu-1" in page.words


def test_without_credentials_a_page_says_what_to_do(tmp_path: Path, monkeypatch: object) -> None:
    import os
    from unittest import mock

    clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    clean |= {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "HOME": str(tmp_path),
    }
    with mock.patch.dict(os.environ, clean, clear=True):
        settings = Settings(aws="aws", data=tmp_path, regions=("us-east-1",))
        person = Browser(create_app(settings))
        person.house.meet(now())
        front = person.open("/")
        assert "aws sso login" in front.words
        form = person.open("/topics/new")
        assert form.status == 403
        assert "AWS does not know who we are" in form.words
        person.house.engine.dispose()
