"""Public images: asked of AWS directly, since there are far too many to keep."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue

from app.aws.listing import Description
from app.db import now
from app.inventory import make_row
from app.resources.images import IMAGE
from app.resources.spec import Row
from app.web.asking import ask_everywhere
from app.web.context import accounts, bounds, chosen_place, house, scope

OWNERS = (
    ("", "Anyone"),
    ("099720109477", "Canonical (Ubuntu)"),
    ("136693071363", "Debian"),
    ("amazon", "Amazon"),
    ("aws-marketplace", "AWS Marketplace"),
    ("309956199498", "Red Hat"),
    ("013907871322", "SUSE"),
)
ARCHITECTURES = ("", "x86_64", "arm64", "i386")
ROOT_DEVICE_TYPES = ("", "ebs", "instance-store")
SHOWN = 100


@dataclass(frozen=True)
class Search:
    """What public images are looked for."""

    account: str
    region: str
    owner: str
    name: str
    architecture: str
    root_device_type: str

    @property
    def asks(self) -> bool:
        """Whether enough is given: an owner or a part of the name."""
        return bool(self.owner or self.name)


def public_page() -> ResponseReturnValue:
    """Public images that fit, newest first. May raise AwsError."""
    account, region, problem = chosen_place()
    search = _search(account, region)
    problem = problem or _problem(search)
    found = []
    if search.asks and not problem:
        found = (
            house()
            .references.of(account)
            .public_images(
                search.region,
                search.owner,
                search.name,
                search.architecture,
                search.root_device_type,
            )
        )
    rows = [_row(search.region, image) for image in found[:SHOWN]]
    page = render_template(
        "images/public.html",
        resource=IMAGE,
        search=search,
        problem=problem,
        owners=OWNERS,
        architectures=ARCHITECTURES,
        root_device_types=ROOT_DEVICE_TYPES,
        accounts=accounts().usable,
        regions=scope().regions,
        rows=rows,
        total=len(found),
        shown=SHOWN,
    )
    return page, 400 if problem else 200


def _search(account: str, region: str) -> Search:
    given = request.args
    owner = given.get("owner", "").strip() or given.get("owner_id", "").strip()
    return Search(
        account,
        region,
        owner,
        given.get("name", "").strip(),
        given.get("architecture", ""),
        given.get("root_device_type", ""),
    )


def _problem(search: Search) -> str:
    known = {value for value, _ in OWNERS}
    if search.owner not in known and not (search.owner.isdigit() and len(search.owner) == 12):
        return "An owner is an account's 12 digits, or one of the names offered."
    if search.architecture not in ARCHITECTURES:
        return f"There is no architecture {search.architecture[:40]!r}."
    if search.root_device_type not in ROOT_DEVICE_TYPES:
        return f"There is no root device type {search.root_device_type[:40]!r}."
    if len(search.name) > 200 or "\x00" in search.name:
        return "A name can have 128 characters."
    return ""


def _row(region: str, image: Description) -> Row:
    return make_row(IMAGE, str(image.get("OwnerId", "")), region, image, now())


def find(image_id: str) -> Row | None:
    """An image of whatever owner, in any account and region; None where there is none.

    For whoever does not see everything it must be public, unless it is within what they see.
    """
    services, within = house(), bounds()

    def ask(account: str, region: str) -> Row | None:
        image = services.references.of(account).image(region, image_id)
        if image is None:
            return None
        row = replace(_row(region, image), gone=False)
        hidden = within is not None and not (image.get("Public") is True or within.covers(row))
        return None if hidden else row

    return ask_everywhere(ask, accounts().scopes())


def register(app: Flask) -> None:
    """The tab of the images."""
    app.add_url_rule("/images/public", "image_public", public_page)
