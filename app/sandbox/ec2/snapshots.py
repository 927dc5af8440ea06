"""Snapshots: how they are made and come to be completed, and how they are told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.utils import random_snapshot_id

from app.sandbox.ec2 import agenda, filters, ids, news, paging, tags
from app.sandbox.ec2.refusal import Refused
from app.sandbox.ec2.request import Answer, Moto, Request, now, operation
from app.sandbox.ec2.volumes import snapshot_size

GIB = 1024**3
BLOCK = 512 * 1024
# Progress is told in jumps, and is not an honest measure: share of the time gone → what is shown.
_JUMPS = ((0.97, "99%"), (0.85, "92%"), (0.6, "68%"), (0.45, "41%"), (0.25, "23%"), (0.0, "0%"))


def start(
    backend: Moto, volume: Moto, description: str, seconds: float, kept: dict[str, str]
) -> Moto:
    """Begin a snapshot of the volume that will be completed in `seconds`; moto's object."""
    snapshot = record(backend, volume, description, started=now(), kept=kept)
    snapshot.status = "pending"
    failing = backend.__dict__.get("_encante_failures")
    if failing:
        snapshot._encante_fails = failing.pop(0)
    snapshot._encante_due = agenda.plan(backend, "snapshot done", snapshot.id, seconds)
    volume._encante_snapshot_at = now()
    return snapshot


def record(
    backend: Moto,
    volume: Moto,
    description: str,
    *,
    started: datetime,
    took: float = 60.0,
    owner_id: str | None = None,
    kept: dict[str, str] | None = None,
    fails: str | None = None,
) -> Moto:
    """A snapshot that is over: of another account, or of the past. Time is UTC without a zone.

    It is completed, or in state `error` where `fails` gives its StateMessage.
    """
    snapshot: Moto = Snapshot(
        backend,
        random_snapshot_id(),
        volume,
        description,
        encrypted=bool(volume.encrypted),
        kms_key_id=volume.kms_key_id,
        owner_id=owner_id,
    )
    snapshot.start_time = started
    snapshot._encante_size = volume.size
    snapshot._encante_due = snapshot._encante_completed = started + timedelta(seconds=took)
    snapshot._encante_fails = fails
    snapshot.status = "error" if fails else "completed"
    backend.snapshots[snapshot.id] = snapshot
    tags.put(backend, snapshot.id, kept or {})
    return snapshot


def fail_next(backend: Moto, message: str, count: int = 1) -> None:
    """The next `count` snapshots of this backend end in `error` with this StateMessage."""
    backend.__dict__.setdefault("_encante_failures", []).extend([message] * count)


@agenda.event("snapshot done")
def _done(backend: Moto, snapshot_id: str, due: datetime) -> None:
    snapshot = backend.snapshots.get(snapshot_id)
    if snapshot is None or snapshot.status != "pending":
        return
    snapshot.status = "error" if snapshot._encante_fails else "completed"
    snapshot._encante_completed = due
    news.snapshot(backend, snapshot, due)


def seconds_for(pending: float, size: int) -> float:
    """How long a snapshot of `size` GiB takes: `pending`, and up to half of it more."""
    return pending * (1 + min(size, 1000) / 2000)


def progress(snapshot: Moto) -> str:
    """What DescribeSnapshots tells as `Progress`."""
    if snapshot.status == "completed" or snapshot._encante_due is None:
        return "100%"
    whole = (snapshot._encante_due - snapshot.start_time).total_seconds()
    gone = (now() - snapshot.start_time).total_seconds()
    if snapshot.status == "error":
        gone = whole * 0.4
    share = gone / whole if whole > 0 else 1.0
    return next(text for least, text in _JUMPS if share >= least or least == 0.0)


def full_size(snapshot: Moto) -> int:
    """Bytes of the whole snapshot: a made-up, steady share of the volume, in blocks of 512 KiB."""
    share: int = 20 + sum(snapshot.id.encode()) % 50
    return snapshot_size(snapshot) * GIB * share // 100 // BLOCK * BLOCK


def mine(request: Request, snapshot: Moto) -> bool:
    return bool(snapshot.owner_id == request.account_id)


def check_owned(request: Request, snapshot: Moto) -> None:
    """Refuse to change what belongs to another account."""
    if not mine(request, snapshot):
        raise Refused("AuthFailure", f"Not authorized for snapshot:{snapshot.id}", 403)


FIELDS: dict[str, filters.Field] = {
    "description": lambda s: s.description or "",
    "encrypted": lambda s: bool(s.encrypted),
    "owner-alias": lambda s: _owner_alias(s),
    "owner-id": lambda s: s.owner_id,
    "progress": progress,
    "snapshot-id": lambda s: s.id,
    "start-time": lambda s: s.start_time,
    "status": lambda s: s.status,
    "storage-tier": lambda s: s.storage_tier,
    "volume-id": lambda s: s.volume.id,
    "volume-size": snapshot_size,
}


def _owner_alias(snapshot: Moto) -> str | None:
    return "amazon" if snapshot.owner_id == "137112412989" else None


@operation("DescribeSnapshots", reads=True)
def describe_snapshots(request: Request) -> Answer:
    """Own, shared and public ones; public are those of public images, as moto makes them."""
    backend, wanted = request.backend, request.items("SnapshotIds")
    found = ids.many(backend, ids.SNAPSHOT, wanted) if wanted else list(backend.snapshots.values())
    found = [snapshot for snapshot in found if _asked_for(request, snapshot)]
    found = filters.apply(request, found, FIELDS)
    shown, token = paging.page(
        request, found, lambda s: s.id, ids="SnapshotIds", said="snapshotSet", cuts=True
    )
    return paging.listed("Snapshots", [view(snapshot) for snapshot in shown], token)


def _asked_for(request: Request, snapshot: Moto) -> bool:
    owners, restorable_by = request.items("OwnerIds"), request.items("RestorableByUserIds")
    own = mine(request, snapshot)
    if owners and not (
        snapshot.owner_id in owners
        or ("self" in owners and own)
        or _owner_alias(snapshot) in owners
    ):
        return False
    if not restorable_by:
        return True
    users = snapshot.create_volume_permission_userids | {snapshot.owner_id}
    groups = snapshot.create_volume_permission_groups
    asked = {request.account_id if user == "self" else user for user in restorable_by}
    return bool(asked & users or ("all" in asked and "all" in groups))


def view(snapshot: Moto) -> dict[str, Any]:
    """A snapshot as DescribeSnapshots and CreateSnapshot show it."""
    done = snapshot.status == "completed"
    return {
        "SnapshotId": snapshot.id,
        "VolumeId": snapshot.volume.id,
        "State": snapshot.status,
        "StateMessage": snapshot._encante_fails if snapshot.status == "error" else None,
        "StartTime": snapshot.start_time,
        "CompletionTime": snapshot._encante_completed if done else None,
        "Progress": progress(snapshot),
        "OwnerId": snapshot.owner_id,
        "OwnerAlias": _owner_alias(snapshot),
        "Description": snapshot.description or "",
        "VolumeSize": snapshot_size(snapshot),
        "FullSnapshotSizeInBytes": full_size(snapshot) if done else None,
        "Encrypted": bool(snapshot.encrypted),
        "KmsKeyId": snapshot.kms_key_id,
        "StorageTier": snapshot.storage_tier,
        "Tags": tags.view(snapshot.ec2_backend, snapshot.id),
    }
