"""The lock files: exact, hashed, in agreement, and silent about where packages come from."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKED = ["requirements.txt", "requirements-dev.txt", "requirements-node.txt"]


def pins(name: str) -> dict[str, str]:
    """Each requirement (with its marker) of a lock file, and all that belongs to it."""
    text = re.sub(r"^#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    entries = re.split(r"\n(?=[a-z0-9])", text.strip())
    return {entry.split("\\")[0].strip(): entry for entry in entries}


@pytest.mark.parametrize("name", LOCKED)
def test_every_requirement_is_exact_and_hashed(name: str) -> None:
    assert pins(name)
    for requirement, entry in pins(name).items():
        assert re.match(r"[a-z0-9-]+==[^*,]+$", requirement), requirement
        assert "--hash=sha256:" in entry, requirement


@pytest.mark.parametrize("name", [*LOCKED, "package-lock.json", ".npmrc"])
def test_no_lock_file_names_an_address_or_a_path(name: str) -> None:
    text = (ROOT / name).read_text()
    for pattern in (r"https?:", r"file:", r'"resolved"', r"index-url", r"find-links", r"\s/\w+/"):
        assert not re.search(pattern, text), pattern


def test_the_tests_run_with_the_versions_the_console_runs_with() -> None:
    def versions(name: str) -> set[str]:
        # Without the markers: the tests may need everywhere what the console needs somewhere.
        return {requirement.partition(" ;")[0] for requirement in pins(name)}

    assert versions("requirements.txt") <= versions("requirements-dev.txt")


def test_every_wanted_requirement_is_locked() -> None:
    for name in ("requirements", "requirements-dev", "requirements-node"):
        wanted = re.findall(r"^([a-z0-9-]+)", (ROOT / f"{name}.in").read_text(), re.MULTILINE)
        locked = {requirement.split("==")[0] for requirement in pins(f"{name}.txt")}
        assert set(wanted) <= locked


def test_the_browser_libraries_are_exact_and_hashed() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    wanted = package["dependencies"] | package["devDependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    packages.pop("")
    assert {f"node_modules/{name}": version for name, version in wanted.items()} == {
        path: entry["version"] for path, entry in packages.items()
    }
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
