"""Acting through an IAM role of its own: in AWS's records it is then told whose deed it was.

The session of an assumed role is named after the person, so CloudTrail has their name beside each
call. SourceIdentity would say the same, but the role's trust policy must permit it besides.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass

from app.aws.attempts import Listener
from app.aws.clients import Clients, Role
from app.aws.errors import AwsError
from app.aws.pool import Pool

KEPT = 32  # sets of clients, of which each is one person's in one account
_CLIENTS_KEPT = 32
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/[\w+=,.@/-]{1,600}", re.ASCII)
_NAME = re.compile(r"[\w+=,.@/-]{1,600}", re.ASCII)
_NOT_ALLOWED = re.compile(r"[^\w+=,.@-]", re.ASCII)
_LONGEST = 64


@dataclass(frozen=True)
class Acting:
    """As what somebody acts: a role's name or ARN, and the name of the session (``session_name``).

    No two people have the same session name.
    """

    role: str
    session: str


def session_name(name: str) -> str:
    """A person's name as STS takes it; one that had to be changed gets a mark of its own."""
    changed = _NOT_ALLOWED.sub("-", name)
    if changed == name and 2 <= len(name) <= _LONGEST:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{changed[: _LONGEST - len(mark) - 1]}-{mark}"


def role_arn(role: str, account: str, partition: str = "aws") -> str:
    """The ARN of a role in ``account`` by its name (with its path, if it has one), or ARN.

    Raises AwsError for an ARN of another account, and what is no role's name.
    """
    given = _ROLE.fullmatch(role)
    if given and given[1] == account:
        return role
    if given or not _NAME.fullmatch(role):
        what = f"is of the account {given[1]}, not of {account}" if given else "is no role's name"
        raise AwsError("refused", "OtherRole", f"The role {role} that you act through {what}.")
    return f"arn:{partition}:iam::{account}:role/{role}"


class Actors:
    """The clients of those who act through roles: the most recently used are kept."""

    def __init__(self, sandbox_url: str = "", listener: Listener | None = None) -> None:
        self._sandbox_url = sandbox_url
        self._listener = listener
        self._pool = Pool(_CLIENTS_KEPT)
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Clients] = OrderedDict()

    def clients(self, arn: str, session: str, base: Clients, region: str) -> Clients:
        """Those of a role and a session, whose credentials ``base`` asks for in ``region``."""
        key = (arn, session)
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                role = Role(arn, "", base, region, session)
                found = Clients(
                    self._sandbox_url, role=role, pool=self._pool, listener=self._listener
                )
                self._kept[key] = found
            self._kept.move_to_end(key)
            over = len(self._kept) - KEPT
            going = [self._kept.popitem(last=False)[1] for _ in range(over)]
        for each in going:
            each.forget()
        return found
