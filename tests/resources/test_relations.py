"""What a resource comes from and what hangs on it: from both ends the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db import make_engine, now
from app.inventory import Inventory
from app.inventory.related import Related, related
from app.migrate import upgrade
from app.resources import RESOURCES
from app.resources.spec import Relation, Row
from tests.recordings import KINDS, listed, needs_recordings
from tests.resources.world import ACCOUNT, HERE, OTHER_ACCOUNT, QUEUE, TOPIC, an_id, descriptions

EVERY = [(kind, relation) for kind, each in RESOURCES.items() for relation in each.relations]


@pytest.fixture
def inventory(tmp_path: Path) -> Iterator[Inventory]:
    engine = make_engine(f"sqlite:///{tmp_path}/inventory.db")
    upgrade(engine)
    yield Inventory(engine, RESOURCES)
    engine.dispose()


@pytest.fixture
def world(inventory: Inventory) -> Inventory:
    """An inventory in which every relation holds somewhere."""
    for kind, found in descriptions().items():
        inventory.store(kind, ACCOUNT, HERE, found, now())
    return inventory


def the(inventory: Inventory, kind: str, resource_id: str) -> Row:
    row = inventory.get(kind, resource_id)
    assert row is not None
    return row


def ties(inventory: Inventory, row: Row, most: int = 10_000) -> dict[str, Related]:
    return {each.relation.title: each for each in related(inventory, RESOURCES, row, most)}


def ids(each: Related) -> list[str]:
    return [row.id for row in each.rows]


def everything(inventory: Inventory) -> Iterator[Row]:
    for kind in RESOURCES:
        yield from inventory.all(kind, limit=100_000)


def pairs(inventory: Inventory) -> set[tuple[str, str]]:
    """Every (from, to) that some relation tells; of those to which both ends are there."""
    return {
        (row.id, other.id)
        for row in everything(inventory)
        for each in related(inventory, RESOURCES, row, 10_000)
        for other in each.rows
    }


def test_a_world_holds_every_relation(world: Inventory) -> None:
    held = {
        (row.kind, each.relation.title)
        for row in everything(world)
        for each in related(world, RESOURCES, row)
        if each.rows
    }
    assert held == {(kind, relation.title) for kind, relation in EVERY}


def test_every_relation_is_told_from_both_ends(world: Inventory) -> None:
    told = pairs(world)
    assert {(other, one) for one, other in told} == told


@pytest.mark.parametrize(("kind", "relation"), EVERY, ids=[f"{k}: {r.title}" for k, r in EVERY])
def test_a_relation_names_what_there_is_and_has_an_inverse(kind: str, relation: Relation) -> None:
    other = RESOURCES[relation.kind]
    assert relation.column in {"id", *(column.name for column in other.columns)}
    opposite = {"from": "on", "on": "from"}[relation.way]
    assert any(
        back.kind == kind and back.near == relation.near and back.way == opposite
        for back in other.relations
    )


def test_an_image_leads_over_its_snapshot_and_volume_to_the_instance(world: Inventory) -> None:
    image = ties(world, the(world, "image", an_id("ami", 1)))
    assert ids(image["Snapshots"]) == [an_id("snap", 1)]
    assert ids(image["Instance it was made of"]) == [an_id("i", 1)]
    assert ids(image["Copies of it"]) == [an_id("ami", 2)]
    snapshot = ties(world, image["Snapshots"].rows[0])
    assert ids(snapshot["Volume"]) == [an_id("vol", 1)]
    volume = ties(world, snapshot["Volume"].rows[0])
    assert ids(volume["Attached to"]) == [an_id("i", 1)]
    instance = ties(world, volume["Attached to"].rows[0])
    assert ids(instance["Image"]) == [an_id("ami", 2)]
    assert ids(instance["Key pair"]) == [an_id("key", 1)]
    assert ids(instance["Security groups"]) == [an_id("sg", 1)]
    assert ids(instance["Snapshots of its volumes"]) == [an_id("snap", 1)]


def test_a_topic_and_its_queue_lead_to_each_other(world: Inventory) -> None:
    assert ids(ties(world, the(world, "topic", TOPIC))["Queues it sends to"]) == [QUEUE]
    assert ids(ties(world, the(world, "queue", QUEUE))["Topics that send to it"]) == [TOPIC]


def test_the_arbitrary_volume_of_a_copied_snapshot_is_no_volume(world: Inventory) -> None:
    copy = the(world, "snapshot", an_id("snap", 2))
    assert "Volume" not in ties(world, copy)
    assert ids(ties(world, copy)["Snapshot it was copied from"]) == [an_id("snap", 1)]


def test_a_snapshot_that_copying_an_image_made_knows_its_source(inventory: Inventory) -> None:
    said = (
        f"Copied for DestinationAmi {an_id('ami', 8)} from SourceAmi {an_id('ami', 7)} "
        f"for SourceSnapshot {an_id('snap', 7)}. Task created on 1,700,000,000,000."
    )
    copy = {"SnapshotId": an_id("snap", 8), "State": "completed", "Description": said}
    inventory.store("snapshot", ACCOUNT, HERE, [copy], now())
    source = ties(inventory, the(inventory, "snapshot", an_id("snap", 8)))
    assert source["Snapshot it was copied from"].absent == ((an_id("snap", 7), None),)


def test_what_is_gone_or_was_never_seen_is_told_as_absent(world: Inventory) -> None:
    stranger = ties(world, the(world, "instance", an_id("i", 2)))
    assert stranger["Image"].absent == ((an_id("ami", 9), None),)
    assert stranger["Image"].count == 1
    world.forget("volume", ACCOUNT, HERE, [an_id("vol", 1)], now())
    snapshot = ties(world, the(world, "snapshot", an_id("snap", 1)))
    [(volume_id, gone)] = snapshot["Volume"].absent
    assert volume_id == an_id("vol", 1)
    assert gone is not None
    assert gone.gone


def test_a_key_pair_has_only_the_instances_of_its_account_and_region(world: Inventory) -> None:
    for account, region, number in ((OTHER_ACCOUNT, HERE, 3), (ACCOUNT, "eu-west-1", 4)):
        stranger = {**descriptions()["instance"][0], "InstanceId": an_id("i", number)}
        world.store("instance", account, region, [stranger], now())
        namesake = {"KeyPairId": an_id("key", number), "KeyName": "ops"}
        world.store("key_pair", account, region, [namesake], now())
    for number in (1, 3, 4):
        pair = ties(world, the(world, "key_pair", an_id("key", number)))
        assert ids(pair["Instances launched with it"]) == [an_id("i", number)]
        instance = ties(world, the(world, "instance", an_id("i", number)))
        assert ids(instance["Key pair"]) == [an_id("key", number)]


def test_an_image_is_found_from_another_account(world: Inventory) -> None:
    shared = {"InstanceId": an_id("i", 5), "State": {}, "ImageId": an_id("ami", 1)}
    world.store("instance", OTHER_ACCOUNT, "eu-west-1", [shared], now())
    image = ties(world, the(world, "image", an_id("ami", 1)))
    assert an_id("i", 5) in ids(image["Instances launched from it"])


def test_more_than_are_shown_are_counted(world: Inventory) -> None:
    many = [
        {"SnapshotId": an_id("snap", 100 + n), "State": "completed", "VolumeId": an_id("vol", 1)}
        for n in range(25)
    ]
    world.store("snapshot", ACCOUNT, HERE, many, now())
    volume = ties(world, the(world, "volume", an_id("vol", 1)), 10)["Snapshots of it"]
    assert len(volume.rows) == 10
    assert volume.total == 26


@needs_recordings
def test_what_recordings_tell_is_told_from_both_ends(inventory: Inventory) -> None:
    for kind in KINDS:
        for _, account, found in listed(RESOURCES[kind]):
            inventory.store(kind, account, HERE, found, now())
    told = pairs(inventory)
    assert told
    assert {(other, one) for one, other in told} == told
