"""Find the PostgreSQL that the tests run; on Debian, as root, install it when missing.

    python -m scripts.postgres     prints nothing when all is well

No server of the machine is touched: the tests start one of their own in a folder of its own.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from scripts import apt

SETTING = "ENCANTE_POSTGRES"
NEEDED = ("initdb", "postgres")
_DEBIAN = Path("/usr/lib/postgresql")  # its server programs are not on the PATH


def find() -> Path | None:
    """The folder of the server's programs: what ENCANTE_POSTGRES names, Debian's newest, the PATH.

    None when there is none with initdb and postgres.
    """
    if named := os.environ.get(SETTING):
        return _complete(Path(named))
    places = sorted(_DEBIAN.glob("*/bin"), key=_version, reverse=True)
    if on_path := shutil.which("postgres"):
        places.append(Path(on_path).parent)
    return next((place for place in places if _complete(place)), None)


def _complete(place: Path) -> Path | None:
    return place if all(os.access(place / name, os.X_OK) for name in NEEDED) else None


def _version(place: Path) -> int:
    number = re.match(r"\d+", place.parent.name)
    return int(number[0]) if number else 0


def install() -> bool:
    """Install Debian's postgresql through apt-get; returns whether it is there afterwards.

    Debian's package starts a server on its own; it is told not to.
    """
    print("Installing postgresql for the tests ...", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        # postgresql-common reads this before it makes a cluster of its own
        own = Path("/etc/postgresql-common/createcluster.d/encante-tests.conf")
        wanted = Path(folder) / own.name
        wanted.write_text("create_main_cluster = false\nstart_conf = manual\n")
        put = ["install", "-D", "--mode=0644", str(wanted), str(own)]
        done = apt.run_as_root(put) and apt.install("postgresql")
    return done and find() is not None


def main() -> int:
    """Make sure that there is a PostgreSQL; returns the exit status."""
    if find():
        return 0
    if named := os.environ.get(SETTING):
        print(f"{SETTING}={named}: initdb and postgres are not in that folder.", file=sys.stderr)
        return 1
    may_install = os.geteuid() == 0 or shutil.which("sudo")
    if may_install and apt.is_here() and install():
        return 0
    print(
        "The tests need PostgreSQL's server programs, which were not found. Install them "
        f"(apt install postgresql) or name their folder by {SETTING}=/path/of/bin.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
