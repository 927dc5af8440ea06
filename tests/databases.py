"""Empty databases as the migrations make them, of either sort, made fast."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Engine, event

from app.db import make_engine
from app.migrate import upgrade
from tests.postgres import PostgresServer

SORTS = ("sqlite", "postgresql")
_TEMPLATE = "migrated"


class Databases:
    """Makes databases by copying one that was migrated once. One for a whole run of tests."""

    def __init__(self, folder: Path, server: Callable[[], PostgresServer]) -> None:
        """``server`` gives the PostgreSQL of the run; it is asked only when one is needed."""
        self._folder, self._server = folder, server
        self._numbers = itertools.count()
        self._migrated: set[str] = set()

    def new(self, sort: str) -> AbstractContextManager[str]:
        """The address of a database of its own, empty and migrated, deleted afterwards."""
        return self._sqlite() if sort == "sqlite" else self._postgresql()

    @contextmanager
    def _sqlite(self) -> Iterator[str]:
        template = self._folder / "migrated.db"
        if not template.exists():
            _upgrade(f"sqlite:///{template}")
        path = self._folder / f"{next(self._numbers)}.db"
        shutil.copy(template, path)
        try:
            yield f"sqlite:///{path}"
        finally:
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)

    @contextmanager
    def _postgresql(self) -> Iterator[str]:
        server = self._server()
        if _TEMPLATE not in self._migrated:
            server.create(_TEMPLATE)
            _upgrade(server.local_url(_TEMPLATE))
            self._migrated.add(_TEMPLATE)
        name = f"test_{next(self._numbers)}"
        server.create(name, _TEMPLATE)
        try:
            yield server.local_url(name)
        finally:
            server.drop(name)


def _upgrade(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()


def open_engine(url: str) -> Engine:
    """An engine that leaves the writing to the disk to the system: no test cuts the power."""
    engine = make_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(
            engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF").close()
        )
    return engine
