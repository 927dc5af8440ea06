"""Install packages of Debian's, which the tests need, through apt-get."""

import os
import shutil
import subprocess
from collections.abc import Sequence


def is_here() -> bool:
    """Whether this is a system with apt-get."""
    return shutil.which("apt-get") is not None


def run_as_root(command: Sequence[str]) -> bool:
    """Run a command as root, through sudo if need be; asks nothing. Whether it went well."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    return subprocess.run([*as_root, *command], stdin=subprocess.DEVNULL).returncode == 0


def install(*packages: str) -> bool:
    """Install packages as root, without what they only recommend; whether that went well."""
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--quiet"]
    wanted = ["install", "--yes", "--no-install-recommends", *packages]
    return run_as_root([*quiet, "update"]) and run_as_root([*quiet, *wanted])
