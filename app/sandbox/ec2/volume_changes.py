"""ModifyVolume and DescribeVolumesModifications.

docs.aws.amazon.com/ebs/latest/userguide/ebs-modify-volume.html: a volume only grows; a modification
goes from modifying over optimizing to completed; four of them in 24 hours.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from moto.ec2.models.elastic_block_store import VolumeModification

from app.sandbox.ec2 import agenda, filters, ids, news, paging, volume_limits, volumes
from app.sandbox.ec2.refusal import Refused, bad_value
from app.sandbox.ec2.request import Answer, Moto, Request, now, operation

_MOST_A_DAY = 4
_ASKS = ("Size", "VolumeType", "Iops", "Throughput")


@operation("ModifyVolume")
def modify_volume(request: Request) -> Answer:
    volume = ids.one(request.backend, ids.VOLUME, request.need("VolumeId"))
    target = _target(request, volume)
    _check_may(volume)
    request.stop_if_dry_run()
    modification = _begin(volume, target)
    seconds = request.settings.volume_modifying
    modification._encante_whole = seconds
    agenda.plan(request.backend, "volume modified", volume.id, seconds / 2)
    agenda.plan(request.backend, "volume optimized", volume.id, seconds)
    return {"VolumeModification": view(modification)}


def _target(request: Request, volume: Moto) -> dict[str, Any]:
    if all(request.get(name) is None for name in _ASKS):
        raise bad_value("Invalid input: Must specify at least one of size, type, iops, throughput")
    kind = request.get("VolumeType") or volume.volume_type
    size = request.get("Size") or volume.size
    if size < volume.size:
        raise bad_value("New size cannot be smaller than existing size")
    same = kind == volume.volume_type
    takes = volume_limits.LIMITS.get(kind)
    iops, throughput = request.get("Iops"), request.get("Throughput")
    if same and iops is None and takes and takes.iops:
        iops = volume.iops
    if same and throughput is None and takes and takes.throughput:
        throughput = volume.throughput
    volume_limits.check(kind, size, iops, throughput)
    if iops is None:
        iops = volume_limits.baseline_iops(kind, size)
    if throughput is None and kind == "gp3":
        throughput = 125
    return {"size": size, "volume_type": kind, "iops": iops, "throughput": throughput}


def _check_may(volume: Moto) -> None:
    if volumes.state(volume) == "creating":
        raise Refused("IncorrectState", f"The volume '{volume.id}' is in state 'creating'.")
    last = volume.modifications[-1] if volume.modifications else None
    if last is not None and last._encante_state != "completed":
        raise Refused(
            "IncorrectModificationState",
            f"Cannot modify volume {volume.id}. It is currently in modification state "
            f"{last._encante_state.upper()}",
        )
    day = now() - timedelta(hours=24)
    if sum(m.start_time > day for m in volume.modifications) >= _MOST_A_DAY:
        raise Refused(
            "VolumeModificationRateExceeded",
            "You've reached the maximum modification rate per volume limit: "
            f"{_MOST_A_DAY} modifications in 24 hours.",
        )


def _begin(volume: Moto, target: dict[str, Any]) -> Moto:
    modification: Moto = VolumeModification(volume, target_size=target["size"])
    for name, value in target.items():
        setattr(modification, f"original_{name}", getattr(volume, name))
        setattr(modification, f"target_{name}", value)
        setattr(volume, name, value)
    if volume.attachment:
        device = volume.attachment.instance.block_device_mapping[volume.attachment.device]
        device.size = target["size"]
    modification.start_time = now()
    modification.end_time = None
    modification._encante_state = "modifying"
    volume.modifications.append(modification)
    return modification


@agenda.event("volume modified")
def _modified(backend: Moto, volume_id: str, due: datetime) -> None:
    _move(backend, volume_id, "modifying", "optimizing", due)


@agenda.event("volume optimized")
def _optimized(backend: Moto, volume_id: str, due: datetime) -> None:
    _move(backend, volume_id, "optimizing", "completed", due)


def _move(backend: Moto, volume_id: str, before: str, after: str, due: datetime) -> None:
    volume = backend.volumes.get(volume_id)
    last = volume.modifications[-1] if volume and volume.modifications else None
    if last is not None and last._encante_state == before:
        last._encante_state, last.end_time = after, due if after == "completed" else None
        news.volume(backend, volume_id, "modifyVolume", after, due)


FIELDS: dict[str, filters.Field] = {
    "modification-state": lambda m: m._encante_state,
    "original-iops": lambda m: m.original_iops,
    "original-size": lambda m: m.original_size,
    "original-volume-type": lambda m: m.original_volume_type,
    "start-time": lambda m: m.start_time,
    "target-iops": lambda m: m.target_iops,
    "target-size": lambda m: m.target_size,
    "target-volume-type": lambda m: m.target_volume_type,
    "volume-id": lambda m: m.volume.id,
}


@operation("DescribeVolumesModifications", reads=True)
def describe_volumes_modifications(request: Request) -> Answer:
    """The latest modification of each volume that has one; asked for one without: refused."""
    backend, wanted = request.backend, request.items("VolumeIds")
    asked = ids.many(backend, ids.VOLUME, wanted) if wanted else list(backend.volumes.values())
    for volume in asked:
        if wanted and not volume.modifications:
            raise Refused(
                "InvalidVolumeModification.NotFound",
                f"Modification for volume '{volume.id}' does not exist.",
            )
    every = [volume.modifications[-1] for volume in asked if volume.modifications]
    found = filters.apply(request, every, FIELDS)
    shown, token = paging.page(
        request, found, lambda m: m.volume.id, ids="VolumeIds", said="volumeSet"
    )
    return paging.listed("VolumesModifications", [view(m) for m in shown], token)


def view(modification: Moto) -> dict[str, Any]:
    """A modification as AWS shows it; Progress is of the whole, in percent."""
    return {
        "VolumeId": modification.volume.id,
        "ModificationState": modification._encante_state,
        "StatusMessage": None,
        "OriginalSize": modification.original_size,
        "OriginalVolumeType": modification.original_volume_type,
        "OriginalIops": modification.original_iops,
        "OriginalThroughput": modification.original_throughput,
        "TargetSize": modification.target_size,
        "TargetVolumeType": modification.target_volume_type,
        "TargetIops": modification.target_iops,
        "TargetThroughput": modification.target_throughput,
        "Progress": _progress(modification),
        "StartTime": modification.start_time,
        "EndTime": modification.end_time,
    }


def _progress(modification: Moto) -> int:
    if modification._encante_state == "completed":
        return 100
    gone = (now() - modification.start_time).total_seconds()
    whole = modification._encante_whole
    return min(int(100 * gone / whole), 99) if whole else 99
