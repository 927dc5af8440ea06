"""A sandbox of its own for these tests: empty, in this process, its account forgotten each time."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from app.sandbox import account, clock
from app.sandbox.server import start_in_thread
from app.sandbox.settings import SandboxSettings

ACCOUNT = "210987654321"
REGION = "us-east-1"


class Sandbox:
    """The running sandbox, as its users see it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client that sends each call once."""
        if (service, region) not in self._clients:
            self._clients[service, region] = new_client(self.url, service, region)
        return self._clients[service, region]

    def page(self, name: str, method: str = "GET", body: Any = None, **headers: str) -> Any:
        """A page under /_sandbox/, read as JSON: status and content."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(
            f"{self.url}/_sandbox/{name}",
            data=data,
            method=method,
            headers={key.replace("_", "-"): value for key, value in headers.items()},
        )
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                text = refused.read().decode()
            is_json = refused.headers["Content-Type"] == "application/json"
            return refused.code, json.loads(text) if is_json else text

    def fault(self, fault: str, operation: str = "*", **more: Any) -> None:
        """Switch a fault on."""
        status, answer = self.page(
            "faults", "POST", {"fault": fault, "operation": operation} | more
        )
        assert status == 201, answer


def new_client(url: str, service: str, region: str = REGION) -> Any:
    """A boto3 client for a sandbox at `url`, without retries and with short patience."""
    make: Any = boto3.client
    return make(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id="AKIASANDBOXSANDBOX00",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=60, read_timeout=60),
    )


@pytest.fixture(scope="session")
def _running() -> Iterator[Sandbox]:
    handle = start_in_thread(SandboxSettings(port=0, account_id=ACCOUNT, seed=False))
    yield Sandbox(handle.url)
    handle.stop()


@pytest.fixture
def sandbox(_running: Sandbox) -> Iterator[Sandbox]:
    """An empty sandbox without faults, at the real time."""
    _running.page("faults", "DELETE")
    _running.page("calls", "DELETE")
    clock.reset()
    with account.LOCK:
        account.forget(ACCOUNT)
    yield _running
    clock.reset()


@pytest.fixture
def sns(sandbox: Sandbox) -> Any:
    return sandbox.client("sns")


@pytest.fixture
def sqs(sandbox: Sandbox) -> Any:
    return sandbox.client("sqs")


@pytest.fixture
def ec2(sandbox: Sandbox) -> Any:
    return sandbox.client("ec2")
