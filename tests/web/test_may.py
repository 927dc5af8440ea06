"""Who may act: what a person with narrowed grants may do at the console."""

from __future__ import annotations

from app.people.who import Grant, Limits
from tests.web.browser import Browser


def test_a_person_of_a_test_has_the_grants_that_it_names(visitor: Browser) -> None:
    viewer = Browser(visitor.app, as_=[Grant("viewer")])
    assert viewer.open("/instances").status == 200
    assert viewer.open("/instances/new").status == 403
    west = [Grant("operator", Limits(regions=("us-east-1",)))]
    assert Browser(visitor.app, as_=west).open("/instances/new").status == 200
