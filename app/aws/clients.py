"""One boto3 client per (service, region, way of repeating); timeouts and retries by kind of call.

Clients are thread-safe but must not be shared across processes, so a Clients object is made in
the process that uses it and makes its clients when they are first asked for. A Clients object is
for one account, and for the credentials of one source.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from json import JSONDecodeError
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from app.aws import attempts, lean, sessions, turns
from app.aws.attempts import Listener, Response, failure
from app.aws.errors import AwsError, from_boto
from app.aws.operations import Repeat
from app.aws.pool import Pool

CONNECT_SECONDS, READ_SECONDS = 3, 10
_CONNECT: dict[Repeat, int] = {"brief": 2}
_READ: dict[Repeat, int] = {"read": 20, "brief": 6}  # a read that nobody waits for may take longer
CONNECTIONS = 16  # that one client keeps open
SESSION_NAME = "encante"  # under which an assumed role appears in CloudTrail
_ATTEMPTS: dict[Repeat, int] = {
    "read": 5,
    "look": 2,
    "safe": 3,
    "token": 3,
    "once": 1,
    "brief": 1,
}
_IDENTITY_SECONDS = 300
_NOT_HERE = "AuthFailure"  # a region that is not opted in says so too, to good credentials
# moto, and what is built on it, honours DryRun in all operations of ours but these.
_DRY_RUN_IGNORED = {"ModifyInstanceAttribute"}


_SANDBOX_CONFIG = Config(proxies={})


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


@dataclass(frozen=True)
class Role:
    """A role that is assumed with the credentials of ``base``, by calls to ``region``.

    ``session``: the name of the person who acts through it; empty for the console's own.
    """

    arn: str
    external_id: str
    base: Clients
    region: str
    session: str = ""


class Clients:
    """The clients of this process for one account.

    With ``sandbox_url`` they talk to the embedded sandbox, whatever the environment says; without,
    boto3's own chain decides on credentials (that of ``profile``, if one is named), and
    AWS_ENDPOINT_URL on the endpoint. With a ``role`` that is assumed, and again before its
    credentials end. ``pool`` keeps the clients, and may be shared. ``listener`` is told of every
    request that was made.
    """

    def __init__(
        self,
        sandbox_url: str = "",
        *,
        profile: str = "",
        role: Role | None = None,
        pool: Pool | None = None,
        listener: Listener | None = None,
    ) -> None:
        self._sandbox_url = sandbox_url
        self._profile = profile
        self._role = role
        self._pool = Pool() if pool is None else pool
        self._listener = listener
        self._lock = threading.Lock()
        self._session: Any = None
        self._expected = ""
        self._identity: tuple[float, Identity] | None = None
        self._dry_run_works: bool | None = None
        self._attempts = threading.local()

    def client(self, service: str, region: str, repeat: Repeat = "read") -> Any:
        """The client for a service in a region; made when first asked for."""
        key = (self, service, region, repeat)
        client = self._pool.get(key)
        if client is None:
            with self._lock:
                client = self._pool.get(key)
                if client is None:
                    client = self._make(service, region, repeat)
                    self._pool.put(key, client)
        return client

    def _make(self, service: str, region: str, repeat: Repeat) -> Any:
        config = Config(
            connect_timeout=_CONNECT.get(repeat, CONNECT_SECONDS),
            read_timeout=_READ.get(repeat, READ_SECONDS),
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS[repeat]},
            max_pool_connections=CONNECTIONS,
            user_agent_extra="encante",
        )
        address = {}
        if self._sandbox_url:
            address = {"endpoint_url": self._sandbox_url}
            config = config.merge(_SANDBOX_CONFIG)
        try:
            if self._session is None:
                assume = self._assume if self._role else None
                self._session = sessions.make(bool(self._sandbox_url), self._profile, assume)
            client = self._session.client(service, region_name=region, config=config, **address)
        except (BotoCoreError, ValueError, OSError) as error:
            raise from_boto(error, service, "", region) from error
        client.meta.events.register("before-send", attempts.begin)
        client.meta.events.register("needs-retry", self._note_attempt)
        client.meta.events.register("response-received", _check_form)
        return client

    def _assume(self) -> dict[str, str]:
        """Fresh credentials of the role, as botocore wants them. Raises AwsError."""
        role = cast(Role, self._role)
        given = {"RoleArn": role.arn, "RoleSessionName": role.session or SESSION_NAME}
        if role.external_id:
            given["ExternalId"] = role.external_id
        try:
            answer = role.base.send("sts", "AssumeRole", given, role.region, "safe")
        except AwsError as error:
            if role.session:
                raise _not_assumed(role, error) from error
            if error.trouble in {"refused", "uncertain"}:
                # to whoever wanted to use them it is as if there were none
                raise replace(error, trouble="credentials") from error
            raise
        found = answer["Credentials"]
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expiry_time": found["Expiration"].isoformat(),
        }

    def _note_attempt(
        self,
        operation: Any,
        response: Response | None = None,
        caught_exception: Exception | None = None,
        **_: Any,
    ) -> None:
        """Called by botocore after each attempt: tells of it, and keeps whether one got no clear
        answer."""
        error = failure(response, caught_exception)
        if error is not None and error.may_have_happened:
            self._attempts.lost = True
        if self._listener:
            service = operation.service_model.service_name
            self._listener(service, operation.name, error.trouble if error else "ok")

    def endpoint(self, service: str = "ec2", region: str = "us-east-1") -> Endpoint:
        """Which endpoint this is: the sandbox, AWS, or another."""
        if self._sandbox_url:
            return Endpoint("sandbox", self._sandbox_url)
        url = str(self.client(service, region).meta.endpoint_url)
        host = urlsplit(url).hostname or ""
        if host.endswith(sessions.aws_domains()):
            return Endpoint("aws")
        return Endpoint("other", url)

    def identity(self, region: str, fresh: bool = False) -> Identity:
        """Who we are, remembered for five minutes unless ``fresh``. Raises AwsError."""
        held = self._identity
        if held and not fresh and time.monotonic() - held[0] < _IDENTITY_SECONDS:
            return held[1]
        answer = self.send("sts", "GetCallerIdentity", {}, region, "read")
        identity = Identity(answer["Account"], answer["Arn"], answer["UserId"])
        self._identity = (time.monotonic(), identity)
        return identity

    def expect(self, account: str) -> None:
        """From now on ask AWS who we are before anything else is asked with new credentials.

        Whose credentials they are is up to a profile, which may be changed under our feet; what
        is meant for one account must not be sent to another.
        """
        self._expected = account

    def forget(self) -> None:
        """Drop every client, so that the next ones look for credentials anew."""
        with self._lock:
            self._session = None
            self._pool.drop(self)
        self._identity = None

    def send(
        self, service: str, operation: str, parameters: dict[str, Any], region: str, repeat: Repeat
    ) -> dict[str, Any]:
        """Make one request; returns botocore's answer. Raises AwsError.

        When botocore has tried several times, and one of the earlier attempts got no clear
        answer, then the call may have been carried out whatever became of the last. A read that
        a request waits for is made with less patience than one of the background.
        """
        if repeat == "read" and turns.is_serving():
            repeat = "look"
        if service != "sts":
            self.make_sure(region)
        client = self.client(service, region, repeat)
        method = getattr(client, _method_name(client, operation))
        self._attempts.lost = False
        try:
            with turns.away():
                answer: dict[str, Any] = method(**parameters)
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            raised = from_boto(error, service, operation, region)
            if self._listener and isinstance(error, ResponseParserError):
                self._listener(service, operation, raised.trouble)  # of it botocore tells nobody
            in_doubt = self._attempts.lost and repeat not in {"read", "look"}
            if in_doubt and raised.trouble in {"unreachable", "throttled"}:
                raised = replace(raised, trouble="uncertain")
            if raised.trouble == "credentials" and raised.code != _NOT_HERE:
                self.forget()  # there may be better ones, or the role can be assumed again
            raise raised from error
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            # botocore stumbled over an answer that has the form of AWS's at first sight only.
            unread = ResponseParserError(f"{type(error).__name__}: {error}")
            raise from_boto(unread, service, operation, region) from error
        except (OSError, JSONDecodeError) as error:
            # A program or file that ~/.aws names for credentials is not there, or gives no JSON.
            raise from_boto(error, service, operation, region) from error
        return answer

    def make_sure(self, region: str) -> None:
        """Raise AwsError unless these credentials are for the account that is expected, if any."""
        if not self._expected:
            return
        held = self._identity
        found = (held[1] if held else self.identity(region)).account
        if found != self._expected:
            raise AwsError(
                "credentials",
                "OtherAccount",
                f"The credentials are for the account {found}, not for {self._expected}.",
                region=region,
            )

    def dry_run_works(self, region: str, operation: str) -> bool:
        """Whether DryRun can be trusted here for an EC2 operation.

        Some emulators ignore DryRun and execute, so an endpoint that is neither AWS nor the
        sandbox is asked once, with a call that changes nothing, and must answer as AWS does to
        one who is permitted: a refusal would prove nothing. Raises AwsError.
        """
        if self.endpoint(region=region).kind != "other":
            return True
        if operation in _DRY_RUN_IGNORED:
            return False
        if self._dry_run_works is None:
            self._dry_run_works = self._probe_dry_run(region)
        return self._dry_run_works

    def _probe_dry_run(self, region: str) -> bool:
        try:
            self.send("ec2", "DescribeInstances", {"DryRun": True}, region, "read")
        except AwsError as error:
            if error.trouble in {"unreachable", "uncertain", "throttled", "credentials"}:
                raise
            return error.code == "DryRunOperation"
        return False


def _not_assumed(role: Role, error: AwsError) -> AwsError:
    """Why a person cannot act through their role: whatever they wanted was not even sent."""
    told = f"You act through the role {role.arn}, which could not be assumed: {error.message}"
    trouble = "unreachable" if error.trouble == "uncertain" else error.trouble
    return replace(error, trouble=trouble, message=told)


def _method_name(client: Any, operation: str) -> str:
    names: dict[str, str] = client.meta.method_to_api_mapping
    return next(method for method, api in names.items() if api == operation)


def _check_form(response_dict: dict[str, Any] | None = None, **_: Any) -> None:
    """Called by botocore with each answer. Raises ResponseParserError where it is not AWS's.

    A well-formed page of some web server would otherwise pass for an empty answer: a list
    without resources, a create that succeeded.
    """
    if response_dict is None or response_dict["status_code"] >= 300:
        return
    body = response_dict["body"].lstrip()
    # XML: <DescribeVolumesResponse …>, after a declaration or none. JSON (SQS): an object.
    if body and not body.startswith(b"{") and not lean.is_aws_xml(body):
        raise ResponseParserError("The answer does not have the form of AWS's.")
