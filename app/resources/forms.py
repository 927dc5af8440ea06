"""The base of every form that acts: how it is filled, planned, and what it says when done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField
from wtforms.validators import Length, Regexp

from app.aws.call import Call, Plan
from app.aws.listing import Description
from app.aws.part import SomeAccounts
from app.aws.reference import Reference, References, SecurityGroup
from app.resources.books import WatchBook
from app.resources.fields import options
from app.resources.listed import ListedField
from app.resources.spec import Known, Row, tags_of

SENDING_FORM = r"^[A-Za-z0-9-]{16,64}$"  # a ClientToken may have 64 ASCII characters
Answers = Sequence[Mapping[str, Any]]


class Refused(Exception):
    """A form is not for its resources now; the text says why. Raised by prepare and begin."""


@dataclass(frozen=True)
class Nearby:
    """The inventory as forms ask it: what they look for in a region is of their account."""

    inventory: Known
    account: str

    def get(self, kind: str, resource_id: str) -> Row | None:
        """The resource of that kind and id, in whatever account; or None."""
        return self.inventory.get(kind, resource_id)

    def find(
        self, kind: str, column: str, values: Sequence[str], region: str | None = None
    ) -> list[Row]:
        """The resources of ``kind`` whose ``column`` (or ``id``) has one of ``values``."""
        found = self.inventory.find(kind, column, values, region)
        return found if region is None else self._own(found)

    def all(self, kind: str, region: str | None = None, limit: int = 1000) -> list[Row]:
        """The resources of a kind, by name, at most ``limit``."""
        found = self.inventory.all(kind, region, limit)
        return found if region is None else self._own(found)

    def _own(self, rows: list[Row]) -> list[Row]:
        return [row for row in rows if row.account == self.account]


@dataclass(frozen=True)
class Desk:
    """What a form works with: the inventory, the choices, the resources it is about.

    ``account`` is the one in which it acts. ``sees``: whether whoever asks may see what is in an
    account and region and has some tags. ``tags_for``: what they make in an account and region
    must have these tags.
    """

    inventory: Known
    references: References
    watches: WatchBook
    accounts: SomeAccounts
    account: str
    actor: str
    rows: tuple[Row, ...] = ()
    sees: Callable[[str, str, Mapping[str, str]], bool] = lambda *_: True
    tags_for: Callable[[str, str], Mapping[str, str]] = lambda *_: {}

    @property
    def known(self) -> Nearby:
        """The inventory, as seen from the account."""
        return Nearby(self.inventory, self.account)

    @property
    def reference(self) -> Reference:
        """What there is to choose from in the account. Raises AwsError."""
        return self.references.of(self.account)

    def security_groups(self, region: str) -> list[SecurityGroup]:
        """The security groups to choose from in the account. Raises AwsError."""
        found = self.reference.security_groups(region)
        return [group for group in found if self.sees(self.account, region, group.tags)]

    def image(self, region: str, image_id: str) -> Description | None:
        """An image of whatever owner, or None. Raises AwsError."""
        found = self.reference.image(region, image_id)
        if found is None or found.get("Public") is True:
            return found
        owner = str(found.get("OwnerId", ""))
        return found if self.sees(owner, region, tags_of(found)) else None

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions of the account."""
        account = self.accounts.get(self.account) or self.accounts.main
        return account.regions

    def parts(self) -> list[Desk]:
        """A desk for each account that the resources are in, with those."""
        accounts = list(dict.fromkeys(row.account for row in self.rows))
        if len(accounts) < 2:
            return [self]
        return [
            replace(
                self,
                account=account,
                rows=tuple(row for row in self.rows if row.account == account),
            )
            for account in accounts
        ]

    @property
    def row(self) -> Row:
        """The one resource that the form is about."""
        return self.rows[0]


@dataclass(frozen=True)
class Done:
    """What a person is told when the plan has been carried out, and where they go then.

    ``secret``: a file name and its text, shown once on the page and nowhere kept.
    """

    message: str
    url: str
    category: str = "success"
    secret: tuple[str, str] | None = None


@dataclass(frozen=True)
class Section:
    """A part of a form: its fields by name, a sentence of help; ``collapsed`` until opened."""

    title: str
    fields: tuple[str, ...]
    help: str = ""
    collapsed: bool = False


class ActionForm(FlaskForm):  # type: ignore[misc]
    """A form that amounts to a plan of calls.

    ``client_token`` is one per rendered form, so that a double click or a form that is sent again
    does its deed once. ``when`` names fields that are asked for only while another one has one
    of some values: ``{"iops": "volume_type=io1 io2"}``.
    """

    title: ClassVar[str] = ""
    submit_label: ClassVar[str] = "Confirm"
    sections: ClassVar[tuple[Section, ...]] = ()
    danger: ClassVar[bool] = False
    when: ClassVar[Mapping[str, str]] = {}

    client_token = HiddenField(
        validators=[
            Length(max=64),
            Regexp(SENDING_FORM, message="This form's token is damaged. Open the form anew."),
        ]
    )

    def prepare(self, desk: Desk) -> None:
        """Fill in the choices, and the defaults of a form that is new.

        May raise AwsError, and Refused.
        """

    def examine(self, desk: Desk) -> None:
        """Check what concerns more than one field; call ``complain`` for what is wrong."""

    def choose_first(self) -> None:
        """Take the first choice of every select field that has none yet, as browsers do."""
        for entry in self:
            one = type(entry) in (SelectField, ListedField)
            if one and entry.data in (None, "None") and entry.choices:
                entry.data = entry.choices[0].value

    def complain(self, name: str, message: str) -> None:
        """Put an error at a field."""
        target = self._fields[name]
        target.errors = [*target.errors, message]

    def account_of(self, desk: Desk) -> str:
        """The account in which the filled-in form acts: that of what it is about."""
        return desk.row.account if desk.rows else desk.account

    def plan(self, desk: Desk) -> Plan:
        """The calls that the filled-in form amounts to, in the desk's account."""
        raise NotImplementedError

    def planned(self, desk: Desk) -> Plan:
        """``plan`` for every account that the resources are in, each call for its own."""
        plans = [self.plan(part).within(part.account) for part in desk.parts()]
        return Plan(plans[0].title, tuple(call for plan in plans for call in plan.calls))

    def all_consequences(self, desk: Desk) -> list[str]:
        """``consequences`` in every account; what goes for all stands once, at the end."""
        told = [text for part in desk.parts() for text in self.consequences(part)]
        return list(dict.fromkeys(reversed(told)))[::-1]

    def consequences(self, desk: Desk) -> list[str]:
        """What a person should know before they confirm, a sentence each."""
        return []

    def warnings(self, desk: Desk) -> list[str]:
        """What may not turn out as hoped, a sentence each; shown beside the form."""
        return []

    def begin(self, desk: Desk) -> None:
        """Commit what must be known before the first call is made. May raise Refused."""

    def fail(self, desk: Desk, certain: bool) -> None:
        """Told when a call failed; ``certain``: AWS surely did not do it.

        Where each resource has its own part of the plan, the desk has those spared.
        """

    def keep(self, desk: Desk, done: Sequence[Call]) -> None:
        """Adapt the form to calls that succeeded before another failed."""

    def finish(self, desk: Desk, answers: Answers) -> Done:
        """What to say and where to go, from AWS's answers to the plan's calls."""
        raise NotImplementedError

    def examined(self, desk: Desk) -> bool:
        """Whether everything that was filled in is right; errors stand at the fields if not."""
        right = bool(self.validate())
        if right:
            self.examine(desk)
        return right and not self.errors_at_fields

    @property
    def errors_at_fields(self) -> dict[str, Sequence[str]]:
        """The errors by field name, ``examine``'s among them."""
        return {name: entry.errors for name, entry in self._fields.items() if entry.errors}


class CreateForm(ActionForm):
    """A form that makes something in an account and a region that are chosen on it.

    With one account there is nothing to choose, and no field for it.
    """

    account = SelectField("Account")
    region = SelectField("Region")

    def account_of(self, desk: Desk) -> str:
        chosen = desk.accounts.get(self.account.data or "")
        return chosen.id if chosen else desk.account

    def prepare(self, desk: Desk) -> None:
        if len(desk.accounts.all()) > 1:
            usable = desk.accounts.usable
            self.account.choices = options((each.id, each.label) for each in usable)
            if not self.is_submitted():
                self.account.data = desk.account
        else:
            del self.account
        self.region.choices = options((name, name) for name in desk.regions)
        if self.region.data not in desk.regions and not self.is_submitted():
            self.region.data = desk.regions[0]

    @property
    def place(self) -> str:
        """The region chosen; the first on offer while none that exists is."""
        offered = [choice.value for choice in self.region.choices]
        return self.region.data if self.region.data in offered else str(offered[0])


def page_of(kind_slug: str, resource_id: str) -> str:
    """The address of a resource's page."""
    return f"/{kind_slug}/{quote(resource_id, safe=':')}"


def link(path: str, **arguments: str) -> str:
    """An address with a query string; empty arguments are left out."""
    given = {key: value for key, value in arguments.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def listed(ids: Sequence[str]) -> str:
    """Ids in words: all of a few, the first ones and how many of many."""
    if len(ids) <= 5:
        return ", ".join(ids)
    return f"{', '.join(ids[:5])} and {len(ids) - 5} more"
