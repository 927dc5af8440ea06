from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, select, text

import app.inventory.tables
import app.people.tables
import app.watches.tables  # noqa: F401 - these tables are compared
from app.db import make_engine, metadata
from app.migrate import MIGRATIONS, NewerDatabase, latest, upgrade

ROOT = MIGRATIONS.parent


def test_the_migrations_make_the_tables_that_the_code_expects(bare_url: str):
    engine = make_engine(bare_url)
    upgrade(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_the_newest_file_is_the_newest_revision():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [latest()]


def test_an_upgrade_of_what_is_up_to_date_keeps_what_is_there(bare_url: str):
    engine = make_engine(bare_url)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO kinds (kind, revision) VALUES ('box', 7)"))
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT revision FROM kinds")) == 7
    engine.dispose()


def test_a_database_of_a_newer_version_is_left_alone(bare_url: str):
    engine = make_engine(bare_url)
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerDatabase, match="of a newer Encante"):
        upgrade(engine)
    engine.dispose()


def _run(engine: Engine, target: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if target.startswith("-") else command.upgrade)(config, target)


@pytest.fixture
def older(bare_url: str) -> Iterator[Engine]:
    """A database of the migration 0003, with something in it."""
    engine = make_engine(bare_url)
    _run(engine, "0003")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO kinds (kind, revision) VALUES ('box', 7)"))
        connection.execute(
            text(
                "INSERT INTO resources VALUES (1, 'box', '123456789012', 'us-east-1', 'box-1', "
                "'first', 'ready', 'ok', 'd1', '2026-03-01', NULL, '2026-03-01', true, '{}', "
                "'box-1')"
            )
        )
        connection.execute(text("INSERT INTO documents VALUES (1, '{}')"))
        connection.execute(
            text(
                "INSERT INTO collections (kind, account, region, seen_at) "
                "VALUES ('box', '123456789012', 'us-east-1', '2026-03-01')"
            )
        )
    yield engine
    engine.dispose()


def test_an_older_database_is_collected_anew_and_its_revisions_go_on(older: Engine):
    upgrade(older)
    with older.connect() as connection:
        assert connection.scalar(text("SELECT revision FROM kinds")) == 8
        for table in ("resources", "documents", "collections", "changes"):
            found = connection.execute(select(metadata.tables[table])).all()
            assert found == []
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_way_back_makes_the_older_tables(older: Engine):
    before = _schema(older)
    _run(older, "0004")
    _run(older, "-1")
    assert _schema(older) == before


def _schema(engine: Engine) -> dict[str, object]:
    found = inspect(engine)
    return {
        table: (
            {column["name"] for column in found.get_columns(table)},
            {index["name"] for index in found.get_indexes(table)},
        )
        for table in found.get_table_names()
    }


def test_a_migration_that_fails_leaves_nothing_behind(
    bare_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    engine = make_engine(bare_url)
    broken = tmp_path / "migrations"
    (broken / "versions").mkdir(parents=True)
    (broken / "env.py").write_text((MIGRATIONS / "env.py").read_text())
    (broken / "versions" / "0001_broken.py").write_text(
        "from alembic import op\n"
        "revision, down_revision = '0001', None\n"
        "def upgrade():\n"
        "    op.execute('CREATE TABLE half (a INTEGER)')\n"
        "    raise RuntimeError('power cut')\n"
    )
    monkeypatch.setattr("app.migrate.MIGRATIONS", broken)
    with pytest.raises(RuntimeError, match="power cut"):
        upgrade(engine)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_processes_that_start_at_once_do_not_get_into_each_others_way(bare_url: str):
    code = (
        "import sys; from app.db import make_engine; from app.migrate import upgrade; "
        "sys.stdin.read(); upgrade(make_engine(sys.argv[1]))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, bare_url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
    told = [process.stderr.read() if process.stderr else "" for process in processes]
    for process in processes:
        process.wait()
        if process.stderr:
            process.stderr.close()
    assert [
        (process.returncode, words) for process, words in zip(processes, told, strict=True)
    ] == [(0, "")] * 3
    engine = make_engine(bare_url)
    assert "resources" in inspect(engine).get_table_names()
    engine.dispose()
