"""Who asks, and who AWS says that is: the user `sandbox` of an account, or a role that it assumed.

Any credentials are those of the user `sandbox` of the first account. AssumeRole gives keys of any
role of any account that the sandbox has. Which account that is stands in the access key, and role
and end in the session token, so nothing has to be remembered, and they outlast a restart.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from app.sandbox import clock, wire
from app.sandbox.settings import SandboxSettings
from app.sandbox.wire import Answer, Request

USER_ID = "AIDASANDBOXSANDBOXSAN"
ROLE_ID = "AROASANDBOXSANDBOXSAN"
ASSUMED = "ASIAENCA"  # then come the account's twelve digits
SHORTEST, LONGEST, USUAL = 900, 43_200, 3_600  # seconds that keys of a role last
_ROLE = re.compile(r"arn:aws:iam::(\d{12}):role/([\w+=,.@/-]{1,600})", re.ASCII)
_SESSION = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


@dataclass(frozen=True)
class Caller:
    """Who sent a request. ``until``: when its credentials end, if they do."""

    account_id: str
    arn: str
    user_id: str
    until: datetime | None = None


def user_arn(account_id: str) -> str:
    """The ARN of the one user that an account has."""
    return f"arn:aws:iam::{account_id}:user/sandbox"


def caller(request: Request, settings: SandboxSettings) -> Caller | None:
    """Who sent a request; None for keys of an assumed role that are none of ours."""
    if not request.access_key.startswith(ASSUMED):
        return Caller(settings.account_id, user_arn(settings.account_id), USER_ID)
    account_id = request.access_key.removeprefix(ASSUMED)
    try:
        role, session, until = json.loads(base64.urlsafe_b64decode(request.token))
        end = datetime.fromisoformat(until)
    except (ValueError, TypeError):
        return None
    if account_id not in settings.all_accounts:
        return None
    arn = f"arn:aws:sts::{account_id}:assumed-role/{role}/{session}"
    return Caller(account_id, arn, f"{ROLE_ID}:{session}", end)


def refusal(request: Request, who: Caller | None) -> Answer | None:
    """What AWS answers to credentials that are not valid, or not any more."""
    ec2 = request.service == "ec2"
    if who is None:
        code = "AuthFailure" if ec2 else "InvalidClientTokenId"
        told = "The security token included in the request is invalid."
        return wire.error(request, 403 if not ec2 else 401, code, told)
    if who.until is not None and who.until <= clock.now():
        code = "RequestExpired" if ec2 else "ExpiredToken"
        told = "The security token included in the request is expired"
        return wire.error(request, 400 if ec2 else 403, code, told)
    return None


def answer(request: Request, who: Caller, settings: SandboxSettings) -> Answer | None:
    """The answer to one of our own operations; None where moto is to answer."""
    if request.operation == "GetCallerIdentity":
        told = {"Arn": who.arn, "UserId": who.user_id, "Account": who.account_id}
        return _xml("GetCallerIdentity", _elements(told))
    if request.operation == "AssumeRole":
        return _assume_role(request, who, settings)
    return None


def _assume_role(request: Request, who: Caller, settings: SandboxSettings) -> Answer:
    given = {name: values[0] for name, values in request.parameters().items()}
    session, seconds = given.get("RoleSessionName", ""), given.get("DurationSeconds", str(USUAL))
    if not _SESSION.fullmatch(session):
        told = "roleSessionName must have 2 to 64 letters, digits and _+=,.@-"
        return wire.error(request, 400, "ValidationError", told)
    if not seconds.isdigit() or not SHORTEST <= int(seconds) <= LONGEST:
        told = f"durationSeconds must be from {SHORTEST} to {LONGEST}"
        return wire.error(request, 400, "ValidationError", told)
    arn = given.get("RoleArn", "")
    role = _ROLE.fullmatch(arn)
    if role is None or not _trusts(role[1], role[2], given.get("ExternalId", ""), who, settings):
        # AWS does not tell whether there is no such role, or it does not trust the caller
        told = f"User: {who.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        return wire.error(request, 403, "AccessDenied", told)
    until = clock.now() + timedelta(seconds=int(seconds))
    name = role[2].rpartition("/")[2]
    token = json.dumps([name, session, until.isoformat()]).encode()
    keys = {
        "AccessKeyId": ASSUMED + role[1],
        "SecretAccessKey": uuid.uuid4().hex + "sandbox",
        "SessionToken": base64.urlsafe_b64encode(token).decode(),
        "Expiration": until.isoformat(),
    }
    user = {
        "AssumedRoleId": f"{ROLE_ID}:{session}",
        "Arn": f"arn:aws:sts::{role[1]}:assumed-role/{name}/{session}",
    }
    body = f"<Credentials>{_elements(keys)}</Credentials>"
    return _xml("AssumeRole", f"{body}<AssumedRoleUser>{_elements(user)}</AssumedRoleUser>")


def _trusts(
    account_id: str, role: str, external_id: str, who: Caller, settings: SandboxSettings
) -> bool:
    """Whether there is such a role, and it can be assumed by this caller."""
    if account_id not in settings.all_accounts:
        return False
    if settings.roles and role.rpartition("/")[2] not in settings.roles:
        return False
    return account_id == who.account_id or external_id == settings.external_id


def _elements(values: dict[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())


def _xml(operation: str, result: str) -> Answer:
    request_id = str(uuid.uuid4())
    body = (
        f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<{operation}Result>{result}</{operation}Result>"
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    )
    return Answer(200, body.encode(), "text/xml", (("x-amzn-RequestId", request_id),))
