"""Accounts for tests: known from the start, so that nobody has to be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.aws.account import Remembered, Source
from app.aws.accounts import Accounts

SEEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Notes:
    """A memory of accounts that lasts as long as the test."""

    def __init__(self, known: Mapping[str, Remembered] | None = None) -> None:
        self.known = dict(known or {})

    def load(self) -> Mapping[str, Remembered]:
        return dict(self.known)

    def keep(self, name: str, known: Remembered) -> None:
        self.known[name] = known


def one_account(account_id: str, regions: Sequence[str], clients: Any) -> Accounts:
    """A single account that is remembered, reached through ``clients``."""
    notes = Notes({"default": Remembered(account_id, (), SEEN)})
    return Accounts([Source("default")], regions, memory=notes, clients=[clients])
