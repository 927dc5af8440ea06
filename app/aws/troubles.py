"""What a failure amounts to: AWS's many codes and botocore's exceptions as a few troubles."""

from __future__ import annotations

from json import JSONDecodeError
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
    "Throttled",
    "KMSThrottling",
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
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "OptInRequired",
}
_REFUSALS = {
    "UnauthorizedOperation",
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "KMSAccessDenied",
    "Blocked",
}
_CONFLICTS = {
    "DependencyViolation",
    "IdempotentParameterMismatch",
    "InvalidAMIID.Unavailable",
    "InvalidVolume.ZoneMismatch",
    "OperationNotPermitted",
    "QueueAlreadyExists",
    "QueueNameExists",
    "UnsupportedOperation",
}
_CONFLICT_WORDS = (
    "InUse",
    "IncorrectState",
    "IncorrectInstanceState",
    "Duplicate",
    "Conflict",
    "QueueDeletedRecently",
)
_MISSING_WORDS = ("NotFound", "NonExistentQueue", "QueueDoesNotExist")
_UNSUPPORTED = {"InvalidAction", "UnknownOperationException", "NotImplemented"}
_BY_CODE: tuple[tuple[set[str], Trouble], ...] = (
    (_CREDENTIALS, "credentials"),
    (_REFUSALS, "refused"),
    (_UNSUPPORTED, "unsupported"),
    (_CONFLICTS, "conflict"),
)


def of_answer(code: str, status: int, message: str) -> Trouble:
    """What AWS's answer with this code, HTTP status and message amounts to."""
    if code in _THROTTLES or status == 429:
        return "throttled"
    if code == "AuthFailure" and "credentials" not in message.lower():
        return "refused"  # EC2 says so too of an image or snapshot that is not shared with us
    for codes, trouble in _BY_CODE:
        if code in codes:
            return trouble
    if any(word in code for word in _MISSING_WORDS):
        return "missing"
    # Before the status: EC2 answers InsufficientInstanceCapacity with 500.
    if "LimitExceeded" in code or code.startswith(("Insufficient", "MaxSpotInstance")):
        return "limit"
    if status >= 500:
        return "uncertain"
    if any(word in code for word in _CONFLICT_WORDS):
        return "conflict"
    return "invalid" if 400 <= status < 500 else "other"


_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
    boto.TokenRetrievalError,
    boto.NoAuthTokenError,
    boto.SSOError,
    boto.LoginError,
    boto.RefreshWithMFAUnsupportedError,
    boto.UnknownCredentialError,
    boto.ProfileNotFound,
    # What is wrong in ~/.aws, and a sign-in that needs a package which is not installed:
    boto.ConfigNotFound,
    boto.ConfigParseError,
    boto.InvalidConfigError,
    boto.MissingDependencyException,
)
_NEVER_SENT = (
    boto.ConnectTimeoutError,
    boto.EndpointConnectionError,
    boto.ProxyConnectionError,
    boto.SSLError,
    boto.EndpointProviderError,
    boto.BaseEndpointResolverError,
)


def of_exception(error: Exception) -> Trouble:
    """What a failure amounts to that is no answer of AWS's (``errors.from_boto``)."""
    if isinstance(error, _NO_CREDENTIALS):
        return "credentials"
    if isinstance(error, boto.ParamValidationError | boto.ValidationError):
        return "invalid"
    if isinstance(error, _NEVER_SENT):
        return "unreachable"
    if isinstance(error, boto.HTTPClientError | ResponseParserError):
        return "uncertain"
    if isinstance(error, OSError | JSONDecodeError):
        return "credentials"  # from what ~/.aws names as the source of credentials
    if isinstance(error, ValueError):
        return "unreachable"  # an endpoint that is no URL
    return "other"
