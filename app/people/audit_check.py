"""Is the audit log whole? Every record is hashed anew and held against the one before it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, select

from app.people.audit import digest
from app.people.tables import audit, audit_head, audit_resources

_PORTION = 2_000
_OF_NOTHING = (
    select(audit_resources.c.seq)
    .distinct()
    .where(audit_resources.c.seq.not_in(select(audit.c.seq)))
)
MOST_TOLD = 100


@dataclass
class Report:
    """What was found. ``broken``: what is wrong, in words, from the first record on.

    ``first`` and ``last``: when; ``hash``: of the last record. ``open``: calls of which no end is
    recorded, because their process ended, or because they are under way.
    """

    records: int = 0
    seq: int = 0
    first: str = ""
    last: str = ""
    hash: str = ""
    open: int = 0
    broken: list[str] = field(default_factory=list)
    more: int = 0  # that is wrong, too

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.broken

    def in_words(self) -> list[str]:
        """The report, a line each."""
        lines = [
            f"{self.records:,} records, from {self.first or '-'} to {self.last or '-'}.",
            f"The last is {self.seq}:{self.hash}",
        ]
        if self.open:
            lines.append(f"Calls without a recorded end: {self.open}.")
        if self.whole:
            return [*lines, "The chain is whole."]
        more = [f"… and {self.more:,} more."] if self.more else []
        return [*lines, "THE CHAIN IS BROKEN:", *self.broken, *more]

    def tell(self, what: str) -> None:
        """Add something that is wrong."""
        if len(self.broken) < MOST_TOLD:
            self.broken.append(what)
        else:
            self.more += 1


def verify(engine: Engine, expected: Mapping[int, str] | None = None) -> Report:
    """Check the whole log as it is at this moment.

    ``expected``: hashes of records that were noted elsewhere, by their number.
    """
    report = Report()
    noted = dict(expected or {})
    with _reading(engine) as connection:
        for portion in _portions(connection):
            for row in portion:
                _check(report, row)
                if noted.pop(row["seq"], row["hash"]) != row["hash"]:
                    report.tell(
                        f"Record {row['seq']} is not the one that was noted: it, or what stood "
                        "before it, was written anew."
                    )
            _check_resources(report, connection, portion)
        for seq in noted:
            report.tell(f"Record {seq}, which was noted, is not there.")
        _check_head(report, connection)
        for seq in connection.scalars(_OF_NOTHING):
            report.tell(f"Resources are listed under record {seq!r}, which is not there.")
    return report


def export(engine: Engine) -> Iterator[str]:
    """Every record as a line of JSON, just as it is hashed, with its hash."""
    with _reading(engine) as connection:
        for portion in _portions(connection):
            for row in portion:
                yield json.dumps(row, sort_keys=True, default=str)


@contextmanager
def _reading(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(reading=True) as connection:
        driver: Any = connection.connection.driver_connection
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:  # bytes that somebody put there need not be text
            driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        try:
            yield connection
        finally:
            if sqlite:
                driver.text_factory = str


def _portions(connection: Connection) -> Iterator[list[dict[str, Any]]]:
    after: int | None = -(2**63)
    while after is not None:
        query = select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(_PORTION)
        portion = [dict(row) for row in connection.execute(query).mappings()]
        if portion:
            yield portion
        after = max(_numbers(portion), default=None)


def _numbers(portion: Iterable[Mapping[str, Any]]) -> list[int]:
    # on SQLite a number can have been made a text, which counts as larger than all of them
    return [row["seq"] for row in portion if type(row["seq"]) is int]


def _check(report: Report, row: dict[str, Any]) -> None:
    seq, before = row["seq"], report.seq
    report.records += 1
    if not isinstance(seq, int) or not _is_plain(row):
        report.tell(f"Record {seq!r} holds what no record can hold.")
        return
    if seq > before + 1:
        report.tell(_missing(before + 1, seq - 1))
    elif row["previous"] != report.hash:
        report.tell(
            f"Record {seq} does not follow upon record {before}: one of them was put there, or "
            "exchanged for another."
            if before
            else f"Record {seq} tells of one before it, and there is none."
        )
    if digest(row) != row["hash"]:
        report.tell(f"Record {seq} was changed: it does not have the hash that it tells.")
    report.open += {"begun": 1, "ended": -1}.get(row["phase"], 0)
    report.seq, report.hash, report.last = seq, row["hash"], row["at"]
    report.first = report.first or row["at"]


def _is_plain(row: Mapping[str, Any]) -> bool:
    return all(value is None or type(value) in (int, str) for value in row.values())


def _missing(first: int, last: int) -> str:
    if first == last:
        return f"Record {first} is missing."
    return f"Records {first} to {last} are missing: {last - first + 1}."


def _check_head(report: Report, connection: Connection) -> None:
    heads = connection.execute(select(audit_head)).all()
    if len(heads) != 1:
        report.tell("What the last record was (audit_head) is not on record any more.")
        return
    head = heads[0]
    if head.seq != report.seq and type(head.seq) is int and head.seq > report.seq:
        report.tell(f"The end was cut off. {_missing(report.seq + 1, head.seq)}")
    elif head.seq != report.seq:
        report.tell(f"Record {report.seq} is the last, but the last that was added is {head.seq}.")
    elif head.hash != report.hash:
        report.tell(f"Record {report.seq}, the last, is not the one that was added last.")


def _check_resources(
    report: Report, connection: Connection, portion: Sequence[Mapping[str, Any]]
) -> None:
    """Records are found by this table; it is not hashed, but must say the same as they do."""
    listed: dict[Any, set[tuple[str, str]]] = {}
    numbers = _numbers(portion) or [0]
    among = audit_resources.c.seq.between(numbers[0], numbers[-1])
    for seq, kind, each in connection.execute(select(audit_resources).where(among)):
        listed.setdefault(seq, set()).add((kind, each))
    for row in portion:
        if listed.get(row["seq"], set()) != _resources(row["resources"]):
            seq = row["seq"]
            report.tell(f"Record {seq} is listed under other resources than it tells of.")


def _resources(told: Any) -> set[tuple[str, str]]:
    try:
        return {(kind, each) for kind, each in json.loads(told)}
    except (TypeError, ValueError):
        return set()
