"""DescribeInstanceStatus: the checks of running instances."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app.sandbox.ec2 import filters, ids, instance_states, instances, paging
from app.sandbox.ec2.request import Answer, Moto, Request, now, operation


@operation("DescribeInstanceStatus", reads=True)
def describe_instance_status(request: Request) -> Answer:
    """Running ones only, unless IncludeAllInstances; their checks run for a while after a start."""
    backend, wanted = request.backend, request.items("InstanceIds")
    found = ids.many(backend, ids.INSTANCE, wanted) if wanted else instances.every(backend)
    if not request.get("IncludeAllInstances"):
        found = [instance for instance in found if instance.state == "running"]
    fields: dict[str, filters.Field] = {
        name: instances.FIELDS[name]
        for name in ("availability-zone", "instance-state-code", "instance-state-name")
    } | {
        "instance-status.status": lambda i: _health(request, i),
        "system-status.status": lambda i: _health(request, i),
    }
    found = filters.apply(request, found, fields)
    shown, token = paging.page(
        request, found, lambda i: i.id, ids="InstanceIds", said="instancesSet"
    )
    views = [_status_view(request, instance) for instance in shown]
    return paging.listed("InstanceStatuses", views, token)


def _health(request: Request, instance: Moto) -> str:
    if instance.state != "running":
        return "not-applicable"
    settled = instance.launch_time + timedelta(seconds=3 * request.settings.instance_pending)
    return "initializing" if now() < settled else "ok"


def _status_view(request: Request, instance: Moto) -> dict[str, Any]:
    health = _health(request, instance)
    checks = {"initializing": "initializing", "ok": "passed"}.get(health)
    details = [{"Name": "reachability", "Status": checks}] if checks else []
    return {
        "InstanceId": instance.id,
        "AvailabilityZone": instance.placement.zone,
        "InstanceState": instance_states.told(instance),
        "InstanceStatus": {"Status": health, "Details": details},
        "SystemStatus": {"Status": health, "Details": details},
    }
