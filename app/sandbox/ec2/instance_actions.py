"""StartInstances, StopInstances, RebootInstances, TerminateInstances."""

from __future__ import annotations

from app.sandbox.ec2 import ids, instance_states
from app.sandbox.ec2.refusal import Refused, bad_value, unsupported
from app.sandbox.ec2.request import Answer, Moto, Request, now, operation

# What an action may be asked of; where there is nothing left to do AWS answers without a change.
_STARTABLE = ("stopped", "pending", "running")
_STOPPABLE = ("running", "stopping", "stopped")
_REBOOTABLE = ("running",)


def _asked(request: Request) -> list[Moto]:
    return ids.many(request.backend, ids.INSTANCE, request.need("InstanceIds", "InstanceId"))


def _check_states(instances: list[Moto], allowed: tuple[str, ...], done: str) -> None:
    for instance in instances:
        if instance.state not in allowed:
            raise Refused(
                "IncorrectInstanceState",
                f"The instance '{instance.id}' is not in a state from which it can be {done}.",
            )


@operation("StartInstances")
def start_instances(request: Request) -> Answer:
    instances = _asked(request)
    _check_states(instances, _STARTABLE, "started")
    for instance in instances:
        _check_root(instance)
    request.stop_if_dry_run()
    return {"StartingInstances": [_start(request, instance) for instance in instances]}


def _check_root(instance: Moto) -> None:
    root = instance.root_device_name
    if instance.root_device_type == "ebs" and root not in instance.block_device_mapping:
        raise bad_value(
            f"Invalid value '{instance.id}' for instanceId. "
            f"Instance does not have a volume attached at root ({root})"
        )


def _start(request: Request, instance: Moto) -> dict[str, object]:
    before = instance_states.before(instance)
    if instance.state == "stopped":
        instance.start()
        instance_states.without_reason(instance)
        instance.launch_time = now()
        instance_states.begin(request, instance, "pending")
    return instance_states.change(instance, before)


@operation("StopInstances")
def stop_instances(request: Request) -> Answer:
    instances = _asked(request)
    if request.get("Hibernate"):
        raise Refused(
            "UnsupportedHibernationConfiguration", "The sandbox's instances cannot hibernate"
        )
    for instance in instances:
        _check_stoppable(instance)
    _check_states(instances, _STOPPABLE, "stopped")
    request.stop_if_dry_run()
    return {"StoppingInstances": [_stop(request, instance) for instance in instances]}


def _check_stoppable(instance: Moto) -> None:
    if instance.root_device_type != "ebs":
        raise unsupported(
            f"The instance '{instance.id}' does not have an 'ebs' root device type "
            "and cannot be stopped."
        )
    if instance.disable_api_stop:
        raise Refused(
            "OperationNotPermitted",
            f"The instance '{instance.id}' may not be stopped. Modify its 'disableApiStop' "
            "instance attribute and try again.",
        )


def _stop(request: Request, instance: Moto) -> dict[str, object]:
    before = instance_states.before(instance)
    if instance.state == "running":
        instance.stop()
        instance_states.by_user(instance)
        instance_states.begin(request, instance, "stopping")
    return instance_states.change(instance, before)


@operation("RebootInstances")
def reboot_instances(request: Request) -> Answer:
    """The instances stay running; a reboot is not seen from outside."""
    instances = _asked(request)
    _check_states(instances, _REBOOTABLE, "rebooted")
    request.stop_if_dry_run()
    return {}


@operation("TerminateInstances")
def terminate_instances(request: Request) -> Answer:
    """Refused where one is protected; then the others of its zone stay too, as AWS documents.

    Those in other zones are terminated although the answer is the refusal.
    """
    instances = _asked(request)
    protected = [instance for instance in instances if _is_protected(instance)]
    if protected and request.get("DryRun"):
        raise _protected(protected[0])
    request.stop_if_dry_run()
    spared = {instance.placement.zone for instance in protected}
    changes = [
        _terminate(request, instance)
        for instance in instances
        if instance.placement.zone not in spared
    ]
    if protected:
        raise _protected(protected[0])
    return {"TerminatingInstances": changes}


def _is_protected(instance: Moto) -> bool:
    ending = instance.state in ("shutting-down", "terminated")
    return bool(instance.disable_api_termination) and not ending


def _protected(instance: Moto) -> Refused:
    return Refused(
        "OperationNotPermitted",
        f"The instance '{instance.id}' may not be terminated. Modify its "
        "'disableApiTermination' instance attribute and try again.",
    )


def _terminate(request: Request, instance: Moto) -> dict[str, object]:
    before = instance_states.before(instance)
    if instance.state not in ("shutting-down", "terminated"):
        instance_states.by_user(instance)
        instance_states.begin(request, instance, "shutting-down")
    return instance_states.change(instance, before)
