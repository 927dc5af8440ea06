"""The facets of a list: every value leads to the list with it chosen, or no longer chosen."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from app.inventory import FacetValue, FacetView, Query
from app.web.facets import Facets

HOSTILE = "<script>\"'&"
TEXTS = st.text(alphabet=st.sampled_from("ab <>&\"'=%+é"), max_size=4)


def links(drawn: str) -> list[str]:
    """Where the links lead."""
    return [html.unescape(found) for found in re.findall(r'<a [^>]*href="([^"]*)"', drawn)]


@given(
    values=st.lists(TEXTS, min_size=1, max_size=4, unique=True),
    other=st.lists(TEXTS, max_size=2, unique=True),
    q=TEXTS,
    chosen=st.sets(st.integers(0, 3)),
)
def test_a_link_toggles_its_value_and_keeps_the_rest(
    values: list[str], other: list[str], q: str, chosen: set[int]
) -> None:
    picked = tuple(value for at, value in enumerate(values) if at in chosen)
    facets = {"zone": picked, "state": tuple(other)}
    query = Query(q=q, facets={name: some for name, some in facets.items() if some}, page=3)
    shown = [FacetValue(value, 1, value in picked) for value in values]
    drawn = Facets(query, "/things", {}).menus([FacetView("zone", "Zone", tuple(shown))])
    for value, link in zip(values, links(drawn), strict=True):
        wanted = query.url_args(facets=query.toggled("zone", value))
        kept = parse_qs(urlsplit(link).query, keep_blank_values=True)
        assert kept == parse_qs(wanted.removeprefix("?"), keep_blank_values=True)
        assert urlsplit(link).path == "/things"


def test_a_chosen_value_can_be_taken_away_and_nothing_is_taken_for_html() -> None:
    facet = FacetView("zone", "Zone", (FacetValue(HOSTILE, 1234, True), FacetValue("", 2, False)))
    facets = Facets(Query(facets={"zone": (HOSTILE,)}), "/things", {})
    assert links(facets.tokens([facet])) == ["/things"]
    drawn = facets.menus([facet])
    assert "<script" not in drawn + facets.tokens([facet])
    assert "1,234" in drawn
    assert "(none)" in drawn
    assert "Zone (1)" in drawn


def test_an_account_goes_by_its_name() -> None:
    facet = FacetView("account", "Account", (FacetValue("123456789012", 1, False),))
    drawn = Facets(Query(), "/things", {"123456789012": "shop"}).menus([facet])
    assert ">shop<" in drawn
    assert links(drawn) == ["/things?account=123456789012"]
