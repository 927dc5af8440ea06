"""How notices for a topic are worded, and what is done when it is not certain that one was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, select

from app.db import upsert
from app.watches.messages import BUILT_IN, JSON_PROTOCOLS, Wording
from app.watches.tables import topic_settings

ALL = ""  # what goes for every topic that has no settings of its own
REPEAT, HOLD = "repeat", "hold"


@dataclass(frozen=True)
class TopicSettings:
    """The settings of one topic, or of all others (``topic_arn`` is ALL)."""

    topic_arn: str = ALL
    when_uncertain: str = REPEAT
    wording: Wording = BUILT_IN
    changed_at: datetime | None = None  # None: nobody has written any
    actor: str = ""


def settings_for(connection: Connection, topic_arn: str) -> TopicSettings:
    """What goes for a topic: its own settings, else those for all, else the built-in ones."""
    found = _read(connection, [topic_arn, ALL])
    return found.get(topic_arn) or found.get(ALL) or TopicSettings()


def _read(connection: Connection, topics: Sequence[str]) -> dict[str, TopicSettings]:
    query = select(topic_settings).where(topic_settings.c.topic_arn.in_(topics))
    return {row.topic_arn: _settings(row) for row in connection.execute(query)}


def _settings(row: Any) -> TopicSettings:
    wording = Wording(row.subject, row.text, row.json, tuple(row.json_for))
    return TopicSettings(row.topic_arn, row.when_uncertain, wording, row.changed_at, row.actor)


class TopicBook:
    """Reads and writes the settings of topics, for the pages."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def own(self, topic_arn: str) -> TopicSettings | None:
        """A topic's own settings (of ALL: those for all), or None."""
        with self._engine.connect().execution_options(reading=True) as connection:
            return _read(connection, [topic_arn]).get(topic_arn)

    def of(self, topic_arn: str) -> TopicSettings:
        """What goes for a topic."""
        with self._engine.connect().execution_options(reading=True) as connection:
            return settings_for(connection, topic_arn)

    def with_own(self) -> list[TopicSettings]:
        """Every topic that has settings of its own, by its ARN."""
        query = select(topic_settings).where(topic_settings.c.topic_arn != ALL)
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(query.order_by(topic_settings.c.topic_arn))
            return [_settings(row) for row in found]

    def save(self, settings: TopicSettings, now: datetime) -> None:
        """Write them. What was owed before stays as it was worded then."""
        wording = settings.wording
        values = {
            "when_uncertain": settings.when_uncertain,
            "subject": wording.subject,
            "text": wording.text,
            "json": wording.json,
            "json_for": [each for each in JSON_PROTOCOLS if each in wording.json_for],
            "changed_at": now,
            "actor": settings.actor,
        }
        with self._engine.begin() as connection:
            upsert(connection, topic_settings, {"topic_arn": settings.topic_arn}, values)

    def forget(self, topic_arn: str) -> None:
        """From now on the topic goes by what goes for all (ALL: by what is built in)."""
        with self._engine.begin() as connection:
            connection.execute(
                delete(topic_settings).where(topic_settings.c.topic_arn == topic_arn)
            )
