"""The accounts that are looked at: whose credentials, which regions, and how well that goes.

An account has one source of credentials. Which account it leads to, and what regions that has, is
asked of AWS by the background (``meet``), and remembered over restarts, so that what was known can
be shown and collected for whatever AWS says today. Trouble with one account is its own.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from app.aws.account import Account, Memory, Remembered, Source, Sources
from app.aws.acting import Acting, Actors, role_arn
from app.aws.attempts import Listener
from app.aws.call import Call
from app.aws.clients import Clients, Identity, Role
from app.aws.errors import AwsError
from app.aws.pool import Pool

IDENTITY_EVERY = timedelta(minutes=5)
REGIONS_EVERY = timedelta(hours=1)
RETRY = timedelta(seconds=15)


@dataclass
class _Entry:
    """One configured account, and when it is to be asked about again."""

    account: Account
    clients: Clients
    lock: threading.Lock = field(default_factory=threading.Lock)
    due: datetime | None = None
    regions_due: datetime | None = None
    regions_known: bool = True


class Accounts:
    """All accounts of this console, in the order of the settings; the first is the main one.

    ``regions`` are those of every account; with ``all_regions`` AWS tells which are opted in, and
    ``regions`` are what goes until it has. ``listener`` is told of every request to AWS.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        regions: Sequence[str],
        *,
        sandbox_url: str = "",
        all_regions: bool = False,
        memory: Memory | None = None,
        clients: Sequence[Clients] = (),
        listener: Listener | None = None,
    ) -> None:
        self._default = tuple(regions)
        self._all_regions = all_regions
        self._memory = memory
        self._actors = Actors(sandbox_url, listener)
        made = clients or _make_clients(sources, sandbox_url, self._default[0], listener)
        known = memory.load() if memory else {}
        self._entries = []
        for source, one in zip(sources, made, strict=True):
            told = known.get(source.name)
            account = self._recall(source, told)
            if not source.role:
                one.expect(account.id)
            # What was remembered while regions were named in the settings has none.
            remembers = bool(told and told.regions and account.seen_at)
            regions_known = not all_regions or remembers
            self._entries.append(_Entry(account, one, regions_known=regions_known))

    def _recall(self, source: Source, known: Remembered | None) -> Account:
        regions = (known.regions if known and self._all_regions else ()) or self._default
        if source.role:  # whatever was remembered under this name: the ARN says which it is
            account_id = source.role.split(":")[4]
            seen_at = known.seen_at if known and known.id == account_id else None
            return Account(source, account_id, regions, seen_at=seen_at)
        if known is None:
            return Account(source, "", regions)
        return Account(source, known.id, regions, seen_at=known.seen_at)

    # What is known; asks nobody

    def all(self) -> tuple[Account, ...]:
        """Every configured account; one that another has come to already says so as its trouble."""
        found: list[Account] = []
        for entry in self._entries:
            account = entry.account
            same = next((each for each in found if each.id and each.id == account.id), None)
            if same is not None:
                account = replace(account, trouble=_twice(same, account))
            found.append(account)
        return tuple(found)

    @property
    def main(self) -> Account:
        """The first account."""
        return self._entries[0].account

    def get(self, account_id: str) -> Account | None:
        """The account of this number; None for one that is not configured (any more)."""
        entry = self._entry(account_id) if account_id else None
        return entry.account if entry else None

    @property
    def usable(self) -> tuple[Account, ...]:
        """The accounts whose number is known, each once."""
        found: dict[str, Account] = {}
        for entry in self._entries:
            if entry.account.id:
                found.setdefault(entry.account.id, entry.account)
        return tuple(found.values())

    def scopes(self) -> tuple[tuple[str, str], ...]:
        """Every (account, region) that is to be looked at."""
        return tuple((account.id, region) for account in self.usable for region in account.regions)

    @property
    def complete(self) -> bool:
        """Whether all accounts and regions are known: only then is what is elsewhere not ours."""
        return all(entry.account.id and entry.regions_known for entry in self._entries)

    def sources(self) -> Sources:
        """Where the credentials of each account come from, by its number."""
        return {account.id: account.source for account in self.usable}

    def clients(self, account_id: str = "", acting: Acting | None = None) -> Clients:
        """The clients of an account; of the main one for an empty id.

        With ``acting`` those of somebody who acts through a role in it.
        Raises AwsError for one that is not configured, and for a role that is not of it.
        """
        entry = self._entry(account_id) if account_id else self._entries[0]
        if entry is None:
            raise AwsError(
                "credentials",
                "UnknownAccount",
                f"The account {account_id} is not among those of this console (any more).",
            )
        if acting is None or not acting.role:
            return entry.clients
        arn = self._role_of(entry, acting)
        return self._actors.clients(arn, acting.session, entry.clients, self._default[0])

    def acting_sources(self, roles: Mapping[str, Acting]) -> Sources:
        """``sources`` for somebody who acts through roles, by account. Raises AwsError."""
        found = dict(self.sources())
        for account_id, acting in roles.items():
            entry = self._entry(account_id)
            if entry and acting.role:
                arn = self._role_of(entry, acting)
                found[account_id] = replace(entry.account.source, role=arn, external_id="")
        return found

    def _role_of(self, entry: _Entry, acting: Acting) -> str:
        account = entry.account
        known = account.source.role or (account.identity.arn if account.identity else "")
        partition = known.split(":")[1] if known else "aws"
        return role_arn(acting.role, account.id, partition)

    def _entry(self, account_id: str) -> _Entry | None:
        return next((each for each in self._entries if each.account.id == account_id), None)

    # What AWS says

    def require(self, account_id: str = "") -> Account:
        """An account (the main one for an empty id) with its number, asked for if need be.

        Raises AwsError when AWS does not tell, and for an account that is not configured.
        """
        entry = self._entry(account_id) if account_id else self._entries[0]
        if entry is None:
            self.clients(account_id)  # tells why not
            raise KeyError(account_id)
        if not entry.account.id:
            with entry.lock:
                identity = entry.clients.identity(self._default[0])
                self._learn(entry, identity, None)
        return entry.account

    def meet(self, now: datetime) -> bool:
        """Ask AWS about the one account that is due; whether one was.

        Raises no AwsError: it becomes the account's trouble.
        """
        due = [entry for entry in self._entries if _is_due(entry.due, IDENTITY_EVERY, now)]
        if not due:
            return False
        entry = min(due, key=lambda each: (each.due is not None, each.due or now))
        with entry.lock:
            self._meet(entry, now)
        return True

    def _meet(self, entry: _Entry, now: datetime) -> None:
        try:
            identity = entry.clients.identity(self._default[0], fresh=True)
        except AwsError as error:
            entry.account = replace(entry.account, identity=None, trouble=error)
            if error.trouble == "credentials":
                entry.clients.forget()  # somebody may be signing in to AWS just now
            entry.due = now + RETRY
            return
        self._learn(entry, identity, now)
        entry.due = now + IDENTITY_EVERY
        if self._all_regions and _is_due(entry.regions_due, REGIONS_EVERY, now):
            self._meet_regions(entry, now)
        account = entry.account
        if self._memory and entry.regions_known:
            known = Remembered(account.id, account.regions if self._all_regions else (), now)
            self._memory.keep(account.name, known)

    def _learn(self, entry: _Entry, identity: Identity, now: datetime | None) -> None:
        if not entry.account.source.role:
            entry.clients.expect(identity.account)
        regions = entry.account.regions
        if identity.account != entry.account.id and self._all_regions:
            regions, entry.regions_due, entry.regions_known = self._default, None, False
        kept = entry.account.trouble
        entry.account = replace(
            entry.account,
            id=identity.account,
            regions=regions,
            identity=identity,
            trouble=kept if kept and kept.operation == "DescribeRegions" else None,
            seen_at=now or entry.account.seen_at,
        )

    def _meet_regions(self, entry: _Entry, now: datetime) -> None:
        try:
            answer = Call("ec2", "DescribeRegions", self._default[0]).run(entry.clients)
        except AwsError as error:
            entry.account = replace(entry.account, trouble=error)
            entry.regions_due = now + IDENTITY_EVERY
            return
        regions = sorted(
            region["RegionName"]
            for region in answer.get("Regions", [])
            if region.get("OptInStatus") != "not-opted-in"
        )
        entry.account = replace(
            entry.account, regions=tuple(regions) or self._default, trouble=None
        )
        entry.regions_due, entry.regions_known = now + REGIONS_EVERY, True


def _is_due(at: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether it is time; what lies further ahead than ever was set before the clock went back."""
    return at is None or not now < at <= now + every


def _twice(first: Account, second: Account) -> AwsError:
    return AwsError(
        "invalid",
        "SameAccount",
        f"{second.name} leads to the account {first.id}, as {first.name} does; it is left out.",
    )


def _make_clients(
    sources: Sequence[Source], sandbox_url: str, region: str, listener: Listener | None
) -> list[Clients]:
    """The clients of each source; those who assume roles from one profile share its own."""
    make = partial(Clients, sandbox_url, pool=Pool(), listener=listener)
    bases: dict[str, Clients] = {}

    def base(profile: str) -> Clients:
        if profile not in bases:
            bases[profile] = make(profile=profile)
        return bases[profile]

    made = []
    for source in sources:
        if source.role:
            role = Role(source.role, source.external_id, base(source.profile), region)
            made.append(make(role=role, profile=source.profile))
        else:
            made.append(base(source.profile))
    return made
