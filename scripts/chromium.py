"""Find the Chromium that the browser tests drive; on Debian, as root, install it when missing.

    python -m scripts.chromium     prints nothing when all is well

The headless shell is the same engine without windows to draw, and needs half the processor time.
Playwright's own browsers are never downloaded.
"""

import os
import shutil
import sys

from scripts import apt

SHELL = "chromium-headless-shell"  # Debian's package and its program
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
SETTING = "ENCANTE_CHROMIUM"


def find() -> str | None:
    """The path of the browser to drive: what ENCANTE_CHROMIUM names, or the first on the PATH.

    None when there is no such program.
    """
    if named := os.environ.get(SETTING):
        return shutil.which(named)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> bool:
    """Install Debian's Chromium through apt-get; returns whether it is there afterwards.

    Where there is no package of the headless shell (older Debian, Ubuntu), the whole browser is.
    """
    for package in (SHELL, "chromium"):
        print(f"Installing {package} for the browser tests ...", flush=True)
        if apt.install(package, "fonts-dejavu-core"):
            break
    return find() is not None


def main() -> int:
    """Make sure that there is a Chromium; returns the exit status."""
    if find():
        return 0
    if named := os.environ.get(SETTING):
        print(f"{SETTING}={named}: there is no such program.", file=sys.stderr)
        return 1
    if os.geteuid() == 0 and apt.is_here() and install():
        return 0
    print(
        "The browser tests need Chromium, which is not on the PATH. Install it "
        f"(apt install {SHELL}) or name one by {SETTING}=/path/of/chromium.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
