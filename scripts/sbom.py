"""Write the bill of materials: what the console is made of besides its own code, as CycloneDX."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "dist/sbom.cdx.json"
VERSION = "1.6"


def bill() -> dict[str, Any]:
    """Python's packages and the browser's libraries, with the digests of the lock files."""
    command = ["-m", "cyclonedx_py", "requirements", "--sv", VERSION, "--output-reproducible"]
    done = subprocess.run(
        [sys.executable, *command, "requirements.txt"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    found.setdefault("components", []).extend(browser_libraries())
    return found


def browser_libraries() -> list[dict[str, Any]]:
    """What package-lock.json names and the console sends to browsers."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    return [
        _library(path.removeprefix("node_modules/"), package)
        for path, package in packages.items()
        if path and not package.get("dev")
    ]


def _library(name: str, package: dict[str, Any]) -> dict[str, Any]:
    algorithm, _, digest = package["integrity"].partition("-")
    purl = f"pkg:npm/{name}@{package['version']}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": package["version"],
        "purl": purl,
        "hashes": [
            {
                "alg": algorithm.upper().replace("SHA", "SHA-"),
                "content": base64.b64decode(digest).hex(),
            }
        ],
    }


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(bill(), indent=1) + "\n")
    print(f"Written: {TARGET.relative_to(ROOT)}")
