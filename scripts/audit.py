"""Look for risky code and for known vulnerabilities; what could not be looked up is told loudly.

A finding fails. That an advisory service cannot be reached, or does not know a package, is no
finding, but no pass either: it stands in the output as NOT CHECKED.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
_SECONDS = 300.0


class Verdict(NamedTuple):
    """What an audit said: ``findings`` fail; ``unchecked`` is what it could not look up."""

    findings: list[str]
    unchecked: list[str]


def of_pip_audit(text: str) -> Verdict:
    """What pip-audit's JSON says."""
    answer = _read(text)
    if not isinstance(answer.get("dependencies"), list):
        return Verdict([], ["all Python packages (pip-audit gave no answer)"])
    findings = [
        f"{each['name']} {each['version']}: {found['id']}"
        for each in answer["dependencies"]
        for found in each.get("vulns", [])
    ]
    skipped = [each["name"] for each in answer["dependencies"] if "skip_reason" in each]
    return Verdict(findings, skipped)


def of_npm(text: str) -> Verdict:
    """What npm audit's JSON says."""
    answer = _read(text)
    if "vulnerabilities" not in answer or "metadata" not in answer:
        return Verdict([], ["all browser libraries (npm audit gave no answer)"])
    return Verdict(
        [f"{name}: {it['severity']}" for name, it in answer["vulnerabilities"].items()], []
    )


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _ask(what: str, command: list[str], verdict: Callable[[str], Verdict]) -> bool:
    """Run an audit; whether it found nothing. Says what was not checked."""
    if shutil.which(command[0]) is None:
        said = Verdict([], [f"all of it ({command[0]} is not on this machine)"])
    else:
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS
            )
            said = verdict(done.stdout)
        except subprocess.TimeoutExpired:
            said = Verdict([], [f"all of it (no answer within {_SECONDS:.0f} s)"])
    for finding in said.findings:
        print(f"{what}: FOUND {finding}")
    if said.unchecked:
        print(f"{what}: NOT CHECKED: {len(said.unchecked)}: {', '.join(said.unchecked)}")
    elif not said.findings:
        print(f"{what}: checked, nothing known")
    return not said.findings


def main() -> int:
    """All three; 1 if any found something."""
    bandit = [
        *(str(BIN / "bandit"), "--quiet", "--severity-level", "medium"),
        *("--configfile", "pyproject.toml", "--recursive"),
        *("app", "scripts", "wsgi.py", "gunicorn.conf.py"),
    ]
    clean = subprocess.run(bandit, cwd=ROOT).returncode == 0
    print(
        f"bandit: {'nothing of medium severity or above' if clean else 'FOUND what stands above'}"
    )
    pip = [str(BIN / "pip-audit"), "--require-hashes", "--disable-pip", "--format", "json"]
    for locked in ("requirements.txt", "requirements-dev.txt"):
        clean &= _ask(f"pip-audit of {locked}", [*pip, "-r", locked], of_pip_audit)
    clean &= _ask("npm audit", ["npm", "audit", "--json"], of_npm)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
