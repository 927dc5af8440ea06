"""One EC2 request, as the operations see it, and the register of the operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.sandbox import clock
from app.sandbox.ec2.refusal import dry_run, missing
from app.sandbox.settings import SandboxSettings

# moto's objects carry facts of our own as plain attributes (so that they are saved with them);
# its classes do not know these, hence Any.
Moto = Any
Answer = dict[str, Any]
Operation = Callable[["Request"], Answer]

OPERATIONS: dict[str, Operation] = {}
READS: set[str] = set()


@dataclass(frozen=True)
class Request:
    """Parameters as botocore's model names and types them, and moto's EC2 backend to act on."""

    operation: str
    params: dict[str, Any]
    backend: Moto
    settings: SandboxSettings = field(default_factory=SandboxSettings)

    @property
    def account_id(self) -> str:
        return str(self.backend.account_id)

    @property
    def region(self) -> str:
        return str(self.backend.region_name)

    def get(self, name: str, default: Any = None) -> Any:
        """The parameter, or `default` where it was not sent."""
        return self.params.get(name, default)

    def need(self, name: str, said: str | None = None) -> Any:
        """The parameter; MissingParameter where it was not sent or is empty."""
        value = self.params.get(name)
        if value in (None, "", []):
            raise missing(said or name[0].lower() + name[1:])
        return value

    def items(self, name: str) -> list[Any]:
        """A list parameter; empty where it was not sent."""
        return list(self.params.get(name) or [])

    def stop_if_dry_run(self) -> None:
        """Every operation that changes something calls this between its checks and its deed."""
        if self.params.get("DryRun"):
            raise dry_run()


def operation(name: str, *, reads: bool = False) -> Callable[[Operation], Operation]:
    """Register a function as what the sandbox does for the EC2 operation `name`."""

    def register(function: Operation) -> Operation:
        OPERATIONS[name] = function
        if reads:
            READS.add(name)
        return function

    return register


def now() -> datetime:
    """The sandbox's time as moto keeps times: UTC without a zone, whole milliseconds."""
    time = clock.now().replace(tzinfo=None)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def memory(owner: Moto, name: str) -> dict[str, Any]:
    """A dictionary of our own kept on a moto object, and so saved with it."""
    kept: dict[str, Any] = owner.__dict__.setdefault(f"_encante_{name}", {})
    return kept
