"""Who somebody is to this console, and what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Role = Literal["viewer", "operator", "admin"]
# Each may what those before it may. A viewer sees; an operator acts; an admin manages people,
# rules and settings.
ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")
Method = Literal["link", "password", "oidc"]
OWNER = "owner"  # who opened the start link


@dataclass(frozen=True)
class Limits:
    """What a role is narrowed to; what is empty does not narrow.

    ``accounts``: their numbers. ``tag_key`` and ``tag_value``: only resources with that tag.
    """

    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    tag_key: str = ""
    tag_value: str = ""

    @property
    def none(self) -> bool:
        """Whether it does not narrow at all."""
        return not (self.accounts or self.regions or self.tag_key)

    def cover(self, account: str, region: str, tags: Mapping[str, str]) -> bool:
        """Whether what is there, with these tags, is within them."""
        return (
            (not self.accounts or account in self.accounts)
            and (not self.regions or region in self.regions)
            and (not self.tag_key or tags.get(self.tag_key) == self.tag_value)
        )

    def __str__(self) -> str:
        tag = f"{self.tag_key} = {self.tag_value}" if self.tag_key else ""
        parts = (", ".join(self.accounts), ", ".join(self.regions), tag)
        return " · ".join(part for part in parts if part) or "everything"


EVERYTHING = Limits()


@dataclass(frozen=True)
class Grant:
    """A role, what it is narrowed to, and the IAM role (name or ARN) it acts through, if any.

    ``group``: of the OpenID provider, by which somebody has it; empty for one of their own.
    """

    role: Role
    limits: Limits = EVERYTHING
    aws_role: str = ""
    group: str = ""
    id: str = ""


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in.

    ``id``: the user's, or OWNER; ``name``: as it stands beside what they do, never another's.
    ``session``: the handle of the session; ``signed_in_at``: when they last proved who they are.
    """

    id: str
    name: str
    grants: tuple[Grant, ...]
    method: Method
    session: str
    signed_in_at: datetime
    full_name: str = ""

    @property
    def user_id(self) -> str | None:
        """The user's id as tables have it; None: the owner, who is no user."""
        return None if self.id == OWNER else self.id

    def limits(self, role: Role) -> tuple[Limits, ...]:
        """What they may see or do as ``role``: whatever is within one of these. Empty: nothing.

        One of them alone, EVERYTHING, if nothing is narrowed. An admin's role is never narrowed:
        a grant that is narrowed makes an operator at most.
        """
        found = tuple(grant.limits for grant in self.grants_of(role))
        return (EVERYTHING,) if any(limits.none for limits in found) else found

    def grants_of(self, role: Role) -> tuple[Grant, ...]:
        """The grants that give a role, or more than it."""
        return tuple(grant for grant in self.grants if _rank(grant) >= ROLES.index(role))

    def may(self, role: Role) -> bool:
        """Whether they have the role, be it narrowed."""
        return bool(self.limits(role))


def _rank(grant: Grant) -> int:
    rank = ROLES.index(grant.role)
    return rank if grant.limits.none else min(rank, ROLES.index("operator"))
