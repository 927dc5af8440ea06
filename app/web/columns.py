"""Which columns stand in a list: those of its kind, account and region, and any tag's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.inventory.keys import TAG
from app.resources.spec import Column, Resource, Row

ACCOUNT = Column("account", "Account", lambda description: None)
REGION = Column("region", "Region", lambda description: None)


def choices(resource: Resource) -> list[Column]:
    """Every column that can be chosen for a list, those of single tags left out."""
    return [*resource.columns, ACCOUNT, REGION]


def defaults(resource: Resource, accounts: int, regions: int) -> list[Column]:
    """The columns that stand in a list unless chosen otherwise, with so many accounts and regions.

    Where something is needs to be said only if there are several places.
    """
    shown = [column for column in resource.columns if column.shown]
    if accounts > 1:
        shown.insert(1 if shown and shown[0].name == "state" else 0, ACCOUNT)
    return shown + [REGION] * (regions > 1)


def column_of(resource: Resource, name: str) -> Column | None:
    """The column of that name, or of that tag (``tag:Key``); None if there is none."""
    if name.startswith(TAG) and len(name) > len(TAG):
        return Column(name, name.removeprefix(TAG), lambda description: None)
    return next((column for column in choices(resource) if column.name == name), None)


def chosen(resource: Resource, names: Sequence[str]) -> list[Column]:
    """The columns of these names, in their order; names of no column are left out."""
    found = [column_of(resource, name) for name in dict.fromkeys(names)]
    return [column for column in found if column is not None]


def value_of(row: Row, column: Column) -> Any:
    """What a row has in a column of its list; None for nothing."""
    if column.cell == "tags":
        return row.tags
    if column is REGION:
        return row.region
    if column is ACCOUNT:
        return row.account
    name = column.name
    return row.tags.get(name[len(TAG) :]) if name.startswith(TAG) else row.cells.get(name)
