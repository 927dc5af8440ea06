"""The accounts and regions that the lists are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask

from app.web.context import accounts


@dataclass(frozen=True)
class Places:
    """``accounts``: the names of the accounts by their number; ``scopes``: (account, region).

    ``lost``: the accounts that AWS does not let us into; that is told once for each.
    """

    accounts: Mapping[str, str]
    scopes: tuple[tuple[str, str], ...]
    lost: frozenset[str]

    @property
    def several(self) -> bool:
        """Whether there is more than one account."""
        return len(self.accounts) > 1

    @property
    def regions(self) -> int:
        """How many regions there are."""
        return len({region for _, region in self.scopes})


def places() -> Places:
    """Every account and region that is collected now, as far as whoever asks may see them."""
    some = accounts()
    known = some.usable
    lost = [each.id for each in known if each.trouble and each.trouble.trouble == "credentials"]
    return Places({each.id: each.name for each in known}, some.scopes(), frozenset(lost))


def account_name(number: str) -> str:
    """What an account is called; its number if it is none of this console's."""
    account = accounts().get(number)
    return account.name if account else number


def place_name(account: str, region: str) -> str:
    """A region, and its account if there are several, in a few words."""
    several = len(accounts().all()) > 1
    return f"{region} · {account_name(account)}" if several else region


def register(app: Flask) -> None:
    """Let the templates name where something is."""
    app.jinja_env.globals.update(account_name=account_name, place_name=place_name)
