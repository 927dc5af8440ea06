"""The accounts and regions of a console that somebody may see, who does not see all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from app.aws.account import Account, Sources
from app.aws.accounts import Accounts
from app.aws.clients import Clients
from app.aws.errors import AwsError


@dataclass(frozen=True)
class Part:
    """Some of all accounts; every method as that of Accounts.

    ``reaches(account, region)``: whether a region of an account is among them. An account that
    has none is not.
    """

    _whole: Accounts
    _reaches: Callable[[str, str], bool]

    def all(self) -> tuple[Account, ...]:
        return self._of(self._whole.all())

    @property
    def usable(self) -> tuple[Account, ...]:
        return self._of(self._whole.usable)

    @property
    def main(self) -> Account:
        """The first of them. Raises AwsError if there is none."""
        found = self.all()
        if not found:
            raise _none()
        return found[0]

    def get(self, account_id: str) -> Account | None:
        account = self._whole.get(account_id)
        return next(iter(self._of((account,))), None) if account else None

    def scopes(self) -> tuple[tuple[str, str], ...]:
        return tuple(scope for scope in self._whole.scopes() if self._reaches(*scope))

    def sources(self) -> Sources:
        return {account.id: account.source for account in self.usable}

    def clients(self, account_id: str = "") -> Clients:
        account = self.get(account_id) if account_id else self.main
        if account is None:
            raise _none()
        return self._whole.clients(account.id)

    def require(self, account_id: str = "") -> Account:
        account = self._whole.require(account_id or self.main.id)
        found = self.get(account.id)
        if found is None:
            raise _none()
        return found

    def _of(self, accounts: tuple[Account, ...]) -> tuple[Account, ...]:
        found = (replace(each, regions=self._regions(each)) for each in accounts)
        return tuple(each for each in found if each.regions)

    def _regions(self, account: Account) -> tuple[str, ...]:
        return tuple(region for region in account.regions if self._reaches(account.id, region))


SomeAccounts = Accounts | Part


def _none() -> AwsError:
    told = "Your role is for accounts or regions that this console does not look at."
    return AwsError("invalid", "NoAccount", told)
