"""A plain moto server, without anything of the sandbox: lists and forms do not break."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from app import create_app
from app.resources import RESOURCES
from app.settings import AccountSetting, Settings
from tests.plain_moto import plain_moto
from tests.web.browser import Browser


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A person at a console that talks to a plain moto server in a process of its own."""
    folder = tmp_path_factory.mktemp("moto")
    with plain_moto() as url:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        with mock.patch.dict(os.environ, environment, clear=True):
            settings = Settings(aws="aws", data=folder, regions=("us-east-1",))
            person = Browser(create_app(settings))
            person.wait()
            yield person
            person.house.engine.dispose()


def test_the_front_page_names_the_endpoint(stranger: Browser) -> None:
    page = stranger.open("/")
    assert page.status == 200
    assert os.environ["AWS_ENDPOINT_URL"] in page.words


@pytest.mark.parametrize("kind", RESOURCES)
def test_every_list_and_form_opens(stranger: Browser, kind: str) -> None:
    resource = RESOURCES[kind]
    assert stranger.open(f"/{resource.slug}").status == 200
    assert stranger.open(f"/{resource.slug}.json").status == 200
    for action in resource.actions:
        if action.on == "none":
            assert stranger.open(f"/{resource.slug}/{action.name}").status == 200


def test_public_images_are_found_and_one_is_launched_imaged_and_terminated(
    stranger: Browser,
) -> None:
    page = stranger.open("/images/public?name=ubuntu&root_device_type=ebs")
    launch = next(link for link in page.links if link.startswith("/instances/new"))
    form = stranger.open(launch)
    made = stranger.send(form, key_choice="new", new_key_name="k", instance_type="t2.micro")
    assert made.status == 200, made.words
    assert "PRIVATE KEY" in made.html
    stranger.wait()
    row = stranger.house.inventory.all("instance")[0]
    assert row.state == "running"
    image = stranger.fill(f"/images/new?instance_id={row.id}", name="lj_test")
    assert "lj_test" in stranger.follow(image).words
    confirm = stranger.open(f"/instances/terminate?id={row.id}")
    assert stranger.send(confirm).status == 303


def test_a_volume_is_made_tagged_and_snapshotted_with_a_watch(stranger: Browser) -> None:
    made = stranger.fill("/volumes/new", size=5)
    volume = made.location.rpartition("/")[2]
    tags = {"tags-0-key": "Name", "tags-0-value": "lj_volume"}
    assert stranger.fill(f"/volumes/tags?id={volume}", **tags).status == 303
    form = stranger.open(f"/snapshots/new?volume_id={volume}")
    assert form.fields["description"] == "lj_volumeSnap"
    done = stranger.send(form, notify="new", new_topic_name="told")
    assert done.status == 303, done.words
    stranger.wait()
    watch = stranger.house.watches.list()[0]
    assert watch.state == "completed"
    assert watch.notices[0].state == "sent"


def test_stock_snapshots_that_are_not_ours_are_not_listed(stranger: Browser) -> None:
    stranger.house.collector.refresh("snapshot")
    stranger.wait()
    account = stranger.house.accounts.main.id
    assert {row.account for row in stranger.house.inventory.all("snapshot")} <= {account}
    assert len(stranger.house.inventory.all("snapshot")) < 10


def test_topics_queues_and_messages_work(stranger: Browser) -> None:
    topic = stranger.fill("/topics/new", name="news").location.rpartition("/")[2]
    queue = stranger.fill("/queues/new", name="inbox").location.rpartition("/")[2]
    form = stranger.open(f"/topics/subscribe?id={topic}")
    assert stranger.send(form, protocol="sqs", endpoint=queue).status == 303
    assert stranger.fill(f"/topics/publish?id={topic}", subject="Hello").status == 303
    page = stranger.open(f"/queues/{queue}/messages")
    looked = stranger.post(page.path, {"csrf_token": page.fields["csrf_token"]})
    assert "Hello" in looked.words


def test_a_second_account_is_reached_by_a_role(stranger: Browser, tmp_path: Path) -> None:
    role = "arn:aws:iam::222222222222:role/encante"
    settings = Settings(
        aws="aws",
        data=tmp_path,
        regions=("us-east-1",),
        accounts=(AccountSetting("home"), AccountSetting("shop", role=role)),
    )
    person = Browser(create_app(settings))
    person.wait(80)
    made = person.fill("/volumes/new?account=222222222222", size=7)
    assert made.status == 303, made.words
    found = [row for row in person.house.inventory.all("volume") if row.cells["size"] == 7]
    assert [row.account for row in found] == ["222222222222"]
    assert person.open(made.location).status == 200
    person.house.engine.dispose()
