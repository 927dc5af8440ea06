"""The arrows of ARCHITECTURE.md: which room may import which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parent.parent / "app"
EVERYBODY = {"db", "settings"}
# Room -> the rooms that it may import besides its own and those for everybody.
ARROWS = {
    "aws": set(),
    "sandbox": set(),
    "db": set(),
    "settings": set(),
    "logs": set(),
    "migrate": set(),
    "serving": set(),
    "resources": {"aws"},
    "inventory": {"resources", "aws"},
    "watches": {"aws", "inventory", "resources"},
    "people": {"aws"},
    "ticks": set(),
    "metrics": {"inventory", "ticks", "watches"},
    "house": {"aws", "inventory", "metrics", "resources", "ticks", "watches", "migrate"},
    "background": {"house", "inventory", "watches"},
    "web": {"aws", "resources", "inventory", "watches", "people", "house", "migrate"},
    "cli": {"logs", "console", "supervisor", "aws", "people", "house", "migrate"},
    "console": {"supervisor", "people", "migrate"},
    "supervisor": set(),
    "__init__": {"house", "logs", "web"},
}
BARE = {"aws", "sandbox"}  # these import nothing of the rest, not even what is for everybody


def _room(path: Path) -> str:
    return path.relative_to(APP).parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "app":
                names = [f"app.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("app.")}
    return found


@pytest.mark.parametrize(
    "path", sorted(APP.rglob("*.py")), ids=lambda path: str(path.relative_to(APP))
)
def test_a_file_imports_only_along_the_arrows(path: Path) -> None:
    room = _room(path)
    allowed = ARROWS[room] | {room} | (set() if room in BARE else EVERYBODY)
    assert _imports(path) <= allowed


def test_only_the_service_module_and_the_sandbox_import_boto3() -> None:
    for path in APP.rglob("*.py"):
        if _room(path) not in {"aws", "sandbox"}:
            assert "import boto3" not in path.read_text(), path
