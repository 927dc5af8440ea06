"""ModifySnapshotTier, RestoreSnapshotTier, DescribeSnapshotTierStatus: the archive of snapshots.

docs.aws.amazon.com/ebs/latest/userguide/snapshot-archive.html: only what is completed can be
archived; what is archived must be restored before it is used, for some days or for good.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from app.sandbox.ec2 import agenda, filters, ids, paging, snapshots, tags
from app.sandbox.ec2.refusal import Refused, bad_combination
from app.sandbox.ec2.request import Answer, Moto, Request, memory, now, operation

_MOST_DAYS = 180


@operation("ModifySnapshotTier")
def modify_snapshot_tier(request: Request) -> Answer:
    snapshot = _own(request)
    if snapshot.status != "completed" or snapshot.storage_tier == "archive":
        raise Refused(
            "IncorrectState", f"The snapshot '{snapshot.id}' cannot be archived in its state."
        )
    _check_idle(request, snapshot)
    request.stop_if_dry_run()
    tiering = _begin(request, snapshot, "archival")
    return {"SnapshotId": snapshot.id, "TieringStartTime": tiering["started"]}


@operation("RestoreSnapshotTier")
def restore_snapshot_tier(request: Request) -> Answer:
    snapshot = _own(request)
    days, permanent = request.get("TemporaryRestoreDays"), bool(request.get("PermanentRestore"))
    if (days is None) != permanent:
        raise bad_combination(
            "Specify TemporaryRestoreDays for a temporary restore, or PermanentRestore"
        )
    if days is not None and not 1 <= days <= _MOST_DAYS:
        raise Refused("InvalidParameterValue", f"TemporaryRestoreDays: 1 to {_MOST_DAYS}")
    if snapshot.storage_tier != "archive":
        raise Refused("IncorrectState", f"The snapshot '{snapshot.id}' is not archived.")
    _check_idle(request, snapshot)
    request.stop_if_dry_run()
    tiering = _begin(request, snapshot, "permanent-restore" if permanent else "temporary-restore")
    tiering["expires"] = None if permanent else tiering["started"] + timedelta(days=days)
    return {
        "SnapshotId": snapshot.id,
        "RestoreStartTime": tiering["started"],
        "RestoreDuration": days,
        "IsPermanentRestore": permanent,
    }


def _own(request: Request) -> Moto:
    snapshot = ids.one(request.backend, ids.SNAPSHOT, request.need("SnapshotId"))
    snapshots.check_owned(request, snapshot)
    return snapshot


def _check_idle(request: Request, snapshot: Moto) -> None:
    last = memory(request.backend, "tierings").get(snapshot.id)
    if last and last["status"].endswith("in-progress"):
        raise Refused("IncorrectState", f"The snapshot '{snapshot.id}' is being moved already.")


def _begin(request: Request, snapshot: Moto, what: str) -> dict[str, Any]:
    seconds = request.settings.snapshot_tiering
    tiering: dict[str, Any] = {
        "status": f"{what}-in-progress",
        "started": now(),
        "whole": seconds,
        "expires": None,
    }
    memory(request.backend, "tierings")[snapshot.id] = tiering
    agenda.plan(request.backend, "snapshot tiered", snapshot.id, seconds)
    return tiering


@agenda.event("snapshot tiered")
def _tiered(backend: Moto, snapshot_id: str, due: datetime) -> None:
    snapshot, tiering = backend.snapshots.get(snapshot_id), memory(backend, "tierings")[snapshot_id]
    if snapshot is None:
        return
    what = tiering["status"].removesuffix("-in-progress")
    tiering["status"] = f"{what}-completed"
    if what == "archival":
        snapshot.storage_tier = "archive"
        tiering["archived"] = due
    elif what == "permanent-restore":
        snapshot.storage_tier = "standard"


@operation("DescribeSnapshotTierStatus", reads=True)
def describe_snapshot_tier_status(request: Request) -> Answer:
    """Every own snapshot, with what was last done to bring it to the archive or back."""
    backend = request.backend
    tierings = memory(backend, "tierings")
    fields: dict[str, filters.Field] = {
        "snapshot-id": lambda s: s.id,
        "volume-id": lambda s: s.volume.id,
        "last-tiering-operation": lambda s: tierings.get(s.id, {}).get("status"),
    }
    own = [each for each in backend.snapshots.values() if snapshots.mine(request, each)]
    found = filters.apply(request, own, fields)
    shown, token = paging.page(request, found, lambda s: s.id)
    told = [view(snapshot, tierings.get(snapshot.id)) for snapshot in shown]
    return paging.listed("SnapshotTierStatuses", told, token)


def view(snapshot: Moto, tiering: dict[str, Any] | None) -> dict[str, Any]:
    """A snapshot's tier as AWS shows it; without its last part where nothing was ever done."""
    told = {
        "SnapshotId": snapshot.id,
        "VolumeId": snapshot.volume.id,
        "Status": snapshot.status,
        "OwnerId": snapshot.owner_id,
        "StorageTier": snapshot.storage_tier,
        "Tags": tags.view(snapshot.ec2_backend, snapshot.id),
    }
    if tiering is None:
        return told
    return {
        **told,
        "LastTieringStartTime": tiering["started"],
        "LastTieringProgress": _progress(tiering),
        "LastTieringOperationStatus": tiering["status"],
        "ArchivalCompleteTime": tiering.get("archived"),
        "RestoreExpiryTime": tiering["expires"],
    }


def _progress(tiering: dict[str, Any]) -> int:
    if tiering["status"].endswith("completed"):
        return 100
    gone = (now() - tiering["started"]).total_seconds()
    return min(int(100 * gone / tiering["whole"]), 99) if tiering["whole"] else 99
