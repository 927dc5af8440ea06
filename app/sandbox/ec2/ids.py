"""Ids of resources: their form, and how AWS words it when one is malformed or unknown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.sandbox.ec2.refusal import Refused, bad_value
from app.sandbox.ec2.request import Moto, memory

MAX_IDS = 1000


@dataclass(frozen=True)
class Kind:
    """How the ids of one kind look and how AWS complains about them."""

    prefix: str
    malformed: str
    not_found: str
    says: Callable[[Sequence[str]], str]
    find: Callable[[Moto, str], Moto | None]


def _instance_missing(ids: Sequence[str]) -> str:
    if len(ids) == 1:
        return f"The instance ID '{ids[0]}' does not exist"
    return f"The instance IDs '{', '.join(ids)}' do not exist"


def _find_instance(backend: Moto, instance_id: str) -> Moto | None:
    # moto keeps instances inside their reservations only; ten thousand of them need an index.
    known = memory(backend, "instances")
    if instance_id not in known:
        for reservation in backend.reservations.values():
            for instance in reservation.instances:
                instance._encante_reservation = reservation.id
                known[instance.id] = instance
    return known.get(instance_id)


INSTANCE = Kind(
    "i-",
    "InvalidInstanceID.Malformed",
    "InvalidInstanceID.NotFound",
    _instance_missing,
    _find_instance,
)
VOLUME = Kind(
    "vol-",
    "InvalidVolumeID.Malformed",
    "InvalidVolume.NotFound",
    lambda ids: f"The volume '{ids[0]}' does not exist.",
    lambda backend, found: backend.volumes.get(found),
)
SNAPSHOT = Kind(
    "snap-",
    "InvalidSnapshotID.Malformed",
    "InvalidSnapshot.NotFound",
    lambda ids: f"The snapshot '{ids[0]}' does not exist.",
    lambda backend, found: backend.snapshots.get(found),
)
IMAGE = Kind(
    "ami-",
    "InvalidAMIID.Malformed",
    "InvalidAMIID.NotFound",
    lambda ids: f"The image id '[{', '.join(ids)}]' does not exist",
    lambda backend, found: backend.amis.get(found),
)
KINDS = {"instance": INSTANCE, "volume": VOLUME, "snapshot": SNAPSHOT, "image": IMAGE}


def check_form(kind: Kind, resource_id: str) -> None:
    """Refuse an id that cannot be one of this kind (8 or 17 hexadecimal digits after the prefix).

    EC2 answers InvalidParameterValue for an id of another kind of volume or snapshot, and the
    kind's own Malformed code otherwise.
    """
    if kind in (VOLUME, SNAPSHOT) and not resource_id.startswith(kind.prefix):
        what = "volumeId" if kind is VOLUME else "snapshotId"
        raise bad_value(
            f"Value ({resource_id}) for parameter {what} is invalid. Expected: '{kind.prefix}...'."
        )
    if not re.fullmatch(f"{kind.prefix}([0-9a-f]{{8}}|[0-9a-f]{{17}})", resource_id):
        hint = ' (expecting "ami-...")' if kind is IMAGE else ""
        raise Refused(kind.malformed, f'Invalid id: "{resource_id}"{hint}')


def one(backend: Moto, kind: Kind, resource_id: str) -> Moto:
    """moto's object with this id, or a refusal."""
    return many(backend, kind, [resource_id])[0]


def many(backend: Moto, kind: Kind, resource_ids: Iterable[str]) -> list[Moto]:
    """moto's objects with these ids, in this order, each once; one bad id refuses them all."""
    wanted = list(dict.fromkeys(resource_ids))
    if len(wanted) > MAX_IDS:
        raise bad_value(f"At most {MAX_IDS} ids can be named in a call; these are {len(wanted)}")
    for resource_id in wanted:
        check_form(kind, resource_id)
    found = [kind.find(backend, resource_id) for resource_id in wanted]
    gone = [wanted[n] for n, item in enumerate(found) if item is None]
    if gone and kind is IMAGE and gone[0] in backend.deleted_amis:
        raise Refused(
            "InvalidAMIID.Unavailable", f"The image ID '{gone[0]}' is no longer available"
        )
    if gone:
        raise Refused(kind.not_found, kind.says(gone))
    return found
