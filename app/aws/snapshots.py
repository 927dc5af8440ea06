"""EBS snapshots: how they are listed, and what can be done with them."""

from __future__ import annotations

from collections.abc import Mapping

from app.aws.call import Call
from app.aws.listing import ec2_listing
from app.aws.tags import REQUEST_TAG, made_for, tag_specifications

LISTING = ec2_listing(
    "DescribeSnapshots", "Snapshots[]", "snapshot-id", {"OwnerIds": ["self"]}, owner="OwnerId"
)
# What was last begun to bring a snapshot to the archive or back.
TIERS = ec2_listing(
    "DescribeSnapshotTierStatus", "SnapshotTierStatuses[]", "snapshot-id", owner="OwnerId"
)


def create_snapshot(
    region: str, volume_id: str, description: str, tags: Mapping[str, str], request_id: str
) -> Call:
    """Snapshot a volume.

    CreateSnapshot takes no idempotency token, so ``request_id`` goes along as a tag by which a
    snapshot whose answer got lost is found again.
    """
    marked = {**tags, REQUEST_TAG: request_id}
    return Call(
        "ec2",
        "CreateSnapshot",
        region,
        {
            "VolumeId": volume_id,
            "Description": description,
            "TagSpecifications": tag_specifications(snapshot=marked),
        },
        says=f"Make a snapshot of {volume_id}",
        touches=(("volume", volume_id),),
        makes=("snapshot", "@", {}),
        find_again=find_by_request(request_id),
    )


def find_by_request(*request_ids: str) -> tuple[str, Mapping[str, object], str]:
    """The read that finds the snapshots made for these requests (Call.find_again), at most 200."""
    return made_for("DescribeSnapshots", "Snapshots[]", request_ids, OwnerIds=["self"])


def delete_snapshot(region: str, snapshot_id: str) -> Call:
    """Delete a snapshot; refused with InvalidSnapshot.InUse while an image uses it."""
    return Call(
        "ec2",
        "DeleteSnapshot",
        region,
        {"SnapshotId": snapshot_id},
        says=f"Delete snapshot {snapshot_id}",
        removes=(("snapshot", snapshot_id),),
        of=snapshot_id,
    )
