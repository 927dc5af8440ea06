"""Which account, whose credentials, which regions; and that each one's trouble is its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.aws.account import Remembered, Source
from app.aws.accounts import IDENTITY_EVERY, Accounts
from app.aws.clients import Clients, Identity
from app.aws.errors import AwsError
from tests.accounts import Notes

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"
REGIONS = ("us-east-1", "eu-central-1")


class Fake(Clients):
    """Clients of an account, without AWS behind them."""

    def __init__(self, account: str, regions: tuple[str, ...] = ("eu-west-1",)) -> None:
        super().__init__()
        self.account = account
        self.regions = regions
        self.calls: list[str] = []
        self.fail: Callable[[str], None] = lambda operation: None

    def send(
        self, service: str, operation: str, parameters: Any, region: str, repeat: Any
    ) -> dict[str, Any]:
        """One call."""
        self.calls.append(operation)
        self.fail(operation)
        if operation == "GetCallerIdentity":
            arn = f"arn:aws:iam::{self.account}:user/me"
            return {"Account": self.account, "Arn": arn, "UserId": "me"}
        assert operation == "DescribeRegions"
        listed = [{"RegionName": name, "OptInStatus": "opted-in"} for name in self.regions]
        return {"Regions": [*listed, {"RegionName": "af-1", "OptInStatus": "not-opted-in"}]}


def refusing(*operations: str, trouble: str = "refused") -> Callable[[str], None]:
    def fail(operation: str) -> None:
        if operation in operations:
            raise AwsError(trouble, "No", "No.", operation=operation)  # type: ignore[arg-type]

    return fail


def meet(accounts: Accounts, now: datetime = NOON) -> int:
    """Let all that is due be asked; returns how many accounts were."""
    count = 0
    while accounts.meet(now):
        count += 1
    return count


def make(*clients: Fake, memory: Notes | None = None, **more: Any) -> Accounts:
    sources = [Source(name) for name in "abc"[: len(clients)]]
    return Accounts(sources, REGIONS, memory=memory, clients=clients, **more)


def test_at_first_nothing_is_known_and_nothing_is_looked_at() -> None:
    accounts = make(Fake(ONE))
    assert accounts.scopes() == ()
    assert (accounts.main.id, accounts.complete) == ("", False)


def test_every_account_is_looked_at_in_every_region() -> None:
    accounts = make(Fake(ONE), Fake(TWO))
    assert meet(accounts) == 2
    assert accounts.scopes() == tuple((one, region) for one in (ONE, TWO) for region in REGIONS)
    assert accounts.complete
    main = accounts.get(ONE)
    assert main is not None
    assert main.identity == Identity(ONE, f"arn:aws:iam::{ONE}:user/me", "me")
    assert main.label == f"a ({ONE})"


def test_who_we_are_is_asked_again_every_few_minutes() -> None:
    clients = Fake(ONE)
    accounts = make(clients)
    meet(accounts)
    assert meet(accounts, NOON + IDENTITY_EVERY / 2) == 0
    assert meet(accounts, NOON + IDENTITY_EVERY) == 1
    assert clients.calls == ["GetCallerIdentity"] * 2


def test_an_account_that_fails_keeps_what_was_known_and_the_others_go_on() -> None:
    bad, good = Fake(ONE), Fake(TWO)
    accounts = make(bad, good)
    meet(accounts)
    bad.fail = refusing("GetCallerIdentity", trouble="credentials")
    assert meet(accounts, NOON + IDENTITY_EVERY) == 2
    failing, well = accounts.all()
    assert (failing.id, failing.identity, failing.seen_at) == (ONE, None, NOON)
    assert failing.trouble is not None
    assert (well.trouble, well.seen_at) == (None, NOON + IDENTITY_EVERY)
    assert len(accounts.scopes()) == 4
    bad.fail = refusing()
    meet(accounts, NOON + 2 * IDENTITY_EVERY)
    assert accounts.main.trouble is None


def test_after_a_restart_all_is_as_it_was_remembered() -> None:
    notes = Notes()
    before = make(Fake(ONE, ("eu-west-1",)), memory=notes, all_regions=True)
    meet(before)
    lost = Fake(ONE)
    lost.fail = refusing("GetCallerIdentity", trouble="credentials")
    again = make(lost, memory=notes, all_regions=True)
    meet(again, NOON + timedelta(days=1))
    assert again.scopes() == ((ONE, "eu-west-1"),)
    assert again.main.seen_at == NOON
    assert again.complete


def test_all_regions_are_asked_for_once_an_hour() -> None:
    clients = Fake(ONE, ("eu-west-1", "ap-south-1"))
    accounts = make(clients, all_regions=True)
    for minutes in range(0, 60, 5):
        meet(accounts, NOON + timedelta(minutes=minutes))
    assert accounts.main.regions == ("ap-south-1", "eu-west-1")
    assert clients.calls.count("DescribeRegions") == 1
    clients.regions = ("eu-west-1",)
    meet(accounts, NOON + timedelta(minutes=60))
    assert accounts.scopes() == ((ONE, "eu-west-1"),)


def test_until_regions_may_be_asked_for_those_of_the_settings_are_used_and_it_is_told() -> None:
    clients = Fake(ONE)
    clients.fail = refusing("DescribeRegions")
    accounts = make(clients, all_regions=True)
    meet(accounts)
    assert accounts.main.regions == REGIONS
    assert accounts.main.trouble is not None
    assert not accounts.complete  # what is known of other regions is not thrown away
    clients.fail = refusing()
    meet(accounts, NOON + IDENTITY_EVERY)
    main = accounts.main
    assert (main.regions, main.trouble) == (("eu-west-1",), None)


def test_of_two_names_for_one_account_the_second_is_told_and_left_out() -> None:
    first = Fake(ONE)
    accounts = make(first, Fake(ONE), Fake(TWO))
    meet(accounts)
    told = [account.trouble and account.trouble.code for account in accounts.all()]
    assert told == [None, "SameAccount", None]
    assert [account.name for account in accounts.usable] == ["a", "c"]
    assert accounts.clients(ONE) is first


def test_credentials_that_lead_to_another_account_now_are_that_account() -> None:
    clients = Fake(ONE)
    accounts = make(clients)
    meet(accounts)
    clients.account = TWO
    meet(accounts, NOON + IDENTITY_EVERY)
    assert {account for account, _ in accounts.scopes()} == {TWO}
    assert accounts.get(ONE) is None


def test_an_account_that_is_not_configured_has_no_clients() -> None:
    accounts = make(Fake(ONE))
    meet(accounts)
    with pytest.raises(AwsError, match="not among those of this console"):
        accounts.clients(THREE)
    with pytest.raises(AwsError, match="not among those of this console"):
        accounts.require(THREE)


def test_a_page_that_needs_the_account_asks_for_it() -> None:
    accounts = make(Fake(ONE))
    assert accounts.require().id == ONE
    assert accounts.main.id == ONE


def test_a_roles_account_is_in_its_arn_whatever_was_remembered_of_the_name() -> None:
    notes = Notes({"a": Remembered(TWO, (), NOON)})
    source = Source("a", role=f"arn:aws:iam::{ONE}:role/encante")
    accounts = Accounts([source], REGIONS, memory=notes, clients=[Fake(ONE)])
    assert (accounts.main.id, accounts.main.seen_at) == (ONE, None)
    assert accounts.scopes() == tuple((ONE, region) for region in REGIONS)


def test_a_profile_that_does_not_exist_is_the_trouble_of_its_account(tmp_path: Path) -> None:
    accounts = Accounts([Source("a", profile="nobody")], REGIONS)
    meet(accounts)
    trouble = accounts.main.trouble
    assert trouble is not None
    assert (trouble.trouble, trouble.code) == ("credentials", "ProfileNotFound")
    assert "nobody" in trouble.message
    assert "ENCANTE_ACCOUNTS" in trouble.advice


def test_a_clock_that_is_set_back_keeps_nobody_waiting_for_an_account() -> None:
    clients = Fake(ONE, ("eu-west-1",))
    clients.fail = refusing("GetCallerIdentity", trouble="credentials")
    accounts = make(clients, all_regions=True)
    meet(accounts)
    clients.fail = refusing()
    early = NOON - timedelta(hours=3)
    assert meet(accounts, early) == 1
    assert accounts.scopes() == ((ONE, "eu-west-1"),)
    meet(accounts, NOON)
    clients.regions = ("ap-south-1",)
    meet(accounts, early)
    meet(accounts, early + IDENTITY_EVERY)
    assert accounts.main.regions == ("ap-south-1",)


def test_regions_that_were_named_before_are_not_given_up_until_all_are_known() -> None:
    notes = Notes()
    meet(Accounts([Source("a")], ("eu-west-1",), memory=notes, clients=[Fake(ONE)]))
    silent = Fake(ONE)
    silent.fail = refusing("DescribeRegions")
    accounts = make(silent, memory=notes, all_regions=True)
    assert not accounts.complete
    meet(accounts)
    assert not accounts.complete
    silent.fail = refusing()
    meet(accounts, NOON + IDENTITY_EVERY)
    assert accounts.scopes() == ((ONE, "eu-west-1"),)
    assert accounts.complete
