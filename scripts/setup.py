"""Set up this checkout: virtual environment, pinned requirements, browser libraries.

    python3 -m scripts.setup          what the console needs to run
    python3 -m scripts.setup --dev    what the tests and checks need besides

Each step leaves a stamp with the hash of the lock file it was made from, so a second run only
compares hashes and is done at once.
"""

import argparse
import fcntl
import sys
from pathlib import Path

from scripts import vendor
from scripts.environment import SetupError, install, make_venv

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Do what is still to be done; print only what takes time. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Set up this checkout of Encante.")
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need")
    # requirements-dev.txt holds all of requirements.txt, in the same versions.
    name = "requirements-dev.txt" if parser.parse_args().dev else "requirements.txt"
    # Two set-ups at once (make run here, make test there) must not work on one environment.
    with (ROOT / "requirements.txt").open() as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        try:
            make_venv(ROOT / ".venv")
            install(ROOT / ".venv", ROOT / name)
            vendor.fetch_and_copy(ROOT)
        except SetupError as problem:
            print(f"Set-up: {problem}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
