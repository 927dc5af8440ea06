"""How old a list is, in a line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from app.inventory import Failure, Freshness, Query
from app.inventory.tables import collections
from app.web.freshness import Told, tell
from tests.web.browser import Browser
from tests.web.conftest import Aws

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FAILURE = Failure("InternalError", "AWS has a fault.", "Wait.", NOON)


def place(
    region: str, age: float | None, error: Failure | None = None, account: str = "1", read: int = 0
) -> Freshness:
    """A region that was last read ``age`` seconds before noon."""
    seen_at = None if age is None else NOON - timedelta(seconds=age)
    return Freshness(account, region, seen_at, False, error, 0, read)


def told(*places: Freshness, scopes: tuple[str, ...] = (), **facets: tuple[str, ...]) -> Told:
    """What is told of them at noon."""
    return tell(places, [("1", region) for region in scopes], Query(facets=facets), NOON)


def test_the_age_is_that_of_the_oldest() -> None:
    assert told(place("a", 4), place("b", 12), place("c", 7)).age == 12


def test_what_fails_is_told_by_itself_and_not_taken_for_the_age() -> None:
    found = told(place("a", 4), place("b", 900, FAILURE))
    assert found.age == 4
    assert [each.region for each in found.failing] == ["b"]


def test_a_region_that_was_never_tried_is_awaited() -> None:
    found = told(place("a", 4), scopes=("a", "b"))
    assert [each.region for each in found.unread] == ["b"]
    assert len(found.places) == 2


def test_only_the_regions_that_are_looked_at_count() -> None:
    found = told(place("a", 4), place("b", 900), place("c", None, FAILURE), region=("a",))
    assert found.age == 4
    assert not found.failing
    other = told(place("a", 4), place("a", 30, account="2"), account=("2",))
    assert other.age == 30


def test_a_clock_that_was_set_back_makes_no_age_below_nothing() -> None:
    assert told(place("a", -500)).age == 0


def test_a_first_reading_tells_how_far_it_is() -> None:
    found = told(place("a", None, read=12_000), place("b", None, read=500))
    assert found.empty
    assert found.read == 12_500
    assert found.age is None


def test_a_poll_that_brings_nothing_still_tells_the_age(browser: Browser) -> None:
    first = browser.open("/instances", HX_Request="true")
    before = float(first.headers["Encante-Age"])
    place = browser.house.inventory.freshness("instance")[0]
    account, region = place.account, place.region
    again = browser.open("/instances", HX_Request="true", HX_PTag=first.headers["HX-PTag"])
    assert again.status == 304
    assert float(again.headers["Encante-Age"]) >= before
    inventory = browser.house.inventory
    for each in inventory.freshness("instance"):
        found = [row.description for row in inventory.all("instance", each.region)]
        inventory.store_all("instance", account, each.region, [found], inventory.now())
    later = browser.open("/instances", HX_Request="true", HX_PTag=first.headers["HX-PTag"])
    assert later.status == 304, f"nothing has changed in {region}"
    assert float(later.headers["Encante-Age"]) < float(again.headers["Encante-Age"])


def test_regions_that_cannot_be_read_are_listed_below_one_line(browser: Browser, aws: Aws) -> None:
    aws.fault("error", "DescribeVolumes", code="InternalError", status=400)
    browser.house.collector.refresh("volume")
    browser.wait()
    page = browser.open("/volumes")
    assert "2 of 2 regions cannot be read now: eu-central-1, us-east-1" in page.words
    assert page.html.count('<tr id="failing-') == 2
    assert "db-1-data" in page.words


def test_a_list_that_is_read_for_the_first_time_says_how_far_that_is(browser: Browser) -> None:
    first = browser.open("/volumes", HX_Request="true")
    with browser.house.engine.begin() as connection:
        connection.execute(
            update(collections)
            .where(collections.c.kind == "volume")
            .values(seen_at=None, read_count=6000)
        )
    page = browser.open("/volumes", HX_Request="true", HX_PTag=first.headers["HX-PTag"])
    assert page.status == 200, "how far it is has changed, though no row has"
    assert "Being read for the first time; 12,000 read so far" in page.words
    assert "every 2s" in page.html
    assert "Encante-Age" not in page.headers
