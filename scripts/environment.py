"""Make virtual environments and install pinned requirements into them (standard library only)."""

import hashlib
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)


class SetupError(Exception):
    """Set-up cannot go on; the message says what is missing and what to do about it."""


def make_venv(venv: Path) -> None:
    """Make the virtual environment `venv` with the running Python, unless a working one is there.

    Raises SetupError when Python is too old, or comes without the parts that venv needs.
    """
    if (venv / "bin/python").exists() and (venv / "bin/pip").exists():
        return
    if sys.version_info < OLDEST:
        have = ".".join(map(str, sys.version_info[:3]))
        need = ".".join(map(str, OLDEST))
        raise SetupError(
            f"Python {need} or newer is needed, and this is {have}. "
            f"Name another one with: make PYTHON=python{need} ..."
        )
    say(f"Making the virtual environment {venv.name} ...")
    if subprocess.run([sys.executable, "-m", "venv", str(venv)]).returncode != 0:
        raise SetupError(
            "Python could not make a virtual environment; its message is above. "
            "(On Debian and Ubuntu that part is a package: apt install python3-venv)"
        )


def install(venv: Path, lock_file: Path) -> None:
    """Install the exact, hashed requirements of `lock_file`, unless a stamp says it was done.

    Wheels only: no package's own code runs while it is being installed. The stamp is written
    last, so an installation that was interrupted is taken up again. Raises SetupError.
    """
    digest = hashlib.sha256(lock_file.read_bytes()).hexdigest()
    stamp = venv / f".{lock_file.stem}.stamp"
    if stamp.exists() and stamp.read_text() == digest:
        return
    say(f"Installing {lock_file.name} (takes a minute or two the first time) ...")
    pip = [str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--no-input"]
    pip += ["--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"]
    if subprocess.run([*pip, "-r", str(lock_file)]).returncode != 0:
        raise SetupError(f"pip could not install {lock_file.name}; its message is above.")
    stamp.write_text(digest)


def say(line: str) -> None:
    """Tell the person what is going on, at once even when the output is a pipe."""
    print(line, flush=True)
