"""What a filter bar offers, and how it shows what it cannot read."""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple
from urllib.parse import urlencode

import pytest

from tests.web.browser import Browser

OPTION = re.compile(
    r'<div class="item" role="option"[^>]* data-text="(?P<text>[^"]*)" data-start="(?P<start>\d+)"'
    r' data-end="(?P<end>\d+)"(?P<more> data-more)?>(?P<shown>.*?)</div>',
    re.DOTALL,
)


class Offer(NamedTuple):
    text: str
    start: int
    end: int
    more: bool
    shown: str


def offers(visitor: Browser, marked: str, slug: str = "instances") -> list[Offer]:
    """What is offered at the ``|`` in a filter."""
    text = marked.replace("|", "", 1)
    at = len(marked[: marked.index("|")].encode("utf-16-le")) // 2
    page = visitor.open(f"/suggest/{slug}?{urlencode({'q': text, 'at': at})}")
    assert page.status == 200
    return [
        Offer(
            unescape(found["text"]),
            int(found["start"]),
            int(found["end"]),
            bool(found["more"]),
            unescape(re.sub(r"<[^>]+>", " ", found["shown"])),
        )
        for found in OPTION.finditer(page.html)
    ]


def texts(visitor: Browser, marked: str, slug: str = "instances") -> list[str]:
    return [offer.text for offer in offers(visitor, marked, slug)]


def test_columns_are_offered_by_name_and_by_title(visitor: Browser) -> None:
    assert texts(visitor, "sta|")[0] == "state "
    assert "instance_type " in texts(visitor, "typ|")
    assert all(offer.more for offer in offers(visitor, "|"))
    assert len(offers(visitor, "|")) == 12


def test_what_begins_so_comes_before_what_contains_it(visitor: Browser) -> None:
    found = [text for text in texts(visitor, "p|", "instances") if not text.startswith("tag:")]
    begins = [text.startswith("p") for text in found]
    assert begins[0]
    assert begins == sorted(begins, reverse=True)


def test_a_key_tells_what_it_holds(visitor: Browser) -> None:
    shown = {offer.text: offer.shown for offer in offers(visitor, "|", "volumes")}
    assert "number" in shown["size "]
    assert "date or age" in shown["created "]
    assert "Type: text" in " ".join(shown["volume_type "].split())


def test_tags_are_offered_by_their_keys_with_counts(visitor: Browser) -> None:
    found = {offer.text: offer.shown for offer in offers(visitor, "tag:|")}
    known = dict(visitor.house.inventory.tag_keys("instance"))
    assert known
    assert f" {known['Name']} " in found["tag:Name "]
    assert texts(visitor, "tag:na|") == ["tag:Name "]
    assert "tag:team " in texts(visitor, "tea|")


def test_after_a_key_its_operators_are_offered(visitor: Browser) -> None:
    assert texts(visitor, "state |") == ["= ", "!= ", ": ", "^ "]
    assert "> " in texts(visitor, "size |", "volumes")
    assert texts(visitor, "created |", "volumes")[:2] == ["< ", "> "]
    assert {": ", "> "} <= set(texts(visitor, "tag:Name |"))


def test_values_are_offered_with_how_many_have_them(visitor: Browser) -> None:
    found = offers(visitor, "state = |")
    running = next(offer for offer in found if offer.text == "running ")
    count = visitor.house.inventory.counts()["instance"]["running"]
    assert re.search(rf"running .*\b{count}\b", running.shown)
    assert not running.more
    assert texts(visitor, "state = stop|") == ["stopped "]
    assert texts(visitor, "colour = |") == []


def test_values_are_offered_that_fit_with_the_rest_of_the_filter(visitor: Browser) -> None:
    stopped = visitor.house.inventory.find("instance", "state", ["stopped"])
    zones = {f"{row.cells['zone']} " for row in stopped}
    assert set(texts(visitor, "state = stopped zone = |")) == zones
    assert set(texts(visitor, "zone = | state = stopped")) == zones
    assert set(texts(visitor, "state = stopped or zone = |")) > zones


def test_a_value_that_needs_quotes_gets_them(visitor: Browser) -> None:
    assert '"db-1-data weekly" ' in texts(visitor, "name : db-1|", "snapshots")


def test_values_of_facets_are_offered_as_whole_conditions(visitor: Browser) -> None:
    assert "state = running " in texts(visitor, "runn|")


def test_dates_and_ages_are_offered_for_times(visitor: Browser) -> None:
    today = visitor.house.inventory.now().date().isoformat()
    assert texts(visitor, "launched < |")[0] == "1h "
    assert f"{today} " in texts(visitor, "launched < |")
    assert texts(visitor, "launched = |")[0] == f"{today} "


def test_a_choice_replaces_what_is_typed_there(visitor: Browser) -> None:
    [offer] = offers(visitor, 'web (state = "stop|ped" or x)')
    assert ('web (state = "stopped" or x)'[offer.start : offer.end]) == '"stopped"'


def test_places_are_counted_as_browsers_do(visitor: Browser) -> None:
    [offer] = offers(visitor, "not 😀 state = stop|")
    assert (offer.start, offer.end) == (15, 19)


@pytest.mark.parametrize(
    "query", ["q=a&at=-5", "q=a&at=99999999999", "q=a&at=x", "at=3", "q=%00&at=1", "q=%F0%9F&at=1"]
)
def test_odd_questions_are_answered(visitor: Browser, query: str) -> None:
    assert visitor.open(f"/suggest/instances?{query}").status == 200
    assert visitor.open(f"/suggest/volumes?q={'tag:' * 300}&at=900").status == 200


def test_what_there_is_nothing_of_is_not_found(visitor: Browser) -> None:
    assert visitor.open("/suggest/clouds?q=").status == 404


def test_a_filter_that_cannot_be_read_is_shown_with_the_place_marked(visitor: Browser) -> None:
    page = visitor.open("/instances?q=++web+stat+%3D+running")
    assert page.status == 400
    assert "did you mean state?" in page.words
    assert (
        '<pre class="typed" aria-hidden="true">web <mark>stat</mark> = running</pre>' in page.html
    )
    ended = visitor.open("/instances?q=state+%3D")
    assert "state =<mark>\u00a0</mark></pre>" in ended.html


def test_what_is_marked_is_escaped(visitor: Browser) -> None:
    page = visitor.open("/instances?q=%3Cb%3E+colour%3D%3Cscript%3E")
    assert "&lt;b&gt; <mark>colour=&lt;script&gt;</mark>" in page.html
    assert "<script>" not in page.html.partition("<main")[2]
