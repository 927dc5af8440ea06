"""What was known of the accounts, over a restart."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Engine, select

from app.aws.account import Remembered
from app.db import upsert
from app.inventory.tables import accounts


class KnownAccounts:
    """The table ``accounts``, as app.aws.accounts asks for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(self) -> Mapping[str, Remembered]:
        """What is remembered, by the account's name."""
        with self._engine.connect().execution_options(reading=True) as connection:
            return {
                row.name: Remembered(row.account, _split(row.regions), row.seen_at)
                for row in connection.execute(select(accounts))
            }

    def keep(self, name: str, known: Remembered) -> None:
        """Remember this of the account ``name``."""
        told = {
            "account": known.id,
            "regions": ",".join(known.regions),
            "seen_at": known.seen_at,
        }
        with self._engine.begin() as connection:
            upsert(connection, accounts, {"name": name}, told)


def _split(regions: str) -> tuple[str, ...]:
    return tuple(regions.split(",")) if regions else ()
