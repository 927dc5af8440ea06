"""CreateSnapshot, CreateSnapshots, DeleteSnapshot."""

from __future__ import annotations

from datetime import timedelta

from app.sandbox.ec2 import ids, images, snapshots, tags
from app.sandbox.ec2.refusal import Refused, bad_value
from app.sandbox.ec2.request import Answer, Moto, Request, now, operation
from app.sandbox.ec2.volumes import state

# At once, per volume: docs.aws.amazon.com/ebs/latest/userguide/ebs-creating-snapshot.html
_AT_ONCE = {"st1": 1, "sc1": 1}
_AT_ONCE_OTHERWISE = 5


@operation("CreateSnapshot")
def create_snapshot(request: Request) -> Answer:
    volume = ids.one(request.backend, ids.VOLUME, request.need("VolumeId"))
    given = tags.specified(request, "snapshot")
    description = check_description(request)
    check_volume(request, volume)
    request.stop_if_dry_run()
    return snapshots.view(begin(request, volume, description, given["snapshot"]))


def begin(request: Request, volume: Moto, description: str, kept: dict[str, str]) -> Moto:
    """Start a snapshot that takes as long as the settings say."""
    seconds = snapshots.seconds_for(request.settings.snapshot_pending, volume.size)
    return snapshots.start(request.backend, volume, description, seconds, kept)


def check_description(request: Request) -> str:
    """The description of a snapshot or image: at most 255 characters."""
    description = request.get("Description") or ""
    if len(description) > 255:
        raise bad_value("The description can have at most 255 characters")
    return str(description)


def check_volume(request: Request, volume: Moto) -> None:
    """Refuse too many at once, too soon after the last, and of a volume in the making."""
    if state(volume) == "creating":
        raise Refused("IncorrectState", f"The volume '{volume.id}' is in state 'creating'.")
    pending = [
        snapshot
        for snapshot in request.backend.snapshots.values()
        if snapshot.volume is volume and snapshot.status == "pending"
    ]
    if len(pending) >= _AT_ONCE.get(volume.volume_type, _AT_ONCE_OTHERWISE):
        raise Refused(
            "ConcurrentSnapshotLimitExceeded",
            "Maximum allowed in-progress snapshots for a single volume exceeded.",
        )
    last = volume._encante_snapshot_at
    rest = timedelta(seconds=request.settings.snapshot_min_interval)
    if last is not None and now() < last + rest:
        raise Refused(
            "SnapshotCreationPerVolumeRateExceeded",
            "The maximum per volume CreateSnapshot request rate has been exceeded. "
            "Use an increasing or variable sleep interval between requests.",
        )


@operation("CreateSnapshots")
def create_snapshots(request: Request) -> Answer:
    """Snapshots of all volumes of an instance, or of all but some."""
    backend = request.backend
    spec = request.need("InstanceSpecification")
    instance = ids.one(backend, ids.INSTANCE, spec.get("InstanceId") or "")
    given = tags.specified(request, "snapshot")["snapshot"]
    description = check_description(request)
    left_out = set(spec.get("ExcludeDataVolumeIds") or [])
    chosen = [
        backend.volumes[device.volume_id]
        for name, device in instance.block_device_mapping.items()
        if not (name == instance.root_device_name and spec.get("ExcludeBootVolume"))
        and device.volume_id not in left_out
    ]
    if not chosen:
        raise bad_value(f"The instance '{instance.id}' has no volume to make a snapshot of")
    for volume in chosen:
        check_volume(request, volume)
    request.stop_if_dry_run()
    copied = request.get("CopyTagsFromSource") == "volume"
    made = [
        begin(
            request,
            volume,
            description,
            {**(backend.tags.get(volume.id, {}) if copied else {}), **given},
        )
        for volume in chosen
    ]
    return {"Snapshots": [_info(snapshot) for snapshot in made]}


def _info(snapshot: Moto) -> dict[str, object]:
    shown = (
        "SnapshotId",
        "VolumeId",
        "State",
        "StartTime",
        "Progress",
        "OwnerId",
        "Description",
        "VolumeSize",
        "Encrypted",
        "Tags",
    )
    view = snapshots.view(snapshot)
    return {name: view[name] for name in shown}


@operation("DeleteSnapshot")
def delete_snapshot(request: Request) -> Answer:
    snapshot = ids.one(request.backend, ids.SNAPSHOT, request.need("SnapshotId"))
    snapshots.check_owned(request, snapshot)
    check_unused(request.backend, snapshot)
    request.stop_if_dry_run()
    remove(request.backend, snapshot.id)
    return {}


def check_unused(backend: Moto, snapshot: Moto) -> None:
    """Refuse to delete a snapshot that an image needs."""
    for image in backend.amis.values():
        if snapshot.id in images.snapshot_ids(image):
            raise Refused(
                "InvalidSnapshot.InUse",
                f"The snapshot {snapshot.id} is currently in use by {image.id}",
            )


def remove(backend: Moto, snapshot_id: str) -> None:
    """The snapshot is gone at once, and its tags with it."""
    backend.snapshots.pop(snapshot_id, None)
    tags.forget(backend, snapshot_id)
