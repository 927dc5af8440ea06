from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from werkzeug.datastructures import MultiDict

from app.inventory import Inventory, Query
from app.inventory.cells import show
from app.inventory.keys import titles
from app.resources import RESOURCES
from tests.inventory.boxes import NOON, Clock
from tests.recordings import KINDS, listed, needs_recordings, recordings

DATABASES = ("sqlite",)  # the same on every one

pytestmark = needs_recordings


@pytest.fixture
def everything(engine: Engine, clock: Clock) -> Inventory:
    return Inventory(engine, RESOURCES, clock)


def test_dates_are_read_as_botocore_gives_them():
    [snapshots] = [
        recording
        for recording in recordings()
        if (recording.operation, recording.name) == ("DescribeSnapshots", "test_ebs_snapshot.1")
    ]
    [snapshot] = snapshots.data["Snapshots"]
    assert snapshot["StartTime"] == datetime(2017, 5, 3, 14, 43, 17, tzinfo=UTC)


def load(inventory: Inventory, kind: str, at: datetime = NOON) -> dict[str, set[str]]:
    """Store every recording of a kind in a region of its own; returns the ids by region."""
    stored = {}
    for number, (name, account, found) in enumerate(listed(RESOURCES[kind])):
        region = f"{name}-{number}"
        inventory.store_all(kind, account, region, [found], at)
        stored[region] = {item[RESOURCES[kind].id_key] for item in found}
    assert any(stored.values())
    return stored


@pytest.mark.parametrize("kind", KINDS)
def test_every_recording_is_stored_listed_and_found(everything: Inventory, kind: str):
    resource = RESOURCES[kind]
    for region, ids in load(everything, kind).items():
        query = Query.parse(resource, MultiDict({"region": region, "per_page": "250"}))
        rows = everything.page(kind, query).rows
        assert {row.id for row in rows} == ids
        for row in rows:
            assert everything.get(kind, row.id) is not None
            assert set(row.cells) == {column.name for column in resource.columns}
            json.dumps(row.cells)
            assert row.state in {"", *(state.name for state in resource.states)}


@pytest.mark.parametrize("kind", KINDS)
def test_recordings_can_be_sorted_and_narrowed_by_every_column(everything: Inventory, kind: str):
    resource = RESOURCES[kind]
    load(everything, kind)
    total = everything.page(kind, Query()).total
    for name in titles(resource):
        up = list(everything.export(kind, Query.parse(resource, MultiDict({"sort": name}))))
        down = list(everything.export(kind, Query.parse(resource, MultiDict({"sort": f"-{name}"}))))
        assert len(up) == len(down) == total
        wanted = show(up[0].cells.get(name, getattr(up[0], name, "")))
        if not isinstance(up[0].cells.get(name), list):
            found = everything.find(kind, name, [wanted])
            assert not wanted or up[0].id in {row.id for row in found}


@pytest.mark.parametrize("kind", KINDS)
def test_recordings_stored_twice_change_nothing(everything: Inventory, clock: Clock, kind: str):
    load(everything, kind)
    before = everything.revision(kind)
    load(everything, kind, clock.move(300))
    assert everything.revision(kind) == before
