"""What every template may use."""

from __future__ import annotations

import hashlib
import shlex
from base64 import b64encode
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from flask import Flask, abort, current_app, g, get_flashed_messages, request

from app.aws.account import Account
from app.aws.clients import Endpoint
from app.aws.errors import AwsError
from app.aws.part import Part, SomeAccounts
from app.house import House
from app.inventory.bounds import Bounds
from app.inventory.narrowed import Narrowed, Seen
from app.people.audit import By
from app.people.who import EVERYTHING, Person, Role
from app.resources import RESOURCES, kind_of
from app.resources.forms import page_of
from app.resources.spec import Column, Resource, Row
from app.watches.reading import Reading

Answer = TypeVar("Answer")
_STATIC = Path(__file__).resolve().parent.parent.parent / "static"


def house() -> House:
    """The services of the application that answers this request."""
    return cast(House, current_app.extensions["encante"])


def visitor() -> Person | None:
    """Who is signed in, if somebody is."""
    found: Person | None = g.get("person")
    return found


def person() -> Person:
    """Who is signed in. Aborts with 401 if nobody is; the gate has made sure of it."""
    return visitor() or abort(401)


def actor() -> str:
    """Who is signed in, as it is written down with what they do."""
    return person().name


def by() -> By:
    """Who is signed in, from where, for the audit log."""
    who, address = visitor(), request.remote_addr or ""
    if who is None:
        return By("", address=address)
    return By(who.name, who.id, who.method, address, who.session)


def bounds(role: Role = "viewer") -> Bounds | None:
    """What whoever is signed in may see, or do, as ``role``; None: everything."""
    limits = person().limits(role)
    return None if limits == (EVERYTHING,) else Bounds(limits)


def inventory(role: Role = "viewer") -> Seen:
    """The inventory as far as whoever is signed in may see it, or act on it as ``role``."""
    whole, within = house().inventory, bounds(role)
    return whole if within is None else Narrowed(whole, within)


def accounts(role: Role = "viewer") -> SomeAccounts:
    """The accounts and regions as far as whoever is signed in may see them, or act in them."""
    whole, within = house().accounts, bounds(role)
    return whole if within is None else Part(whole, within.reach)


def watches(role: Role = "viewer") -> Reading:
    """The watches as far as whoever is signed in may see them, or act on them."""
    whole, within = house().watches, bounds(role)
    return whole if within is None else whole.within(within)


def recall(key: Hashable, read: Callable[[], Answer]) -> Answer:
    """As House.recall, apart for whoever may see something else."""
    return house().recall((key, bounds()), read)


def resource_of(slug: str) -> Resource:
    """The kind whose pages are at ``/<slug>``. Aborts with 404 if there is none."""
    found = next((each for each in RESOURCES.values() if each.slug == slug), None)
    return found or abort(404)


@dataclass(frozen=True)
class NavItem:
    """One line of the side navigation."""

    title: str
    href: str
    active: bool
    count: int | None
    icon: str
    group: str


@dataclass(frozen=True)
class Scope:
    """Which accounts, regions and endpoint these are, and who AWS says we are.

    ``regions``: those of all accounts, each once.
    """

    accounts: tuple[Account, ...]
    regions: tuple[str, ...]
    endpoint: Endpoint

    @property
    def several(self) -> bool:
        """Whether there is more than one account."""
        return len(self.accounts) > 1

    @property
    def account(self) -> str:
        """The main account's number, as far as it is known."""
        known = [account.id for account in self.accounts[:1]]
        return next(iter(known), "no account") or "account not known yet"

    @property
    def identity(self) -> str:
        """Who AWS says we are in the main account; may be empty."""
        identity = next((account.identity for account in self.accounts), None)
        return identity.arn if identity else ""

    @property
    def short(self) -> str:
        """Accounts and regions in a few words."""
        regions = (
            ", ".join(self.regions) if len(self.regions) < 3 else _many(self.regions, "region")
        )
        accounts = _many(self.accounts, "account") if self.several else self.account
        return f"{accounts} · {regions}"


def _many(things: tuple[object, ...], what: str) -> str:
    return f"{len(things)} {what}{'s' if len(things) != 1 else ''}"


def scope() -> Scope:
    """The scope of this console, as far as whoever is signed in may see it; asks nobody."""
    services = house()
    try:
        endpoint = services.accounts.clients().endpoint(region=services.settings.regions[0])
    except AwsError as error:  # an endpoint URL that is none: the pages tell
        endpoint = Endpoint("other", error.message)
    found = accounts().all()
    regions = dict.fromkeys(region for account in found for region in account.regions)
    return Scope(found, tuple(regions), endpoint)


def chosen_place() -> tuple[str, str, str]:
    """The ``account`` and ``region`` of the address, or the first ones; and what is wrong.

    Raises AwsError while AWS has not told which account this is.
    """
    known = accounts()
    main = known.require()
    given = request.args.get("account") or main.id
    account = known.get(given)
    if account is None:
        return main.id, main.regions[0], f"The account {given[:40]!r} is not of this console."
    region = request.args.get("region") or account.regions[0]
    if region not in account.regions:
        told = f"The region {region[:40]!r} is not among those of this console."
        return account.id, account.regions[0], told
    return account.id, region, ""


def regions_in_words() -> str:
    """Where is looked: all regions, or how many of how many accounts."""
    where = scope()
    return where.short if where.several else ", ".join(where.regions)


def _is_admin() -> bool:
    who = visitor()
    return who is not None and who.may("admin")


def _nav() -> list[NavItem]:
    counts = inventory().counts()
    path = request.path
    items = [
        NavItem("Overview", "/", path == "/", None, "home", ""),
        NavItem("Activity", "/activity", path == "/activity", None, "activity", ""),
    ]
    items += [
        NavItem(
            kind.title,
            f"/{kind.slug}",
            path == f"/{kind.slug}" or path.startswith(f"/{kind.slug}/"),
            sum(counts.get(kind.kind, {}).values()),
            kind.icon,
            kind.group,
        )
        for kind in RESOURCES.values()
    ]
    waiting = recall("open watches", watches().open_count)
    active = path.startswith("/watches")
    items.append(NavItem("Watches", "/watches", active, waiting, "watch", "Messages"))
    active = path == "/rules" or path.startswith("/rules/")
    if bounds() is None:  # they are for everything
        items.append(NavItem("Rules", "/rules", active, None, "rule", "Messages"))
    person = recall("notices for a person", watches().notices.for_a_person)
    active = path == "/notices" or path.startswith("/notices/")
    items.append(NavItem("Notices", "/notices", active, person or None, "notice", "Messages"))
    if _is_admin():
        active = path.startswith("/people")
        items.append(NavItem("People", "/people", active, None, "user", "Console"))
        active = path.startswith("/audit")
        items.append(NavItem("Audit log", "/audit", active, None, "record", "Console"))
    groups = list(dict.fromkeys(item.group for item in items))
    return sorted(items, key=lambda item: groups.index(item.group))


def url_for_id(kind: str, resource_id: str) -> str:
    """The address of a resource's page."""
    return page_of(RESOURCES[kind].slug, resource_id)


def name_rows(rows: list[Row], columns: Iterable[Column]) -> Callable[[str, str], str]:
    """A function from (kind, id) to its name, for every id that these cells of ``rows`` lead to."""
    wanted: dict[str, set[str]] = {}
    leading = [column for column in columns if column.of]
    for row in rows:
        for column in leading:
            value = row.cells.get(column.name)
            if value:
                wanted.setdefault(column.of, set()).update(
                    value if isinstance(value, list) else [value]
                )
    known = inventory()
    names = {kind: known.names(kind, sorted(ids)) for kind, ids in wanted.items()}
    return lambda kind, resource_id: names.get(kind, {}).get(resource_id, "")


def _template_context() -> dict[str, Any]:
    who = visitor()
    values: dict[str, Any] = {
        "signed_in": who is not None,
        "has_role": who is not None and who.may("viewer"),
        "person": who,
        "url_for_id": url_for_id,
        "RESOURCES": RESOURCES,
        "kind_of": kind_of,
        "messages": get_flashed_messages(with_categories=True),
    }
    if values["has_role"]:
        values |= {"nav": _nav(), "scope": scope()}
    return values


@lru_cache(maxsize=256)
def static_url(filename: str) -> str:
    """The address of a static file.

    Browsers keep it for a year; one that has changed when the console starts has another address.
    """
    version = hashlib.sha256((_STATIC / filename).read_bytes()).hexdigest()[:12]
    return f"/static/{filename}?v={version}"


def register(app: Flask) -> None:
    """Give the templates their context."""
    app.context_processor(_template_context)
    app.jinja_env.filters["b64"] = lambda text: b64encode(text.encode()).decode()
    app.jinja_env.filters["shell"] = shlex.quote
    app.jinja_env.globals["static_url"] = static_url
