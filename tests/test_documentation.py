"""The documentation is true where a test can tell: settings, arrows, targets of make."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.sandbox.ec2 import instance_types
from app.sandbox.settings import DURATIONS, PREFIX, SandboxSettings
from app.settings import Settings
from app.watches.facts import NAMES
from app.watches.messages import Wording, by_protocol, message_of
from app.watches.samples import SAMPLE_ID, sample
from tests.test_arrows import ARROWS

ROOT = Path(__file__).resolve().parent.parent
SANDBOX_ONLY = (
    *DURATIONS,
    "port",
    "vcpu_limit",
    "account_id",
    "accounts",
    "external_id",
    "roles",
    "seed",
)
ROW = re.compile(r"^\| `(ENCANTE_\w+)` \| (.+?) \|", re.MULTILINE)


def _table(page: str) -> dict[str, str]:
    """The variables in the tables of a page, each with what stands there as its default."""
    rows = ROW.findall((ROOT / page).read_text())
    assert len(rows) == len(dict(rows)), "a setting stands there twice"
    return {name: default.strip("`") for name, default in rows}


def _console() -> dict[str, Any]:
    found = {f"ENCANTE_{name.upper()}": field for name, field in Settings.model_fields.items()}
    return {name: field.default for name, field in found.items()}


def _sandbox() -> dict[str, Any]:
    defaults = {field.name: field.default for field in fields(SandboxSettings)}
    return {PREFIX + name.upper(): defaults[name] for name in SANDBOX_ONLY}


def _written(value: Any) -> set[str]:
    """The ways in which a default may be written; empty where it is told in words."""
    if isinstance(value, bool):
        return {str(value).lower(), str(int(value))}
    if isinstance(value, int | float):
        return {f"{value:g}"} if value < 1e6 else {str(value)}
    return {str(value)} if value else set()


def test_the_readme_lists_every_setting_and_no_other() -> None:
    assert _table("README.md").keys() == _console().keys() | _sandbox().keys()


def test_the_page_of_the_sandbox_lists_every_setting_of_it() -> None:
    shared = {"ENCANTE_DATA", "ENCANTE_REGIONS"}
    assert _table("docs/sandbox.md").keys() == _sandbox().keys() | shared


def test_the_page_of_the_sandbox_lists_the_families_of_instance_types() -> None:
    text = (ROOT / "docs/sandbox.md").read_text()
    told = text.partition("**Instance types.**")[2].partition("\n- ")[0]
    assert set(re.findall(r"`(\w+)`", told)) == instance_types.FAMILIES


@pytest.mark.parametrize(
    ("page", "name"),
    [("README.md", name) for name in {**_console(), **_sandbox()}]
    + [("docs/sandbox.md", name) for name in _sandbox()],
)
def test_a_default_is_as_it_is_written(page: str, name: str) -> None:
    default = {**_console(), **_sandbox()}[name]
    written = _written(default)
    if written:
        assert _table(page)[name] in written


def test_every_page_that_the_documentation_leads_to_is_there() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"(?<!!)\[[^\]]*\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).is_file(), f"{page.name}: {target}"


def test_every_target_of_make_that_the_documentation_names_exists() -> None:
    known = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        named = set(re.findall(r"`make ([a-z-]+)`", page.read_text()))
        assert named <= known, page.name


def test_the_arrows_in_the_documentation_are_those_that_are_held() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    _, _, text = text.partition("| room | may import |")
    told = {}
    for room, allowed in re.findall(r"^\| `(\w+)` \| (.+) \|$", text.partition("\n\n")[0], re.M):
        told[room] = set(re.findall(r"`(\w+)`", allowed))
    alone = {room for room, allowed in ARROWS.items() if not allowed}
    assert told == {room: allowed for room, allowed in ARROWS.items() if room in told}
    assert ARROWS.keys() - told.keys() == alone - {"aws", "sandbox"}


def test_the_page_of_messages_lists_every_fact() -> None:
    text = (ROOT / "docs" / "messages.md").read_text()
    assert dict(re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", text, re.MULTILINE)) == NAMES


def test_the_page_of_messages_shows_the_built_in_text_and_json() -> None:
    text = (ROOT / "docs" / "messages.md").read_text()
    now = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
    topic = "arn:aws:sns:eu-central-1:123456789012:backups"
    watch = sample("snapshot", "completed", topic, now)
    home = "https://console.example.com"
    told = message_of(watch, "completed", SAMPLE_ID, now, Wording(json_for=("sqs",)), home)
    (shown,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert json.loads(shown) == json.loads(by_protocol(told.message, told.structure)["sqs"])
    assert f"Subject: {told.subject}\n\n{told.message}```" in text
