"""What EC2 and EBS tell EventBridge when a state changes, in the form that AWS gives it.

docs.aws.amazon.com/ebs/latest/userguide/ebs-cloud-watch-events.html
docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitor-ami-events.html
docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from app.sandbox import events
from app.sandbox.ec2.request import Moto

_FORM = "%Y-%m-%dT%H:%M:%SZ"


def snapshot(backend: Moto, snapshot: Moto, at: datetime) -> None:
    """A snapshot is completed, or has failed."""
    failed = snapshot.status == "error"
    # the region stands where the account is otherwise, as in AWS's own
    arn = f"arn:aws:ec2::{backend.region_name}:snapshot/{snapshot.id}"
    detail = {
        "event": "createSnapshot",
        "result": "failed" if failed else "succeeded",
        "cause": snapshot._encante_fails if failed else "",
        "request-id": "",
        "snapshot_id": arn,
        "source": f"arn:aws:ec2::{backend.region_name}:volume/{snapshot.volume.id}",
        "startTime": snapshot.start_time.strftime(_FORM),
        "endTime": at.strftime(_FORM),
    }
    _happen(backend, "EBS Snapshot Notification", arn, detail, at)


def volume(backend: Moto, volume_id: str, event: str, result: str, at: datetime) -> None:
    """A volume is ``available``, or a modification of it ``optimizing`` or ``completed``."""
    detail = {"result": result, "cause": "", "event": event, "request-id": str(uuid.uuid4())}
    arn = f"arn:aws:ec2:{backend.region_name}:{backend.account_id}:volume/{volume_id}"
    _happen(backend, "EBS Volume Notification", arn, detail, at)


def image(backend: Moto, image: Moto, at: datetime) -> None:
    """An image is available, or has failed."""
    detail = {
        "RequestId": str(uuid.uuid4()),
        "ImageId": image.id,
        "State": image.state,
        "ErrorMessage": (image._encante_reason or {}).get("Message", ""),
    }
    arn = f"arn:aws:ec2:{backend.region_name}::image/{image.id}"
    _happen(backend, "EC2 AMI State Change", arn, detail, at)


def instance(backend: Moto, instance: Moto, at: datetime) -> None:
    """An instance has come to another state."""
    detail = {"instance-id": instance.id, "state": instance.state}
    arn = f"arn:aws:ec2:{backend.region_name}:{backend.account_id}:instance/{instance.id}"
    _happen(backend, "EC2 Instance State-change Notification", arn, detail, at)


def _happen(backend: Moto, told: str, arn: str, detail: dict[str, Any], at: datetime) -> None:
    events.happen(backend.account_id, backend.region_name, told, [arn], detail, at)
