"""What the console is made of is listed, and looked up; what was not looked up is told."""

from __future__ import annotations

import json
import re

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from scripts import audit, sbom


def test_the_bill_of_materials_is_valid_and_names_every_locked_package() -> None:
    bill = sbom.bill()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    locked = re.findall(
        r"^([\w.-]+)(?:\[.*\])?==", (sbom.ROOT / "requirements.txt").read_text(), re.M
    )
    named = {each["name"].lower() for each in bill["components"]}
    assert {name.lower() for name in locked} <= named
    assert "htmx.org" in named
    assert "axe-core" not in named  # it is for the tests
    assert all(each.get("hashes") or each.get("externalReferences") for each in bill["components"])


def test_every_requirement_is_locked_with_its_digest() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-node.txt"):
        text = (sbom.ROOT / name).read_text()
        for requirement in re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n", "", text)):
            if "==" in requirement:
                assert "--hash=sha256:" in requirement, requirement


def test_a_known_vulnerability_is_a_finding() -> None:
    text = json.dumps(
        {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1"}]}]}
    )
    assert audit.of_pip_audit(text) == audit.Verdict(["a 1: PYSEC-1"], [])
    found = {"vulnerabilities": {"b": {"severity": "high"}}, "metadata": {}}
    assert audit.of_npm(json.dumps(found)).findings == ["b: high"]


def test_what_could_not_be_looked_up_does_not_pass_for_checked() -> None:
    text = json.dumps({"dependencies": [{"name": "a", "skip_reason": "not found"}]})
    assert audit.of_pip_audit(text) == audit.Verdict([], ["a"])
    for answer in ("", "no JSON", "[]", '{"message": "405 Method Not Allowed"}'):
        assert audit.of_pip_audit(answer).unchecked
        assert audit.of_npm(answer).unchecked


def test_what_was_looked_up_and_is_clean_is_that() -> None:
    text = json.dumps({"dependencies": [{"name": "a", "version": "1", "vulns": []}]})
    assert audit.of_pip_audit(text) == audit.Verdict([], [])
    assert audit.of_npm('{"vulnerabilities": {}, "metadata": {}}') == audit.Verdict([], [])


def test_ci_looks_for_all_of_it() -> None:
    assert "make sbom audit test" in (sbom.ROOT / ".ci/run").read_text()
