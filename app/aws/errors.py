"""Every botocore failure becomes one AwsError, with plain words and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

Trouble = Literal[
    "refused",  # not permitted to this identity
    "credentials",  # none, expired or wrong
    "throttled",
    "unreachable",  # certainly not done: no connection was made
    "uncertain",  # the request may have been carried out; its answer was lost
    "missing",  # the thing named does not exist
    "conflict",  # not in this state; in use; already there
    "invalid",  # AWS does not accept a parameter
    "limit",  # a quota is exhausted
    "unsupported",  # this endpoint does not know the operation
    "other",
]

# Trouble -> HTTP status of the page that shows it
STATUS: dict[str, int] = {
    "refused": 403,
    "credentials": 403,
    "throttled": 429,
    "unreachable": 424,
    "uncertain": 424,
    "missing": 404,
    "conflict": 409,
    "invalid": 422,
    "limit": 409,
    "unsupported": 422,
    "other": 424,
}

_THROTTLES = {
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestThrottled",
    "SlowDown",
    "EC2ThrottledException",
    "SnapshotCreationPerVolumeRateExceeded",
}
_CREDENTIALS = {
    "AuthFailure",
    "InvalidClientTokenId",
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "InvalidAccessKeyId",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "OptInRequired",
}
_REFUSALS = {
    "UnauthorizedOperation",
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "Blocked",
}
_UNSUPPORTED = {"InvalidAction", "UnknownOperationException", "NotImplemented"}
_ADVICE = {
    "refused": "Ask for the permission {permission} for this identity.",
    "credentials": "Sign in to AWS again (for SSO: aws sso login), or set other credentials, "
    "then restart Encante.",
    "throttled": "Nothing was done. AWS limits calls per account and region; wait a few seconds "
    "and try again.",
    "unreachable": "Nothing was done. Check the network and the endpoint, then try again.",
    "uncertain": "The answer was lost, so it may have been done. Look at the list before you "
    "try again.",
    "missing": "It may have been deleted meanwhile, or be in another region.",
    "conflict": "Look at its present state, and try again when that allows it.",
    "invalid": "Correct the value and send the form again.",
    "limit": "Ask for less, remove something, or have the limit raised in Service Quotas.",
    "unsupported": "This endpoint does not offer the operation {permission}.",
    "other": "",
}
# Codes whose message AWS leaves terse: what a person can do about them.
_CODE_ADVICE = {
    "OperationNotPermitted": "Take the protection off first, then try again.",
    "InvalidSnapshot.InUse": "Deregister the image that uses it first.",
    "VolumeInUse": "Detach the volume first.",
    "InvalidVolume.ZoneMismatch": "A volume can only be attached to an instance in its own "
    "availability zone. Make a snapshot, and from that a volume in the instance's zone.",
    "SnapshotCreationPerVolumeRateExceeded": "Leave 15 seconds between two snapshots of a volume.",
    "ConcurrentSnapshotLimitExceeded": "Wait until a pending snapshot of this volume is completed.",
    "IdempotentParameterMismatch": "This form was sent before with other values. Open it anew.",
    "InsufficientInstanceCapacity": "AWS has no room for this type in this zone now. Choose "
    "another zone or type, or leave the zone to AWS.",
    "VcpuLimitExceeded": "Ask for fewer or smaller instances, or have the On-Demand vCPU limit "
    "raised in Service Quotas.",
    "VPCIdNotSpecified": "This region has no default VPC; Encante launches into the default VPC "
    "only.",
    "InvalidAMIName.Duplicate": "Choose another name: image names are unique per account and "
    "region.",
}


@dataclass
class AwsError(Exception):
    """One failed AWS call.

    ``code`` and ``message`` are AWS's own words; ``trouble`` is what they amount to;
    ``encoded`` is the message that sts:DecodeAuthorizationMessage can read, if there is one.
    """

    trouble: Trouble
    code: str
    message: str
    service: str = ""
    operation: str = ""
    region: str = ""
    request_id: str = ""
    encoded: str = ""

    def __str__(self) -> str:
        where = f" ({self.service}:{self.operation} in {self.region})" if self.operation else ""
        return f"{self.code}: {self.message}{where}"

    @property
    def permission(self) -> str:
        """The IAM action behind the call, such as ``ec2:RunInstances``."""
        return f"{self.service}:{self.operation}"

    @property
    def advice(self) -> str:
        """What a person can do about it, in a sentence; may be empty."""
        advice = _CODE_ADVICE.get(self.code, _ADVICE[self.trouble])
        return advice.format(permission=self.permission)

    @property
    def status(self) -> int:
        """The HTTP status of a page that shows this error: always a 4xx."""
        return STATUS[self.trouble]

    @property
    def may_have_happened(self) -> bool:
        """Whether the call may have been carried out although it failed."""
        return self.trouble == "uncertain"


def from_boto(error: Exception, service: str, operation: str, region: str) -> AwsError:
    """What ``error`` (ClientError, BotoCoreError, ResponseParserError) means for a person."""
    where = {"service": service, "operation": operation, "region": region}
    if isinstance(error, boto.ClientError):
        return _from_answer(error, where)
    trouble, code = _from_transport(error)
    return AwsError(trouble, code, str(error), **where)


def _from_answer(error: boto.ClientError, where: dict[str, str]) -> AwsError:
    answer = error.response.get("Error", {})
    meta = error.response.get("ResponseMetadata", {})
    code = str(answer.get("Code", "Unknown"))
    message, _, encoded = str(answer.get("Message", "")).partition(
        "Encoded authorization failure message:"
    )
    status = int(meta.get("HTTPStatusCode", 0) or 0)
    return AwsError(
        _classify(code, status),
        code,
        message.strip() or code,
        request_id=str(meta.get("RequestId", "")),
        encoded=encoded.strip(),
        **where,
    )


def _classify(code: str, status: int) -> Trouble:
    if code in _THROTTLES:
        return "throttled"
    if code in _CREDENTIALS:
        return "credentials"
    if code in _REFUSALS:
        return "refused"
    if code in _UNSUPPORTED:
        return "unsupported"
    if "NotFound" in code or code.endswith(("NonExistentQueue", "QueueDoesNotExist")):
        return "missing"
    if "LimitExceeded" in code or code in {"InsufficientInstanceCapacity", "MaxSpotInstance"}:
        return "limit"
    if status >= 500:
        return "uncertain"
    if any(word in code for word in ("InUse", "IncorrectState", "Duplicate", "Conflict")) or (
        code
        in {
            "IncorrectInstanceState",
            "OperationNotPermitted",
            "UnsupportedOperation",
            "InvalidVolume.ZoneMismatch",
            "IdempotentParameterMismatch",
            "InvalidAMIID.Unavailable",
        }
    ):
        return "conflict"
    return "invalid" if 400 <= status < 500 else "other"


def _from_transport(error: Exception) -> tuple[Trouble, str]:
    name = type(error).__name__
    if isinstance(
        error,
        boto.NoCredentialsError
        | boto.PartialCredentialsError
        | boto.CredentialRetrievalError
        | boto.TokenRetrievalError
        | boto.SSOTokenLoadError
        | boto.UnauthorizedSSOTokenError
        | boto.ProfileNotFound
        | boto.LoginRefreshRequired,
    ):
        return "credentials", name
    if isinstance(error, boto.ParamValidationError):
        return "invalid", "ParamValidation"
    if isinstance(error, boto.ReadTimeoutError | boto.ConnectionClosedError):
        return "uncertain", name
    if isinstance(error, boto.ConnectTimeoutError | boto.EndpointConnectionError):
        return "unreachable", name
    if isinstance(error, boto.ProxyConnectionError | boto.SSLError | boto.NoRegionError):
        return "unreachable", name
    if isinstance(error, boto.HTTPClientError | ResponseParserError):
        return "uncertain", name
    return "other", name
