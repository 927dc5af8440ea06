"""Whatever AWS has answered somebody once can be listed and shown."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from app.db import now
from app.resources import RESOURCES
from tests.recordings import KINDS, listed, needs_recordings
from tests.web.browser import Browser


@needs_recordings
@pytest.mark.parametrize("kind", KINDS)
def test_every_recording_is_listed_and_has_its_page(browser: Browser, kind: str) -> None:
    resource = RESOURCES[kind]
    seen = set()
    for _name, account, found in listed(resource):
        browser.house.inventory.store(kind, account, "us-east-1", found, now())
        for entry in found:
            resource_id = entry[resource.id_key]
            seen.add(resource_id)
            page = browser.open(f"/{resource.slug}/{quote(resource_id, safe=':')}")
            assert page.status == 200, resource_id
            assert resource_id in page.words
    assert seen
    shown, number, more = "", 1, True
    while more:
        page = browser.open(f"/{resource.slug}?per_page=25&page={number}")
        assert page.status == 200
        shown, number, more = shown + page.words, number + 1, 'rel="next"' in page.html
    assert {resource_id for resource_id in seen if resource_id not in shown} == set()
    assert browser.open(f"/{resource.slug}.csv").status == 200
    assert browser.open(f"/{resource.slug}.json").status == 200
