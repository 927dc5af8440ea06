"""Lists, details, exports."""

from __future__ import annotations

import csv
import io
import json

import pytest

from app.resources import RESOURCES
from tests.web.browser import Browser

SLUGS = [resource.slug for resource in RESOURCES.values()]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_list_shows_its_resources_and_links_to_their_pages(
    visitor: Browser, slug: str
) -> None:
    rows = json.loads(visitor.open(f"/{slug}.json").html)
    page = visitor.open(f"/{slug}")
    assert page.status == 200
    assert rows
    for row in rows:
        assert any(link.endswith(row["id"]) for link in page.links)
        detail = visitor.open(f"/{slug}/{row['id']}")
        assert detail.status == 200
        assert row["id"] in detail.words


@pytest.mark.parametrize("slug", SLUGS)
def test_csv_and_json_tell_the_same(visitor: Browser, slug: str) -> None:
    rows = json.loads(visitor.open(f"/{slug}.json").html)
    lines = list(csv.DictReader(io.StringIO(visitor.open(f"/{slug}.csv").html)))
    assert [line["id"] for line in lines] == [row["id"] for row in rows]
    assert [line["name"] for line in lines] == [row["name"] for row in rows]


def test_an_export_takes_the_same_query_as_its_list(visitor: Browser) -> None:
    rows = json.loads(visitor.open("/instances.json?state=stopped&q=tag:team").html)
    assert [row["name"] for row in rows] == ["worker"]


def test_a_name_is_shown_wherever_an_id_is(visitor: Browser) -> None:
    volume = visitor.house.inventory.find("volume", "name", ["db-1-data"])[0]
    page = visitor.open(f"/volumes/{volume.id}")
    assert "db-1" in page.words


def test_a_poll_for_what_has_not_changed_is_answered_with_nothing(visitor: Browser) -> None:
    for path in ("/", "/instances", "/watches"):
        first = visitor.open(path, HX_Request="true")
        again = visitor.open(path, HX_Request="true", HX_PTag=first.headers["HX-PTag"])
        assert again.status == 304
        assert again.html == ""


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/instances?page=-1", "page number"),
        ("/instances?page=x", "page number"),
        ("/instances?per_page=7", "25, 50, 100, 250"),
        ("/instances?sort=colour", "colour"),
        ("/instances?colour=red", "colour"),
        ("/instances?q=state+%3D", "state"),
        ("/instances?q=colour+%3D+red", "colour"),
        ("/instances.json?q=%22open", ""),
        ("/watches?state=sad", "sad"),
        ("/watches?page=0", "page number"),
        ("/watches?page=0" + "9" * 30, "page number"),
        ("/volumes/gone?page=0" + "9" * 5000, "page number"),
        ("/images/public?region=mars-1", "mars-1"),
        ("/images/public?owner=me", "12 digits"),
    ],
)
def test_an_address_that_makes_no_sense_is_told_so(visitor: Browser, path: str, told: str) -> None:
    page = visitor.open(path)
    assert page.status == 400
    assert told in page.words


def test_ids_that_do_not_exist_or_are_of_another_kind_have_a_clear_page(
    visitor: Browser,
) -> None:
    volume = visitor.house.inventory.all("volume")[0]
    other = visitor.open(f"/instances/{volume.id}")
    assert other.status == 404
    assert f"/volumes/{volume.id}" in other.links
    for path in (
        "/instances/i-0123456789abcdef0",
        "/instances/nonsense",
        "/volumes/%00",
        "/topics/arn:aws:sns:us-east-1:123456789012:none",
        "/watches/w-none",
        "/queues/none/messages",
    ):
        assert visitor.open(path).status == 404


def test_a_public_image_is_found_by_owner_name_architecture_and_root_device(
    visitor: Browser,
) -> None:
    page = visitor.open(
        "/images/public?owner=099720109477&name=noble&architecture=x86_64&root_device_type=ebs"
    )
    assert "ubuntu-noble-24.04-amd64" in page.words
    assert "arm64" not in page.words.replace("arm64 i386", "")
    launch = next(link for link in page.links if link.startswith("/instances/new"))
    assert visitor.open(launch).fields["image_id"].startswith("ami-")


def test_a_formula_in_a_csv_cell_is_made_harmless(browser: Browser) -> None:
    row = browser.house.inventory.find("volume", "name", ["ci-runner"])[0]
    page = browser.open(f"/volumes/tags?id={row.id}")
    browser.send(page, **{"tags-0-key": "Name", "tags-0-value": "=HYPERLINK(1)"})
    lines = list(csv.DictReader(io.StringIO(browser.open("/volumes.csv").html)))
    assert "'=HYPERLINK(1)" in [line["name"] for line in lines]


def test_a_message_is_looked_at_and_deleted(browser: Browser) -> None:
    topic = browser.house.inventory.find("topic", "name", ["snapshots-done"])[0].id
    assert browser.fill(f"/topics/publish?id={topic}", subject="Look here").status == 303
    queue = browser.house.inventory.find("queue", "name", ["ops-inbox"])[0].id
    page = browser.open(f"/queues/{queue}/messages")
    looked = browser.post(page.path, {"csrf_token": page.fields["csrf_token"]})
    assert "Look here" in looked.words
    chosen = {name: looked.fields[name] for name in ("csrf_token", "receipt", "message_id")}
    asked = browser.post(f"/queues/message?id={queue}", {**chosen, "_do": "refill"})
    assert asked.status == 200
    assert f"The message {chosen['message_id']} is taken out" in asked.words
    wrong = browser.send(asked, receipt="nonsense")
    assert 400 <= wrong.status < 500
    gone = browser.follow(browser.send(asked))
    assert "The message is deleted" in gone.words
    again = browser.post(page.path, {"csrf_token": page.fields["csrf_token"]})
    assert "Look here" not in again.words


def test_a_kind_keeps_its_capitals_within_a_sentence(visitor: Browser) -> None:
    assert "Show all images (AMIs)" in visitor.open("/images?tab=public").words


def test_an_address_without_a_page_is_answered_in_our_own_words(visitor: Browser) -> None:
    page = visitor.open("/nowhere")
    assert "There is no such page" in page.words
    assert "entered the URL manually" not in page.words
