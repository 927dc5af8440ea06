"""What holds for every template and script: the security policy, the icons, the weight."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from app.resources import RESOURCES

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static").glob("*.js"))
STYLES = sorted((ROOT / "static").glob("*.css"))
OWN_BYTES = 30_000  # of our own static files, compressed; htmx adds 14,000, a page 6,000


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("template", TEMPLATES, ids=_name)
def test_a_template_holds_nothing_that_the_policy_forbids(template: Path) -> None:
    text = template.read_text()
    assert not re.findall(r"\sstyle\s*=", text), "an inline style"
    assert not re.findall(r"<style\b", text), "a style element"
    assert not re.findall(r"\son[a-z]+=[\"']", text), "an inline handler"
    assert not re.findall(r"<script(?![^>]*\bsrc=)", text), "an inline script"
    assert not re.findall(r"hx-on|hx-trigger=[\"'][^\"']*\[|[\"']js:", text), "needs eval"


@pytest.mark.parametrize("template", TEMPLATES, ids=_name)
def test_a_template_loads_nothing_from_elsewhere(template: Path) -> None:
    addresses = re.findall(
        r"(?:src|href|action|hx-get|hx-post)=\"(https?:)?//", template.read_text()
    )
    assert addresses == []


@pytest.mark.parametrize("script", SCRIPTS, ids=_name)
def test_a_script_evaluates_no_text(script: Path) -> None:
    found = re.findall(
        r"\beval\(|new Function|innerHTML|outerHTML|document\.write", script.read_text()
    )
    assert found == []


def test_every_icon_that_is_asked_for_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="(\w+)"', (ROOT / "static/icons.svg").read_text()))
    kinds = {resource.icon for resource in RESOURCES.values()} | {"home", "watch"}
    states = {"ok", "off", "changing", "failed", "gone", "warning"}
    asked = kinds | states
    for template in TEMPLATES:
        asked |= set(re.findall(r"icon\('(\w+)'\)", template.read_text()))
    assert asked <= drawn


def test_our_own_files_stay_light() -> None:
    files = [*SCRIPTS, *STYLES, *(ROOT / "static").glob("*.svg")]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < OWN_BYTES


@pytest.mark.parametrize("style", STYLES, ids=_name)
def test_colours_stand_among_the_tokens_only(style: Path) -> None:
    if style.name == "tokens.css":
        return
    text = re.sub(r"light-dark\([^;]*\)", "", style.read_text())
    assert re.findall(r"#[0-9a-f]{6}\b", text) == []
