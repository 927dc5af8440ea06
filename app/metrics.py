"""What Prometheus may know of one process, and of the database that all of them share.

What is in the database is read from it when it is asked for, and so is the same from every
process; what a process counts itself is since its start. Units are seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.db import now as present
from app.inventory import figures as inventory
from app.settings import Settings
from app.ticks import Ticks
from app.watches import figures as watches

_DELAYS = (1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600, 1800, 3600)
_PLACE = ("account", "region", "kind")
_MOST_MILLISECONDS = 3000  # a scrape is given up rather than a burden


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self, engine: Engine, settings: Settings, ticks: Ticks) -> None:
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._calls = Counter(
            "encante_aws_requests",
            "Requests to AWS by this process, retries included; outcome is ok, throttled or "
            "another trouble.",
            ("service", "operation", "outcome"),
            registry=self._registry,
        )
        self._delay = Histogram(
            "encante_notice_delay_seconds",
            "Seconds from when AWS says that an outcome was reached to SNS's answer, of notices "
            "that this process sent.",
            buckets=_DELAYS,
            registry=self._registry,
        )
        self._sent = Counter(
            "encante_notices_sent",
            "Notices that this process sent and SNS has taken.",
            registry=self._registry,
        )
        self._registry.register(_Steps(ticks))
        self._registry.register(_Database(engine, settings))

    def called(self, service: str, operation: str, outcome: str) -> None:
        """A request to AWS was made."""
        self._calls.labels(service, operation, outcome).inc()

    def sent(self, seconds: float) -> None:
        """A notice was sent, so long after its outcome was reached."""
        self._sent.inc()
        self._delay.observe(max(0.0, seconds))

    def text(self) -> bytes:
        """Everything, in Prometheus's text format. Raises nothing when the database is away."""
        return generate_latest(self._registry)


class _Steps:
    """The steps of the background, at the time of asking."""

    def __init__(self, ticks: Ticks) -> None:
        self._ticks = ticks

    def collect(self) -> Iterator[Metric]:
        ages = GaugeMetricFamily(
            "encante_background_step_age_seconds",
            "Seconds since a step of the background last ended in this process.",
            labels=("step",),
        )
        for step, age in self._ticks.ages().items():
            ages.add_metric((step,), age)
        yield ages
        steps = CounterMetricFamily(
            "encante_background_steps",
            "Steps of the background that ended in this process: busy (each such step of poll is "
            "one poll), idle (nothing to do) or failed.",
            labels=("step", "outcome"),
        )
        for (step, outcome), count in self._ticks.counts().items():
            steps.add_metric((step, outcome), count)
        yield steps


class _Database:
    """What the database says, at the time of asking."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings

    def collect(self) -> Iterator[Metric]:
        try:
            with self._engine.connect().execution_options(reading=True) as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(text(f"SET LOCAL statement_timeout = {_MOST_MILLISECONDS}"))
                found = list(self._read(connection, present()))
        except SQLAlchemyError:
            found = []
        yield GaugeMetricFamily(
            "encante_database_up",
            "1 if the database answered this question, else 0; then what is in it is left out.",
            value=1.0 if found else 0.0,
        )
        yield from found

    def _read(self, connection: Connection, now: datetime) -> Iterator[Metric]:
        yield from _of_watches(watches.figures(connection), now)
        scopes = inventory.lags(connection, self._settings, now)
        age = GaugeMetricFamily(
            "encante_collector_age_seconds",
            "Seconds since the last complete reading of a kind in a region began; +Inf: none yet.",
            labels=_PLACE,
        )
        lag = GaugeMetricFamily(
            "encante_collector_lag_seconds",
            "Seconds by which that is longer ago than its interval; 0: in time.",
            labels=_PLACE,
        )
        for scope, figures in scopes.items():
            labels = (scope.account, scope.region, scope.kind)
            age.add_metric(labels, figures.age)
            lag.add_metric(labels, figures.lag)
        yield age
        yield lag


def _of_watches(figures: watches.Figures, now: datetime) -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        "encante_watches",
        "Watches in the database, by state and what they wait for.",
        labels=("state", "kind"),
    )
    for labels, count in figures.watches.items():
        waiting.add_metric(labels, count)
    yield waiting
    yield GaugeMetricFamily(
        "encante_oldest_pending_watch_age_seconds",
        "Seconds since the oldest watch was made that still waits; 0: none does.",
        value=_age(figures.oldest_pending, now),
    )
    notices = GaugeMetricFamily(
        "encante_notices",
        "Notices in the database, by state; sent ones are forgotten in time.",
        labels=("state",),
    )
    for state, count in figures.notices.items():
        notices.add_metric((state,), count)
    yield notices
    yield GaugeMetricFamily(
        "encante_oldest_unsent_notice_age_seconds",
        "Seconds since the oldest notice was made that is waiting, sending or held; 0: none.",
        value=_age(figures.oldest_unsent, now),
    )


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
