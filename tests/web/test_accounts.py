"""A console of two accounts in two regions, over HTTP on one sandbox."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from app.db import now
from app.resources.spec import Row
from app.sandbox import account, clock, seed, store
from app.sandbox.server import start_in_thread
from app.sandbox.settings import SandboxSettings
from app.settings import AccountSetting, Settings
from app.web import asking
from tests.web.browser import Browser, Page
from tests.web.conftest import DATABASE, KEPT, Aws

MAIN, OTHER = "111122223333", "444455556666"
SANDBOX = SandboxSettings(port=0, account_id=MAIN, accounts=(OTHER,), external_id="tell-me")
ROLE = f"arn:aws:iam::{OTHER}:role/ops/encante"
HERE, THERE = SANDBOX.regions


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Aws]:
    handle = start_in_thread(SANDBOX)
    yield Aws(handle.url)
    handle.stop()


@pytest.fixture
def aws(sandbox: Aws) -> Iterator[Aws]:
    """The sandbox with its accounts as at first, and no faults."""
    sandbox.send("faults", "DELETE")
    clock.reset()
    with account.LOCK:
        for account_id in SANDBOX.all_accounts:
            account.forget(account_id)
        seed.plant(SANDBOX)
    yield sandbox
    clock.reset()


def open_console(aws: Aws, folder: Path, external_id: str = "tell-me", **more: Any) -> Browser:
    """A person at a console of both accounts that has seen everything once."""
    settings = Settings(
        data=folder,
        sandbox_port=aws.port,
        accounts=(
            AccountSetting("home"),
            AccountSetting("shop", role=ROLE, external_id=external_id),
        ),
        poll_seconds=0.1,
        refresh_seconds=3600,
        idle_refresh_seconds=3600,
        changing_seconds=0.1,
        polls_per_second=100,  # nobody waits for a turn
        **more,
    )
    person = Browser(create_app(settings))
    person.wait(120)
    return person


class Seen:
    """What a console of both accounts has seen, for the next ones: as `Start` of conftest.py."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: datetime | None = None
        self._accounts = b""

    def give(self, aws: Aws, folder: Path) -> None:
        """Have the accounts as they were seen, and put what is known of them into ``folder``."""
        if self._taken is None or datetime.now(UTC) - self._taken > KEPT:
            shutil.rmtree(self._folder, ignore_errors=True)
            open_console(aws, self._folder).house.engine.dispose()
            self._accounts, self._taken = store.dump(SANDBOX.all_accounts), datetime.now(UTC)
        shutil.copy(self._folder / DATABASE, folder / DATABASE)
        aws.as_it_was(self._accounts, self._taken)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return Seen(tmp_path_factory.mktemp("seen"))


@pytest.fixture
def person(aws: Aws, seen: Seen, tmp_path: Path) -> Iterator[Browser]:
    seen.give(aws, tmp_path)
    browser = open_console(aws, tmp_path)
    yield browser
    browser.house.engine.dispose()


def of(person: Browser, kind: str, account_id: str) -> list[Row]:
    """What the console knows of a kind in an account."""
    return [row for row in person.house.inventory.all(kind) if row.account == account_id]


def ask_again(person: Browser, minutes: float = 30) -> None:
    """Let the console ask about its accounts, as it does every few minutes."""
    later = now() + timedelta(minutes=minutes)
    while person.house.accounts.meet(later):
        pass


def launch(person: Browser, account_id: str, region: str, name: str) -> Page:
    image = next(
        entry["ImageId"]
        for entry in person.house.references.of(account_id).public_images(
            region, "", "ubuntu*noble*", "x86_64", "ebs"
        )
    )
    form = person.open(f"/instances/new?account={account_id}&region={region}&image_id={image}")
    assert form.status == 200, form.words
    done = person.send(form, key_choice="none", instance_type="m5.large", name=name)
    assert done.status == 303, done.words
    return done


def test_whose_a_resource_is_stands_on_its_page_and_where_something_is_done_to_it(
    person: Browser,
) -> None:
    row = next(row for row in of(person, "volume", OTHER) if row.state == "in-use")
    page = person.open(f"/volumes/{row.id}")
    assert f"{row.region} · shop" in page.words
    assert f"shop {OTHER}" in page.words
    instance = of(person, "instance", OTHER)[0]
    assert f"{instance.region} · shop" in person.open(f"/instances/stop?id={instance.id}").words
    person.house.inventory.forget("volume", OTHER, row.region, [row.id], now())
    gone = person.open("/volumes/gone").words
    assert f"{row.region} shop" in gone
    assert f"{row.region} · shop" in person.open("/activity").words
    assert f"{row.region} · shop" in person.open("/").words
    assert "All 4 regions of 2 accounts read" in person.open("/instances").words


def test_both_accounts_stand_in_the_lists_and_in_the_header(person: Browser) -> None:
    assert of(person, "instance", MAIN)
    assert of(person, "instance", OTHER)
    page = person.open("/instances")
    assert "2 accounts · us-east-1, eu-central-1" in page.words
    assert "assumed-role/encante/encante" in page.words
    assert "home" in page.words
    assert "shop" in page.words


def test_an_instance_is_launched_in_the_account_that_is_chosen(person: Browser) -> None:
    before = {row.id for row in of(person, "instance", MAIN)}
    launch(person, OTHER, THERE, "over-there")
    (made,) = [row for row in of(person, "instance", OTHER) if row.name == "over-there"]
    assert made.region == THERE
    assert {row.id for row in of(person, "instance", MAIN)} == before
    assert person.open(f"/instances/{made.id}").status == 200


def test_the_form_offers_the_regions_keys_and_groups_of_the_chosen_account(
    person: Browser,
) -> None:
    keys = {row.name for row in of(person, "key_pair", MAIN) if row.region == HERE}
    assert keys == {"ops", "deploy"}
    page = person.open(f"/instances/new?account={OTHER}&region={HERE}")
    assert page.fields["account"] == OTHER
    assert ">ops<" not in page.html  # the other account has the key deploy alone
    assert ">deploy<" in page.html
    again = person.send(page, do="refill", account=MAIN)
    assert ">ops<" in again.html


def test_instances_of_both_accounts_are_terminated_in_one_go(person: Browser) -> None:
    launch(person, OTHER, THERE, "two")
    launch(person, MAIN, HERE, "one")
    rows = [row for row in person.house.inventory.all("instance") if row.name in {"one", "two"}]
    page = person.open("/instances/terminate?" + "&".join(f"id={row.id}" for row in rows))
    assert page.html.count("cannot be started again") == 1
    assert person.send(page).status == 303
    clock.advance(30)
    for row in rows:
        person.house.collector.reread("instance", row.account, row.region, [row.id])
        known = person.house.inventory.get("instance", row.id)
        assert known is not None
        assert known.state == "terminated"


def test_the_code_says_whose_credentials_each_call_needs(person: Browser) -> None:
    (mine, *_) = [row for row in of(person, "instance", MAIN) if row.state == "running"]
    (theirs, *_) = of(person, "instance", OTHER)
    page = person.open(f"/instances/stop?id={mine.id}&id={theirs.id}")
    shown = person.send(page, do="preview")
    assert ROLE in shown.words
    assert mine.id in shown.words
    assert theirs.id in shown.words


def test_a_snapshot_of_one_account_is_told_of_by_a_topic_of_the_other(person: Browser) -> None:
    (volume, *_) = of(person, "volume", OTHER)
    (topic, *_) = [row for row in of(person, "topic", MAIN) if row.name == "snapshots-done"]
    form = person.open(f"/snapshots/new?volume_id={volume.id}")
    done = person.send(form, notify="existing", topic_arn=topic.id)
    assert done.status == 303, done.words
    clock.advance(600)
    person.house.watches.poll(now())
    person.house.watches.send(now())
    (watch,) = person.house.watches.list()
    assert (watch.account, watch.state) == (OTHER, "completed")
    assert [notice.state for notice in watch.notices] == ["sent"]


def test_a_new_topic_is_made_where_the_volume_is(person: Browser) -> None:
    (volume, *_) = of(person, "volume", OTHER)
    form = person.open(f"/snapshots/new?volume_id={volume.id}")
    assert person.send(form, notify="new", new_topic_name="done").status == 303
    (topic,) = of(person, "topic", OTHER)
    assert topic.id == f"arn:aws:sns:{HERE}:{OTHER}:done"


def test_a_queue_is_made_and_looked_into_in_its_own_account(person: Browser) -> None:
    made = person.fill(f"/queues/new?account={OTHER}&region={THERE}", name="inbox")
    assert made.status == 303, made.words
    (queue,) = of(person, "queue", OTHER)
    page = person.open(f"/queues/{queue.id}/messages")
    looked = person.post(page.path, {"csrf_token": page.fields["csrf_token"]})
    assert looked.status == 200


def test_a_volume_from_a_snapshot_is_made_in_the_snapshots_account(person: Browser) -> None:
    (snapshot, *_) = [row for row in of(person, "snapshot", OTHER) if row.state == "completed"]
    form = person.open(f"/volumes/new?snapshot_id={snapshot.id}")
    assert form.fields["account"] == OTHER
    wrong = person.send(form, account=MAIN)
    assert f"It is in the account {OTHER}." in wrong.words
    assert person.send(form).status == 303


def test_what_the_console_does_not_know_yet_is_found_in_whatever_account(
    person: Browser, aws: Aws
) -> None:
    answer = person.house.accounts.clients(OTHER).send(
        "ec2", "CreateVolume", {"AvailabilityZone": f"{THERE}a", "Size": 1}, THERE, "token"
    )
    page = person.open(f"/volumes/{answer['VolumeId']}")
    assert page.status == 200
    assert of(person, "volume", OTHER)[-1].account == OTHER


def test_an_id_that_nothing_has_is_told_with_who_did_not_answer(person: Browser, aws: Aws) -> None:
    aws.fault("error", "DescribeVolumes", account=OTHER, region=THERE, code="Unavailable")
    page = person.open("/volumes/vol-00000000000000001")
    assert page.status == 404
    assert f"{THERE} of {OTHER}" in page.words


def test_a_page_does_not_wait_long_for_a_region_that_does_not_answer(
    person: Browser, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = person.house.accounts.clients().send(
        "ec2", "CreateVolume", {"AvailabilityZone": f"{HERE}a", "Size": 1}, HERE, "token"
    )
    monkeypatch.setattr(asking, "SECONDS", 2.0)
    aws.fault("slow", "DescribeVolumes", account=OTHER, region=THERE, seconds=8)
    page = person.open("/volumes/vol-00000000000000002")
    assert page.status == 404
    assert f"{THERE} of {OTHER}" in page.words
    assert person.open(f"/volumes/{made['VolumeId']}").status == 200


def test_an_account_that_refuses_shows_as_such_and_blanks_nothing(
    person: Browser, aws: Aws
) -> None:
    known = of(person, "instance", OTHER)
    mine = of(person, "instance", MAIN)
    aws.fault("error", account=OTHER, code="ExpiredToken", status=403)
    ask_again(person)
    page = person.open("/instances")
    assert "ExpiredToken" in page.html
    assert of(person, "instance", OTHER) == known
    other = person.house.accounts.get(OTHER)
    assert other is not None
    assert other.trouble is not None
    assert other.seen_at is not None
    assert person.house.accounts.main.trouble is None
    assert person.fill(f"/instances/tags?id={mine[0].id}").status == 303


def test_keys_that_have_ended_are_taken_anew(person: Browser) -> None:
    (instance, *_) = of(person, "instance", OTHER)
    clock.advance(7200)  # the sandbox takes the keys no more
    ask_again(person)
    ask_again(person, 31)
    other = person.house.accounts.get(OTHER)
    assert other is not None
    assert other.trouble is None
    rows = person.house.collector.reread("instance", OTHER, instance.region, [instance.id])
    assert [row.id for row in rows] == [instance.id]


def test_a_wrong_external_id_is_the_trouble_of_that_account_alone(aws: Aws, tmp_path: Path) -> None:
    person = open_console(aws, tmp_path, external_id="wrong")
    assert of(person, "instance", MAIN)
    assert not of(person, "instance", OTHER)
    other = person.house.accounts.get(OTHER)
    assert other is not None
    assert other.trouble is not None
    assert (other.trouble.trouble, other.trouble.operation) == ("credentials", "AssumeRole")
    page = person.open("/")
    assert "not authorized to perform: sts:AssumeRole" in page.words
    assert "trust policy" in page.words
    person.house.engine.dispose()


def test_all_regions_are_those_that_the_account_has(aws: Aws, tmp_path: Path) -> None:
    person = open_console(aws, tmp_path, regions=("all",))
    regions = person.house.accounts.main.regions
    assert {HERE, THERE, "ap-northeast-1"} <= set(regions)
    person.house.engine.dispose()


def test_where_the_regions_may_not_be_asked_for_the_last_ones_are_used(
    aws: Aws, tmp_path: Path
) -> None:
    aws.fault("refuse", "DescribeRegions", account=OTHER)
    person = open_console(aws, tmp_path, regions=("all",))
    other = person.house.accounts.get(OTHER)
    assert other is not None
    assert other.regions == SANDBOX.regions
    assert other.trouble is not None
    assert "ec2:DescribeRegions" in person.open("/").words
    person.house.engine.dispose()


def test_after_a_start_without_credentials_all_is_as_it_was_last_known(
    aws: Aws, tmp_path: Path
) -> None:
    person = open_console(aws, tmp_path)
    before = [row.id for row in person.house.inventory.all("instance")]
    person.house.engine.dispose()
    aws.fault("error", code="ExpiredToken", status=403)
    again = open_console(aws, tmp_path)
    assert again.house.accounts.main.id == MAIN
    assert [row.id for row in again.house.inventory.all("instance")] == before
    assert again.open("/instances").status == 200
    again.house.engine.dispose()
