"""What a kind can be filtered and sorted by, beside its tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Literal

from app.inventory.entry import BUILT_IN
from app.resources.spec import Cell, Resource

TAG = "tag:"
Sort = Literal["text", "number", "time", "flag"]
_BUILT_IN_TITLES = {
    "id": "ID",
    "name": "Name",
    "account": "Account",
    "region": "Region",
    "state": "State",
}
_SORTS: Mapping[Cell, Sort] = {
    "number": "number",
    "size": "number",
    "percent": "number",
    "time": "time",
    "flag": "flag",
}


def titles(resource: Resource) -> dict[str, str]:
    """Title by name of everything a list of this kind can be filtered and sorted by."""
    built_in = {
        name: _BUILT_IN_TITLES[name] for name in BUILT_IN if name != "state" or resource.states
    }
    return {**built_in, **{column.name: column.title for column in resource.columns}}


def cell_of(resource: Resource, key: str) -> Cell:
    """How a key's values are read: as its column says; those of a tag as numbers, if they are."""
    if key.startswith(TAG):
        return "number"
    return next((column.cell for column in resource.columns if column.name == key), "text")


def sort_of(cell: Cell) -> Sort:
    """What sort of value a cell holds: what it can be compared with."""
    return _SORTS.get(cell, "text")


def folded_name(text: str) -> str:
    """A column's name or title as it is compared: ``Volume-Type`` and ``volume type`` are one."""
    return re.sub(r"[\s_-]+", "_", text.strip().lower())


def names_by_word(resource: Resource) -> dict[str, str]:
    """The columns' names by what one may write for them: the name itself, or the title."""
    known = titles(resource)
    by_title = {folded_name(title): name for name, title in known.items()}
    return {**by_title, **{name: name for name in known}}


def nearest(resource: Resource, word: str) -> str:
    """The name of the column that was perhaps meant by ``word``; empty if none is like it."""
    words = names_by_word(resource)
    found = get_close_matches(folded_name(word), words, n=1, cutoff=0.6)
    return words[found[0]] if found else ""
