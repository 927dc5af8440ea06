"""Fetch the browser libraries that package-lock.json names and copy them to static/vendor/.

npm does the fetching, and checks each package against the hash in the lock file. On a machine
without npm, npm itself comes from pip (the pinned, hashed requirements-node.txt), in an
environment of its own, `.venv-node`.

    python3 -m scripts.vendor --copy-only     node_modules/ is there already (the Dockerfile)
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.environment import SetupError, install, make_venv, say

# What pages load, and the library's folder in node_modules/ that it comes from.
FILES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "hx-ptag.min.js": "htmx.org/dist/ext/hx-ptag.min.js",
}
STAMP = ".stamp"


def fetch_and_copy(root: Path) -> None:
    """Bring `static/vendor/` up to date with package-lock.json; do nothing when it is.

    Raises SetupError when npm fails, or when a library no longer holds a file of FILES.
    """
    target = root / "static/vendor"
    digest = hashlib.sha256(
        (root / "package-lock.json").read_bytes() + repr(sorted(FILES.items())).encode()
    ).hexdigest()
    stamp = target / STAMP
    # axe-core, for the accessibility tests, stays in node_modules/ and is used from there.
    present = (root / "node_modules").is_dir() and all((target / name).is_file() for name in FILES)
    if present and stamp.exists() and stamp.read_text() == digest:
        return
    say("Fetching the browser libraries ...")
    run_npm_ci(root)
    copy(root / "node_modules", target)
    stamp.write_text(digest)


def copy(node_modules: Path, target: Path) -> None:
    """Copy FILES from `node_modules` into the folder `target`, which is made when missing."""
    target.mkdir(parents=True, exist_ok=True)
    for name, source in FILES.items():
        if not (node_modules / source).is_file():
            raise SetupError(f"node_modules/{source} is missing: has the library moved it?")
        shutil.copyfile(node_modules / source, target / name)


def run_npm_ci(root: Path) -> None:
    """Fill node_modules/ with exactly what package-lock.json names, by npm."""
    environment = dict(os.environ)
    if not (shutil.which("npm") and shutil.which("node")):
        folder = node_from_pip(root)
        environment["PATH"] = f"{folder}{os.pathsep}{environment.get('PATH', os.defpath)}"
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(
        command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise SetupError("npm could not fetch the browser libraries; its message is above.")


def node_from_pip(root: Path) -> Path:
    """Install Node and npm from pip into `.venv-node`; returns the folder with their commands."""
    say("There is no npm on this machine: getting Node from pip ...")
    venv = root / ".venv-node"
    make_venv(venv)
    install(venv, root / "requirements-node.txt")
    return venv / "bin"


if __name__ == "__main__":
    project = Path(__file__).resolve().parent.parent
    if sys.argv[1:] == ["--copy-only"]:
        copy(project / "node_modules", project / "static/vendor")
    else:
        fetch_and_copy(project)
