"""The application, put together."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from app.people.who import OWNER
from tests.web.browser import Browser


def test_a_template_that_asks_for_what_it_was_not_given_fails(visitor: Browser) -> None:
    with pytest.raises(UndefinedError, match="nobody_gave_it"):
        visitor.app.jinja_env.from_string("{{ nobody_gave_it }}").render()


@pytest.mark.parametrize("path", ["/", "/notices", "/watches", "/rules", "/people", "/audit"])
def test_every_page_says_who_one_is(visitor: Browser, path: str) -> None:
    page = visitor.open(path)
    assert page.status == 200
    menu = page.html.partition('id="user"')[2].partition("</strong>")[0]
    assert menu.rpartition("<strong>")[2] == OWNER
