"""What cannot be looked at as it should: accounts and regions, each trouble told once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from flask import Flask

from app.aws.account import Account
from app.inventory.query import Freshness
from app.web.context import scope
from app.web.places import account_name, places


@dataclass(frozen=True)
class Told:
    """One trouble. ``since`` says what ``seen_at`` is the time of; None: never."""

    title: str
    text: str
    advice: str
    code: str
    since: str
    seen_at: datetime | None
    credentials: bool = False


def troubles(freshness: Iterable[Freshness]) -> list[Told]:
    """The accounts that are in trouble, then the regions that are, grouped by what is wrong."""
    accounts = scope().accounts
    several = len(accounts) > 1
    told = [_account(each, several) for each in accounts if each.trouble]
    lost = places().lost  # that nothing of an account can be read has been told with it
    groups: dict[tuple[str, str], list[Freshness]] = {}
    for place in freshness:
        if place.error and place.account not in lost:
            groups.setdefault((place.account, place.error.code), []).append(place)
    for (account, _), found in groups.items():
        told.append(_regions(found, account_name(account) if several else ""))
    return told


def _account(account: Account, several: bool) -> Told:
    trouble = account.trouble
    assert trouble is not None  # noqa: S101  (only such are given)
    unknown = trouble.trouble == "credentials"
    title = "AWS does not know who we are" if unknown else "Something is wrong with the account"
    if several:
        title += f" in {account.name}" if unknown else f" {account.name}"
    return Told(
        title,
        trouble.message,
        trouble.advice,
        trouble.shown_code,
        "It last went well",
        account.seen_at,
        unknown,
    )


def _regions(failing: list[Freshness], account: str) -> Told:
    error = failing[0].error
    assert error is not None  # noqa: S101  (only such are given)
    where = ", ".join(dict.fromkeys(place.region for place in failing))
    if account:
        where += f" of {account}"
    title = f"{where} cannot be read now"
    since = "What stands here of it was true"
    # a region that permits nothing refuses each list with advice of its own
    more = len({place.error.advice for place in failing if place.error}) - 1
    advice = error.advice + (f" And {more} more of the kind, told by their lists." if more else "")
    return Told(title, error.plain, advice, error.code, since, oldest(failing))


def oldest(found: Collection[Freshness]) -> datetime | None:
    """When the place that was read longest ago was; None if one of them never was."""
    times = [place.seen_at for place in found]
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None


def register(app: Flask) -> None:
    """Let the templates tell."""
    app.jinja_env.globals["troubles"] = troubles
