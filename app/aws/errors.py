"""Every botocore failure becomes one AwsError, with plain words and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from app.aws.operations import OPERATIONS
from app.aws.troubles import STATUS, Trouble, of_answer, of_exception

__all__ = ["STATUS", "AwsError", "Trouble", "from_boto"]

_ADVICE = {
    "refused": "Ask for the permission {permission} for this identity.",
    "credentials": "Sign in to AWS again (for SSO: aws sso login), or set other credentials; "
    "Encante looks for them again by itself.",
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
_ASSUME_ADVICE = (
    "The role's trust policy must name this identity (and the external id, if it asks for one), "
    "and the identity must be permitted sts:AssumeRole on the role."
)
# Codes whose message AWS leaves terse: what a person can do about them.
_CODE_ADVICE = {
    "OperationNotPermitted": "Take the protection off first, then try again. A root volume can be "
    "detached from a stopped instance only.",
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
    "ProfileNotFound": "Correct the profile in ENCANTE_ACCOUNTS, or make it with aws configure.",
    "OtherAccount": "Give this account's own credentials, or correct ENCANTE_ACCOUNTS.",
    "UnknownAccount": "Add it to ENCANTE_ACCOUNTS again, if it is still to be looked after.",
    "NotPermitted": "An admin of this console can give you a wider role.",
    "OtherRole": "An admin can give you a role of this account, or one by its name alone.",
    "SameAccount": "Take one of them out of ENCANTE_ACCOUNTS.",
    "InvalidAMIName.Duplicate": "Choose another name: image names are unique per account and "
    "region.",
}
# Codes of ours and not of AWS: what they mean stands in the message, so people need not read them.
_OURS = {
    "NoAccount",
    "NotPermitted",
    "OtherAccount",
    "OtherRole",
    "PagingLoop",
    "SameAccount",
    "UnknownAccount",
}


@dataclass(eq=False)
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
    def shown_code(self) -> str:
        """The code as pages show it beside the message; empty for one that AWS has not given."""
        return "" if self.code in _OURS else self.code

    @property
    def permission(self) -> str:
        """The IAM action that was missing or tried, such as ``ec2:RunInstances``."""
        named = re.search(r"not authorized to perform: ([a-z0-9-]+:\w+)", self.message)
        return named[1] if named else f"{self.service}:{self.operation}"

    @property
    def advice(self) -> str:
        """What a person can do about it, in a sentence; may be empty."""
        if self.trouble == "uncertain" and self._only_read:
            return "No answer came that could be understood. Try again in a while."
        ended = self.code.startswith("Expired")  # the credentials that the role is assumed with
        denied = self.trouble in {"credentials", "refused"} and not ended
        if self.operation == "AssumeRole" and denied:
            return _ASSUME_ADVICE
        advice = _CODE_ADVICE.get(self.code, _ADVICE[self.trouble])
        return advice.format(permission=self.permission)

    @property
    def status(self) -> int:
        """The HTTP status of a page that shows this error: always a 4xx."""
        return STATUS[self.trouble]

    @property
    def may_have_happened(self) -> bool:
        """Whether the call may have changed something although it failed."""
        return self.trouble == "uncertain" and not self._only_read

    @property
    def _only_read(self) -> bool:
        entry = OPERATIONS.get((self.service, self.operation))
        return entry is not None and entry.repeat == "read"


def from_boto(error: Exception, service: str, operation: str, region: str) -> AwsError:
    """What ``error`` means for a person.

    Besides botocore's own (ClientError, BotoCoreError, ResponseParserError) it may be what botocore
    lets through: OSError and JSONDecodeError when it looks for credentials, ValueError when the
    endpoint is no URL.
    """
    where = {"service": service, "operation": operation, "region": region}
    if isinstance(error, boto.ClientError):
        return _from_answer(error, where)
    # botocore's name for it is no code of AWS's, but tells one failure from another.
    code = type(error).__name__.replace("ParamValidationError", "ParamValidation")
    # The parser's own words hold the whole answer, which can be long, or hold a private key.
    unread = "The endpoint's answer could not be read: it is not in AWS's form."
    message = unread if isinstance(error, ResponseParserError) else str(error)
    return AwsError(of_exception(error), code, message, **where)


def _from_answer(error: boto.ClientError, where: dict[str, str]) -> AwsError:
    answer = error.response.get("Error", {})
    meta = error.response.get("ResponseMetadata", {})
    code = str(answer.get("Code", "Unknown"))
    message, _, encoded = str(answer.get("Message", "")).partition(
        "Encoded authorization failure message:"
    )
    status = int(meta.get("HTTPStatusCode", 0) or 0)
    return AwsError(
        of_answer(code, status, message),
        code,
        message.strip() or code,
        request_id=str(meta.get("RequestId", "")),
        encoded=encoded.strip(),
        **where,
    )
