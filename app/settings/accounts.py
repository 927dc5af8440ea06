"""The setting ENCANTE_ACCOUNTS: which AWS accounts there are, and where their credentials are."""

from __future__ import annotations

import re
from typing import NamedTuple

_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=.@/-]+", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=.@:/-]{2,1224}", re.ASCII)


class AccountSetting(NamedTuple):
    """One of ENCANTE_ACCOUNTS: its name, and where its credentials come from.

    Without a profile they are found by boto3's own chain; with a role, they assume it.
    """

    name: str
    profile: str = ""
    role: str = ""
    external_id: str = ""


def account_list(text: str) -> tuple[AccountSetting, ...]:
    """What is written there, separated by commas. Raises ValueError, saying what is wrong."""
    found = tuple(_account(part.strip()) for part in text.split(",") if part.strip())
    names = [account.name for account in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the name {name!r} stands there twice")
    return found


def _account(text: str) -> AccountSetting:
    """One account of the setting: ``name``, ``name=profile:NAME`` or ``name=role:ARN;…``."""
    name, _, way = text.partition("=")
    if not _ACCOUNT_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for an account: letters, digits and ._- only")
    if not way:
        return AccountSetting(name)
    first, *more = [part.strip() for part in way.split(";")]
    how, _, value = first.partition(":")
    if how == "profile" and value and not more:
        return AccountSetting(name, profile=value)
    if how != "role" or not _ROLE.fullmatch(value):
        raise ValueError(
            f"{name}: {way!r} is neither profile:NAME nor role:ARN;external_id=…;profile=…, with "
            "an ARN such as arn:aws:iam::123456789012:role/encante"
        )
    given = dict(part.partition("=")[::2] for part in more)
    if not given.keys() <= {"external_id", "profile"} or not all(given.values()):
        raise ValueError(f"{name}: after the role come external_id=… and profile=…, if anything")
    if not _EXTERNAL_ID.fullmatch(given.get("external_id", "--")):
        raise ValueError(f"{name}: an external id has 2 to 1,224 letters, digits and +=.@:/_-")
    return AccountSetting(name, role=value, **given)
