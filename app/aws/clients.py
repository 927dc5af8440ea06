"""One boto3 client per (service, region, way of repeating); timeouts and retries by kind of call.

Clients are thread-safe but must not be shared across processes, so a Clients object is made in
the process that uses it and makes its clients when they are first asked for.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from app.aws.errors import AwsError, from_boto
from app.aws.operations import Repeat

SANDBOX_KEY = "sandbox"  # the sandbox takes any credentials; these are no secret
CONNECT_SECONDS = 3
READ_SECONDS = 10
_ATTEMPTS: dict[Repeat, int] = {"read": 5, "safe": 3, "token": 3, "once": 1}
_IDENTITY_SECONDS = 300


@dataclass(frozen=True)
class Endpoint:
    """What Encante talks to. ``url`` is empty for AWS's own endpoints."""

    kind: Literal["sandbox", "aws", "other"]
    url: str = ""

    @property
    def label(self) -> str:
        """In words, for the pages."""
        return {"sandbox": "Sandbox", "aws": "AWS"}.get(self.kind, self.url)


@dataclass(frozen=True)
class Identity:
    """Who AWS says we are (STS GetCallerIdentity)."""

    account: str
    arn: str
    user_id: str


class Clients:
    """The clients of this process for one account.

    With ``sandbox_url`` they talk to the embedded sandbox, whatever the environment says; without,
    boto3's own chain decides on credentials, and AWS_ENDPOINT_URL on the endpoint.
    """

    def __init__(self, sandbox_url: str = "", pool: int = 16) -> None:
        self._sandbox_url = sandbox_url
        self._pool = pool
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[tuple[str, str, Repeat], Any] = {}
        self._identity: tuple[float, Identity] | None = None
        self._dry_run_works: bool | None = None

    def client(self, service: str, region: str, repeat: Repeat = "read") -> Any:
        """The client for a service in a region; made when first asked for."""
        key = (service, region, repeat)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(service, region, repeat)
            return self._clients[key]

    def _make(self, service: str, region: str, repeat: Repeat) -> Any:
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS[repeat]},
            max_pool_connections=self._pool,
            user_agent_extra="encante",
        )
        try:
            if self._session is None:
                self._session = self._make_session()
            address = {"endpoint_url": self._sandbox_url} if self._sandbox_url else {}
            return self._session.client(service, region_name=region, config=config, **address)
        except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no URL
            raise from_boto(error, service, "", region) from error

    def _make_session(self) -> Any:
        if self._sandbox_url:
            return boto3.Session(aws_access_key_id=SANDBOX_KEY, aws_secret_access_key=SANDBOX_KEY)
        return boto3.Session()

    def endpoint(self, service: str = "ec2", region: str = "us-east-1") -> Endpoint:
        """Which endpoint this is: the sandbox, AWS, or another."""
        if self._sandbox_url:
            return Endpoint("sandbox", self._sandbox_url)
        url = str(self.client(service, region).meta.endpoint_url)
        host = url.partition("://")[2].partition("/")[0].partition(":")[0]
        if host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
            return Endpoint("aws")
        return Endpoint("other", url)

    def identity(self, region: str) -> Identity:
        """Who we are, remembered for five minutes. Raises AwsError."""
        held = self._identity
        if held and time.monotonic() - held[0] < _IDENTITY_SECONDS:
            return held[1]
        answer = self.send("sts", "GetCallerIdentity", {}, region, "read")
        identity = Identity(answer["Account"], answer["Arn"], answer["UserId"])
        self._identity = (time.monotonic(), identity)
        return identity

    def send(
        self, service: str, operation: str, parameters: dict[str, Any], region: str, repeat: Repeat
    ) -> dict[str, Any]:
        """Make one request; returns botocore's answer. Raises AwsError."""
        client = self.client(service, region, repeat)
        method = getattr(client, _method_name(client, operation))
        try:
            answer: dict[str, Any] = method(**parameters)
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            raise from_boto(error, service, operation, region) from error
        return answer

    def dry_run_works(self, region: str) -> bool:
        """Whether DryRun can be trusted here.

        Some emulators ignore DryRun and execute, so an endpoint that is neither AWS nor the
        sandbox is asked once, with a call that changes nothing. Raises AwsError.
        """
        if self.endpoint(region=region).kind != "other":
            return True
        if self._dry_run_works is None:
            try:
                self.send("ec2", "DescribeInstances", {"DryRun": True}, region, "read")
                self._dry_run_works = False
            except AwsError as error:
                if error.trouble in {"unreachable", "uncertain", "throttled", "credentials"}:
                    raise
                self._dry_run_works = error.code in {"DryRunOperation", "UnauthorizedOperation"}
        return self._dry_run_works


def _method_name(client: Any, operation: str) -> str:
    names: dict[str, str] = client.meta.method_to_api_mapping
    return next(method for method, api in names.items() if api == operation)
