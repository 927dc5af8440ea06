"""What a commit means when the power goes: it is on the disk. (PostgreSQL's is in test_db.py.)"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from app.house import build
from app.settings import Settings

FULL = 2


def test_every_commit_to_sqlite_waits_for_the_disk(tmp_path: Path) -> None:
    house = build(Settings(data=tmp_path, database_url=f"sqlite:///{tmp_path / 'console.db'}"))
    several = [house.engine.connect() for _ in range(3)]
    for connection in several:
        assert connection.scalar(text("PRAGMA synchronous")) == FULL
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        connection.close()
    house.engine.dispose()
