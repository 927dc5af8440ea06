"""The states of an instance, and the way from one to the next.

docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
"""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any

from moto.ec2.models.instances import InstanceState, StateReason

from app.sandbox.ec2 import agenda, attachments, ids, news, tags, volumes
from app.sandbox.ec2.request import Moto, Request, memory, now

CODES = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
# On the way: state → (the state at its end, the setting with its seconds).
WAYS = {
    "pending": ("running", "instance_pending"),
    "stopping": ("stopped", "instance_stopping"),
    "shutting-down": ("terminated", "instance_shutting_down"),
}


def put(instance: Moto, name: str) -> None:
    """The instance is in this state from now on."""
    instance._state = InstanceState(name, CODES[name])


def begin(request: Request, instance: Moto, name: str) -> None:
    """Set out on one of WAYS; the agenda takes the instance to its end."""
    put(instance, name)
    seconds = getattr(request.settings, WAYS[name][1])
    instance._encante_kept = request.settings.instance_terminated_kept
    instance._encante_due = agenda.plan(request.backend, "instance settled", instance.id, seconds)
    news.instance(request.backend, instance, now())


def told(instance: Moto) -> dict[str, Any]:
    """The state as AWS shows it."""
    return {"Code": CODES[instance.state], "Name": instance.state}


def change(instance: Moto, before: Any) -> dict[str, Any]:
    """What Start-, Stop- and TerminateInstances answer for one instance."""
    return {
        "InstanceId": instance.id,
        "CurrentState": told(instance),
        "PreviousState": {"Code": before.code, "Name": before.name},
    }


def before(instance: Moto) -> Any:
    """The state as it is now, kept for `change`."""
    return copy.copy(instance._state)


def by_user(instance: Moto) -> None:
    """AWS's words for: somebody stopped or terminated it."""
    instance._reason = f"User initiated ({now().strftime('%Y-%m-%d %H:%M:%S')} GMT)"
    instance.state_reason = StateReason(
        "Client.UserInitiatedShutdown: User initiated shutdown", "Client.UserInitiatedShutdown"
    )


def without_reason(instance: Moto) -> None:
    """A running instance has none."""
    instance._reason = ""
    instance.state_reason = StateReason()


@agenda.event("instance settled")
def _settled(backend: Moto, instance_id: str, due: datetime) -> None:
    instance = ids.INSTANCE.find(backend, instance_id)
    if instance is None or instance._encante_due != due:
        return
    instance._encante_due = None
    end, _ = WAYS[instance.state]
    if end == "terminated":
        _terminate(backend, instance)
    put(instance, end)
    news.instance(backend, instance, due)


def _terminate(backend: Moto, instance: Moto) -> None:
    reason, state_reason = instance._reason, instance.state_reason
    for device in list(instance.block_device_mapping.values()):
        volume = backend.volumes.get(device.volume_id)
        if volume is None:
            continue
        attachments.take(volume)
        if device.delete_on_termination:
            volumes.remove(backend, volume.id)
    instance.block_device_mapping.clear()
    instance._encante_network = _kept_network(instance)
    instance.terminate()
    instance.nics = {}
    # Its address is free; moto would free it again when the object goes, from whoever has it then.
    instance._private_ips = set()
    instance._reason, instance.state_reason = reason, state_reason
    agenda.plan(backend, "instance forgotten", instance.id, instance._encante_kept)


def _kept_network(instance: Moto) -> dict[str, Any]:
    return {"vpc": instance.vpc_id, "subnet": instance.subnet_id}


@agenda.event("instance forgotten")
def _forgotten(backend: Moto, instance_id: str, due: datetime) -> None:
    instance = memory(backend, "instances").pop(instance_id, None)
    if instance is None:
        return
    reservation = backend.reservations[instance._encante_reservation]
    reservation.instances.remove(instance)
    if not reservation.instances:
        del backend.reservations[reservation.id]
    tags.forget(backend, instance_id)
