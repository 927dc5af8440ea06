"""Pages while another program holds the database's write lock: reading goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from tests.web.browser import Browser


@pytest.fixture
def locked(browser: Browser) -> Iterator[Connection]:
    """The write lock is held by somebody else, until the connection is closed."""
    with browser.house.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")  # our transactions take the lock as they begin
        yield connection


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("path", ["/", "/instances", "/snapshots.json", "/activity"])
def test_what_is_known_can_be_looked_at_while_the_database_is_locked(
    browser: Browser, path: str
) -> None:
    assert browser.open(path).status == 200


def test_what_was_looked_at_while_the_database_was_locked_is_read_soon_after(
    browser: Browser, locked: Connection
) -> None:
    browser.open("/volumes")
    locked.close()
    browser.house.collector.tick(browser.house.inventory.now())
    wanted = {
        scope.kind: each.wanted_at for scope, each in browser.house.inventory.collections().items()
    }
    assert wanted["volume"] is not None
