"""What every template may use."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from flask import Flask, current_app, get_flashed_messages, request, session

from app.aws.clients import Endpoint
from app.aws.errors import AwsError
from app.house import House
from app.resources import RESOURCES
from app.resources.forms import page_of
from app.resources.spec import Column, Row


def house() -> House:
    """The services of the application that answers this request."""
    return cast(House, current_app.extensions["encante"])


def actor() -> str:
    """Who is signed in, as it is written down with what they do."""
    return str(session.get("actor", ""))


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
    """Which account, regions and endpoint these are, and who AWS says we are."""

    account: str
    regions: tuple[str, ...]
    endpoint: Endpoint
    identity: str


def scope() -> Scope:
    """The scope of this console; asks nobody."""
    services = house()
    identity = services.identity
    try:
        endpoint = services.clients.endpoint(region=services.settings.regions[0])
    except AwsError as error:  # an endpoint URL that is none: the pages tell
        endpoint = Endpoint("other", error.message)
    return Scope(
        identity.account if identity else "account not known yet",
        services.settings.regions,
        endpoint,
        identity.arn if identity else "",
    )


def _nav() -> list[NavItem]:
    counts = house().inventory.counts()
    path = request.path
    items = [NavItem("Overview", "/", path == "/", None, "home", "")]
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
    waiting = house().watches.open_count()
    active = path.startswith("/watches")
    items.append(NavItem("Watches", "/watches", active, waiting, "watch", "Messages"))
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
    names = {kind: house().inventory.names(kind, sorted(ids)) for kind, ids in wanted.items()}
    return lambda kind, resource_id: names.get(kind, {}).get(resource_id, "")


def _template_context() -> dict[str, Any]:
    signed_in = bool(session.get("actor"))
    values: dict[str, Any] = {
        "signed_in": signed_in,
        "url_for_id": url_for_id,
        "RESOURCES": RESOURCES,
        "messages": get_flashed_messages(with_categories=True),
    }
    if signed_in:
        values |= {"nav": _nav(), "scope": scope(), "identity_error": house().identity_error}
    return values


@lru_cache(maxsize=256)
def _version(path: Path, changed: float) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _versioned(endpoint: str, values: dict[str, Any]) -> None:
    # static files are kept by browsers for a year; a changed one has another address
    if endpoint == "static" and "v" not in values and current_app.static_folder:
        path = Path(current_app.static_folder) / str(values.get("filename", ""))
        if path.is_file():
            values["v"] = _version(path, path.stat().st_mtime)


def register(app: Flask) -> None:
    """Give the templates their context."""
    app.context_processor(_template_context)
    app.jinja_env.filters["b64"] = lambda text: b64encode(text.encode()).decode()
    app.url_defaults(_versioned)
