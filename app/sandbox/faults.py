"""Faults on demand: what goes wrong in AWS, switched on over HTTP for tests and demonstrations.

A fault is matched by operation (a name, or a pattern such as `Describe*` or `*`), and by account
and region if it names them. It strikes a number of times (`count`) or always, and each time or only
every nth call (`every`).
"""

from __future__ import annotations

import base64
import fnmatch
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from app.sandbox import account, wire
from app.sandbox.wire import Answer, Environ, Request

KINDS = (
    "throttle",
    "refuse",
    "error",
    "slow",
    "drop_reply",
    "drop_request",
    "html500",
    "fail_snapshot",
    "ignore_dry_run",
)
MAKES_SNAPSHOTS = ("CreateSnapshot", "CreateSnapshots", "CreateImage", "CopySnapshot")
HTML = b"<!doctype html><title>500</title><h1>Internal Server Error</h1>\n"
Serve = Callable[[Request], Answer]


class FaultError(ValueError):
    """A fault that cannot be set; the message names the field and what would be right."""


@dataclass
class Fault:
    """One switched-on fault; `count` is how many times it still strikes (None: always)."""

    fault: str
    operation: str = "*"
    account: str = ""
    region: str = ""
    count: int | None = None
    every: int = 1
    code: str = "InternalError"
    message: str = ""
    status: int = 400
    seconds: float = 1.0
    encoded: bool = False
    id: str = ""
    seen: int = 0

    def matches(self, request: Request) -> bool:
        """Whether it is about this request; some kinds are only about some operations."""
        if self.fault == "fail_snapshot" and request.operation not in MAKES_SNAPSHOTS:
            return False
        if self.fault == "ignore_dry_run" and b"DryRun=" not in request.body:
            return False
        if self.account not in ("", request.account_id) or self.region not in ("", request.region):
            return False
        return fnmatch.fnmatchcase(request.operation, self.operation)

    def play(self, request: Request, environ: Environ, serve: Serve) -> Answer:
        """Do to the request what the fault is; `serve` answers a request in earnest."""
        match self.fault:
            case "throttle":
                return _throttled(request)
            case "refuse":
                return _refused(request, self.message, self.encoded)
            case "error":
                return wire.error(request, self.status, self.code, self.message or self.code)
            case "html500":
                return Answer(500, HTML, "text/html")
            case "slow":
                time.sleep(self.seconds)
                return serve(request)
            case "drop_request":
                return hang_up(environ)
            case "drop_reply":
                serve(request)
                return hang_up(environ)
            case "ignore_dry_run":
                body = re.sub(rb"(?:^|&)DryRun=[^&]*", b"", request.body).lstrip(b"&")
                return serve(replace(request, body=body))
            case "fail_snapshot":
                return _failing(request, self.message, serve)
        raise AssertionError(self.fault)


class Faults:
    """The switched-on faults, oldest first; the first that matches a request strikes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, asked: Any) -> dict[str, Any]:
        """Switch a fault on from its JSON; FaultError says which field is wrong."""
        fault = read_fault(asked)
        fault.id = uuid.uuid4().hex[:8]
        with self._lock:
            self._faults.append(fault)
        return _shown(fault)

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._faults.clear()

    def list(self) -> list[dict[str, Any]]:
        """The faults that can still strike."""
        with self._lock:
            return [_shown(fault) for fault in self._faults]

    def strike(self, request: Request, environ: Environ, serve: Serve) -> Answer:
        """Serve the request, or play the fault that it has coming."""
        fault = self._take(request)
        if fault is None:
            return serve(request)
        return fault.play(request, environ, serve)

    def _take(self, request: Request) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if not fault.matches(request):
                    continue
                fault.seen += 1
                if fault.seen % fault.every:
                    continue
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count == 0:
                        self._faults.remove(fault)
                return replace(fault)
        return None


def read_fault(asked: Any) -> Fault:
    """A fault from its JSON, e.g. `{"fault": "throttle", "operation": "Describe*", "count": 3}`."""
    if not isinstance(asked, dict):
        raise FaultError('a JSON object is needed, e.g. {"fault": "throttle"}')
    known = [each.name for each in fields(Fault) if each.name not in ("id", "seen")]
    for name in asked:
        if name not in known:
            raise FaultError(f"{name}: unknown; a fault has {', '.join(known)}")
    if asked.get("fault") not in KINDS:
        raise FaultError(f"fault: {asked.get('fault')!r} is none of {', '.join(KINDS)}")
    for name in ("operation", "account", "region", "code", "message"):
        if not isinstance(asked.get(name, ""), str):
            raise FaultError(f"{name}: a text is needed")
    _check_number(asked, "count", 1, 1_000_000)
    _check_number(asked, "every", 1, 1_000_000)
    _check_number(asked, "status", 400, 599)
    seconds = asked.get("seconds", 1.0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 600:
        raise FaultError("seconds: a number from 0 to 600 is needed")
    if not isinstance(asked.get("encoded", False), bool):
        raise FaultError("encoded: true or false is needed")
    return Fault(**{name: value for name, value in asked.items() if value is not None})


def _check_number(asked: dict[str, Any], name: str, low: int, high: int) -> None:
    value = asked.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise FaultError(f"{name}: a whole number from {low} to {high} is needed")


def _shown(fault: Fault) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": fault.id,
        "fault": fault.fault,
        "operation": fault.operation,
        "count": fault.count,
        "every": fault.every,
        "seen": fault.seen,
    }
    shown |= {name: value for name in ("account", "region") if (value := getattr(fault, name))}
    if fault.fault == "error":
        shown |= {"code": fault.code, "status": fault.status}
    if fault.fault == "slow":
        shown |= {"seconds": fault.seconds}
    if fault.message:
        shown |= {"message": fault.message}
    return shown


def hang_up(environ: Environ) -> Answer:
    """Cut the connection without an answer, as a broken network does. Never returns."""
    connection: socket.socket | None = environ.get("werkzeug.socket")
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("a fault cut the connection")


def _throttled(request: Request) -> Answer:
    if request.service == "ec2":
        return wire.error(request, 503, "RequestLimitExceeded", "Request limit exceeded.")
    return wire.error(request, 400, "Throttling", "Rate exceeded")


def _refused(request: Request, message: str, encoded: bool) -> Answer:
    """What a call gets that no policy allows: EC2's, SNS's, or everybody else's wording."""
    who = f"User: arn:aws:iam::{request.account_id}:user/sandbox is not authorized to perform:"
    action = f"{request.service}:{request.operation}"
    why = f"because no identity-based policy allows the {action} action"
    if request.service == "ec2":
        text = message or f"You are not authorized to perform this operation. {who} {action} {why}"
        if encoded:
            secret = base64.urlsafe_b64encode(f"{action} is not allowed".encode() * 4).decode()
            text += f". Encoded authorization failure message: {secret}"
        return wire.error(request, 403, "UnauthorizedOperation", text)
    code = "AuthorizationError" if request.service == "sns" else "AccessDenied"
    return wire.error(request, 403, code, message or f"{who} {action} {why}")


def _failing(request: Request, message: str, serve: Serve) -> Answer:
    """Serve a call that makes snapshots, and have those snapshots fail when their time comes."""
    answer = serve(request)
    with account.LOCK:
        ec2 = account.backend("ec2", request.account_id, request.region)
        for snapshot_id in _made(ec2, answer.body.decode()):
            ec2.snapshots[snapshot_id]._encante_fails = message or "An internal error occurred"
    return answer


def _made(ec2: Any, answer: str) -> list[str]:
    """The snapshots that an answer is about; those of the image, if it is about a new image."""
    found = re.findall(r"<snapshotId>(snap-[0-9a-f]+)</snapshotId>", answer)
    for image_id in re.findall(r"<imageId>(ami-[0-9a-f]+)</imageId>", answer):
        devices = ec2.amis[image_id]._encante_devices or []
        found += [device["Ebs"]["SnapshotId"] for device in devices if "Ebs" in device]
    return [snapshot_id for snapshot_id in found if snapshot_id in ec2.snapshots]
