"""The sandbox's settings, read from the environment once and checked at start."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

PREFIX = "ENCANTE_SANDBOX_"


class SettingsError(ValueError):
    """A setting that cannot be used; the message names the variable and what would be right."""


@dataclass(frozen=True)
class SandboxSettings:
    """Where the sandbox listens, what it keeps, and how long things take in it (in seconds)."""

    instance_pending: float = 4.0
    instance_stopping: float = 5.0
    instance_shutting_down: float = 5.0
    instance_terminated_kept: float = 3600.0
    image_pending: float = 8.0
    snapshot_pending: float = 15.0
    snapshot_min_interval: float = 15.0
    snapshot_tiering: float = 20.0
    volume_creating: float = 3.0
    volume_attaching: float = 2.0
    volume_detaching: float = 2.0
    volume_modifying: float = 10.0
    vcpu_limit: int = 64
    account_id: str = "123456789012"
    accounts: tuple[str, ...] = ()  # further ones, reached by assuming a role
    external_id: str = ""  # that AssumeRole must give for a role of another account
    roles: tuple[str, ...] = ()  # names of those that can be assumed; none: of any name
    regions: tuple[str, ...] = ("us-east-1", "eu-central-1")
    port: int = 8081
    host: str = "127.0.0.1"
    data: Path | None = None
    seed: bool = True

    @property
    def all_accounts(self) -> tuple[str, ...]:
        """The numbers of all accounts; the first is the one that any credentials are of."""
        return tuple(dict.fromkeys((self.account_id, *self.accounts)))

    @property
    def folder(self) -> Path | None:
        """The sandbox's own folder inside the data folder; None keeps nothing on disk."""
        return None if self.data is None else self.data / "sandbox"


DURATIONS = tuple(field.name for field in fields(SandboxSettings) if field.type == "float")


def from_environment(environ: Mapping[str, str] | None = None) -> SandboxSettings:
    """The settings that the environment asks for; SettingsError names the first bad variable.

    An empty variable counts as not set. `ENCANTE_DATA` defaults to `data` in the working folder.
    """
    env = {
        name: value.strip()
        for name, value in (os.environ if environ is None else environ).items()
        if name.startswith("ENCANTE_") and value.strip()
    }
    durations: dict[str, Any] = {
        name: _seconds(variable, env[variable])
        for name in DURATIONS
        if (variable := PREFIX + name.upper()) in env
    }
    default = SandboxSettings()
    return SandboxSettings(
        **durations,
        vcpu_limit=_whole(env, PREFIX + "VCPU_LIMIT", default.vcpu_limit, 0, 1_000_000),
        account_id=_account(env, default.account_id),
        accounts=_accounts(env),
        external_id=env.get(PREFIX + "EXTERNAL_ID", ""),
        roles=_names(env.get(PREFIX + "ROLES", "")),
        regions=_regions(env, default.regions),
        port=_whole(env, PREFIX + "PORT", default.port, 0, 65_535),
        data=Path(env.get("ENCANTE_DATA", "data")),
        seed=_yes(env, PREFIX + "SEED", default.seed),
    )


def _seconds(variable: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1_000_000_000:
        raise SettingsError(f"{variable}={text!r}: a number of seconds, 0 or more, is needed")
    return value


def _whole(env: Mapping[str, str], variable: str, default: int, low: int, high: int) -> int:
    text = env.get(variable)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,7}", text) or not low <= int(text) <= high:
        raise SettingsError(f"{variable}={text!r}: a whole number from {low} to {high} is needed")
    return int(text)


def _account(env: Mapping[str, str], default: str) -> str:
    text = env.get(PREFIX + "ACCOUNT_ID", default)
    if not re.fullmatch(r"[0-9]{12}", text):
        raise SettingsError(f"{PREFIX}ACCOUNT_ID={text!r}: an AWS account has 12 digits")
    return text


def _accounts(env: Mapping[str, str]) -> tuple[str, ...]:
    text = env.get(PREFIX + "ACCOUNTS", "")
    ids = [part.strip() for part in text.split(",") if part.strip()]
    for account_id in ids:
        if not re.fullmatch(r"[0-9]{12}", account_id):
            raise SettingsError(f"{PREFIX}ACCOUNTS: {account_id!r}: an AWS account has 12 digits")
    return tuple(dict.fromkeys(ids))


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _regions(env: Mapping[str, str], default: tuple[str, ...]) -> tuple[str, ...]:
    text = env.get("ENCANTE_REGIONS")
    if text is None or text == "all":  # all there are, whichever are filled
        return default
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-[0-9]", name):
            raise SettingsError(
                f"ENCANTE_REGIONS: {name!r} is not a region; example: us-east-1,eu-central-1"
            )
    if not names:
        raise SettingsError("ENCANTE_REGIONS: at least one region is needed, e.g. us-east-1")
    return tuple(dict.fromkeys(names))


def _yes(env: Mapping[str, str], variable: str, default: bool) -> bool:
    text = env.get(variable)
    if text is None:
        return default
    if text.lower() not in ("1", "0", "true", "false", "yes", "no"):
        raise SettingsError(f"{variable}={text!r}: 1 or 0 is needed")
    return text.lower() in ("1", "true", "yes")
