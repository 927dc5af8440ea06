"""A resource's page: what it is tied to, what changed in it; and the list of what is gone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest

from app.db import now
from app.resources import RESOURCES
from app.resources.spec import Row
from tests.resources.world import an_id
from tests.web.browser import Browser
from tests.web.conftest import SANDBOX, Aws

ACCOUNT, HERE = SANDBOX.account_id, "us-east-1"


def named(person: Browser, kind: str, name: str) -> Row:
    return person.house.inventory.find(kind, "name", [name])[0]


def address(row: Row) -> str:
    return f"/{RESOURCES[row.kind].slug}/{row.id}"


def poll(person: Browser, path: str, tag: str) -> Any:
    return person.open(path, HX_Request="true", HX_PTag=tag)


def test_a_page_leads_to_what_it_comes_from_and_what_hangs_on_it(visitor: Browser) -> None:
    instance = named(visitor, "instance", "db-1")
    page = visitor.open(address(instance))
    volume = named(visitor, "volume", "db-1-data")
    for link in (address(volume), address(named(visitor, "security_group", "db"))):
        assert link in page.links
    assert "Snapshots of its volumes" in page.words
    there = visitor.open(address(volume))
    assert address(instance) in there.links


def test_no_page_of_what_is_known_asks_aws(visitor: Browser, aws: Aws) -> None:
    rows = [row for kind in RESOURCES for row in visitor.house.inventory.all(kind)]
    paths = [address(row) for row in rows] + ["/", "/activity", "/activity.json"]
    paths += [f"/{resource.slug}/gone" for resource in RESOURCES.values()]
    aws.forget_calls()
    assert [visitor.open(path).status for path in paths] == [200] * len(paths)
    assert aws.calls() == {}


def test_more_than_are_shown_are_counted_with_a_link_to_their_list(browser: Browser) -> None:
    volume = named(browser, "volume", "db-1-data")
    kept = len(browser.house.inventory.find("snapshot", "volume_id", [volume.id]))
    many = [
        {"SnapshotId": an_id("snap", n), "State": "completed", "VolumeId": volume.id}
        for n in range(20)
    ]
    browser.house.inventory.store("snapshot", ACCOUNT, HERE, many, now())
    page = browser.open(address(volume))
    assert f"Snapshots of it ({20 + kept})" in page.words
    link = next(link for link in page.links if link.startswith("/snapshots?q="))
    assert unquote_plus(link) == f"/snapshots?q=volume_id = {volume.id}"
    assert f"({20 + kept})" in browser.open(link).words


def test_the_instances_of_a_key_pair_are_listed_in_its_region_only(browser: Browser) -> None:
    pairs = browser.house.inventory.find("key_pair", "key_name", ["deploy"])
    assert {pair.region for pair in pairs} == {"us-east-1", "eu-central-1"}
    for pair in pairs:
        many = [
            {"InstanceId": an_id("i", n + 100 * len(pair.region)), "KeyName": "deploy"}
            for n in range(12)
        ]
        browser.house.inventory.store("instance", ACCOUNT, pair.region, many, now())
        page = browser.open(address(pair))
        link = next(link for link in page.links if link.startswith("/instances?q="))
        listed = browser.open(link)
        total = 12 + {"us-east-1": 3, "eu-central-1": 1}[pair.region]
        assert f"Instances launched with it ({total})" in page.words
        assert f"({total})" in listed.words


def test_a_reference_that_leads_nowhere_is_told_as_such(browser: Browser) -> None:
    lost = {"VolumeId": an_id("vol", 7), "State": "available", "SnapshotId": an_id("snap", 7)}
    browser.house.inventory.store("volume", ACCOUNT, HERE, [lost], now())
    page = browser.open(f"/volumes/{an_id('vol', 7)}")
    assert "Made from (1)" in page.words
    assert "not known" in page.words


def test_what_changed_is_told_with_the_action_that_did_it(browser: Browser) -> None:
    row = named(browser, "volume", "reports-archive")
    page = browser.open(f"/volumes/tags?id={row.id}")
    browser.send(page, **{"tags-0-key": "owner", "tags-0-value": '<b>"x"</b>'})
    page = browser.open(address(row))
    assert 'Tag owner: – → is now <b>"x"</b>' in page.words
    assert "<b>" not in page.html.replace("<body", "")
    record = next(link for link in page.links if link.startswith("/actions/"))
    told = browser.open(record)
    assert told.status == 200
    assert row.id in told.words
    assert "It is done" in told.words


def test_a_poll_is_answered_with_nothing_until_what_is_shown_changes(browser: Browser) -> None:
    inventory = browser.house.inventory
    volume = named(browser, "volume", "db-1-data")
    path = address(volume)
    tag = browser.open(path).headers["HX-PTag"]
    assert poll(browser, path, tag).status == 304
    stranger = {"VolumeId": an_id("vol", 8), "State": "available"}
    inventory.store("volume", ACCOUNT, HERE, [stranger], now())
    again = poll(browser, path, tag)
    assert (again.status, again.html) == (304, "")
    assert again.headers["HX-PTag"] != tag
    assert poll(browser, path, again.headers["HX-PTag"]).status == 304
    snapshot = {"SnapshotId": an_id("snap", 8), "State": "pending", "VolumeId": volume.id}
    inventory.store("snapshot", ACCOUNT, HERE, [snapshot], now())
    shown = poll(browser, path, again.headers["HX-PTag"])
    assert shown.status == 200
    assert an_id("snap", 8) in shown.words


def test_a_page_tells_how_old_it_is_with_every_answer(browser: Browser) -> None:
    path = address(named(browser, "volume", "db-1-data"))
    page = browser.open(path)
    assert 'data-age="' in page.html
    answers = [page, poll(browser, path, page.headers["HX-PTag"])]
    assert [answer.status for answer in answers] == [200, 304]
    assert all(0 <= float(answer.headers["Encante-Age"]) < 600 for answer in answers)


def test_a_page_tells_that_its_region_cannot_be_read(browser: Browser, aws: Aws) -> None:
    path = address(named(browser, "volume", "db-1-data"))
    tag = browser.open(path).headers["HX-PTag"]
    aws.fault("refuse", "DescribeVolumes", region=HERE)
    browser.house.collector.refresh("volume")
    browser.wait()
    page = poll(browser, path, tag)
    assert f"{HERE} cannot be read now" in page.words
    assert "UnauthorizedOperation" in page.words
    aws.send("faults", "DELETE")


def test_a_public_image_which_no_inventory_has_is_not_asked_for_again_and_again(
    visitor: Browser,
) -> None:
    instance = named(visitor, "instance", "web-1")
    page = visitor.open(f"/images/{instance.cells['image_id']}")
    assert page.status == 200
    assert "hx-get" not in page.html.partition('id="detail"')[2].partition(">")[0]
    assert "data-age" not in page.html
    own = visitor.open(address(instance))
    assert "hx-get" in own.html.partition('id="detail"')[2].partition(">")[0]


def test_what_is_gone_has_its_page_without_actions_and_stands_in_a_list(browser: Browser) -> None:
    row = named(browser, "volume", "reports-archive")
    assert browser.fill(f"/volumes/delete?id={row.id}").status == 303
    browser.wait()
    page = browser.open(address(row))
    assert "It is gone" in page.words
    assert not [link for link in page.links if f"id={row.id}" in link and "activity" not in link]
    assert "reports-archive" not in browser.open("/volumes").words
    gone = browser.open("/volumes/gone?q=REPORTS")
    assert "/volumes/gone" in browser.open("/volumes").links
    assert address(row) in gone.links
    assert "was available" in gone.words
    assert "Nothing matches" in browser.open("/volumes/gone?q=nothing-has-this").words
    assert "90 days" in browser.open("/queues/gone").words


def test_the_list_of_what_is_gone_has_pages(browser: Browser) -> None:
    inventory, began = browser.house.inventory, now() - timedelta(hours=1)
    ids = [an_id("vol", 1000 + n) for n in range(120)]
    inventory.store("volume", ACCOUNT, HERE, [{"VolumeId": each} for each in ids], began)
    inventory.forget("volume", ACCOUNT, HERE, ids, now())
    shown = ""
    for number in (1, 2, 3):
        page = browser.open(f"/volumes/gone?page={number}")
        assert ("/volumes/gone?page=2" in page.links) == (number in (1, 3))
        shown += page.words
    assert all(each in shown for each in ids)


@pytest.mark.parametrize("page", ["0", "x", "-1", "1e3", "99999999999999999999"])
def test_a_page_of_what_is_gone_that_cannot_be_is_told_so(visitor: Browser, page: str) -> None:
    told = visitor.open(f"/volumes/gone?page={page}")
    assert told.status == 400
    assert "page number" in told.words


def test_protection_that_cannot_be_asked_for_any_more_is_not_told_as_taken_off(
    browser: Browser, aws: Aws
) -> None:
    row = named(browser, "instance", "db-1")
    browser.house.collector.reread("instance", ACCOUNT, HERE, [row.id])
    assert "Termination protection Yes" in browser.open(f"/instances/{row.id}").words
    aws.fault("refuse", "DescribeInstanceAttribute")
    browser.house.collector.reread("instance", ACCOUNT, HERE, [row.id])
    page = browser.open(f"/instances/{row.id}")
    assert "Termination protection Yes" in page.words
    assert "Termination protection: yes" not in page.words
