"""What came of it: the endpoint's account against what was owed, and against the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine, select

from app.watches.tables import notices
from tests.torture.aws import Told
from tests.torture.load import Owed
from tests.torture.world import Published


@dataclass(frozen=True)
class Verdict:
    """Figures, and what is wrong: an empty ``wrong`` means that every promise was kept."""

    owed: int
    published: int
    lost: int
    repeats: int
    crashes: int
    held: int  # for a person, because nobody knows whether they were delivered
    fifo: int
    uncertain: int  # tries of which the rows say that nobody knows what came of them
    wrong: Sequence[str] = field(default=())


def judge(
    told: Told, owed: Sequence[Owed], engine: Engine, crashed: Iterable[int], in_doubt: int = 0
) -> Verdict:
    """Compare. ``crashed``: the processes that were killed, each of which excuses one repeat.

    ``in_doubt``: how many answers were lost, each of which excuses one too.
    """
    killed = set(crashed)
    came: dict[Owed, list[Published]] = defaultdict(list)
    for each in told.published:
        came[_what(each)].append(each)
    rows = _rows(engine)
    held = {row.owed for row in rows.values() if row.state == "held"}
    lost = [each for each in owed if each not in came and each not in held]
    again = [one for each in came.values() for one in each[:-1]]
    wrong = [f"lost: {each}" for each in lost[:10]]
    wrong += [f"never owed: {each}" for each in (came.keys() - set(owed))]
    wrong += _wrong_repeats(again, killed, in_doubt)
    wrong += _wrong_ids(came)
    wrong += _wrong_fifo(told)
    wrong += _wrong_rows(rows, told)
    return Verdict(
        owed=len(owed),
        published=len(told.published),
        lost=len(lost),
        repeats=len(again),
        crashes=len(killed),
        held=len(held),
        fifo=sum(each.topic_arn.endswith(".fifo") for each in told.published),
        uncertain=sum(row.uncertain for row in rows.values()),
        wrong=wrong,
    )


def _what(published: Published) -> Owed:
    return Owed(published.resource_id, published.outcome, published.topic_arn)


def _wrong_repeats(again: Sequence[Published], killed: set[int], in_doubt: int) -> list[str]:
    """A publication that was not the last of its notice is excused by its process's crash.

    A process crashes once, so it excuses one.
    """
    unexcused = [each for each in again if each.process not in killed]
    wrong = [f"twice without a crash: {each}" for each in unexcused[in_doubt:][:10]]
    times = Counter(each.process for each in again if each.process in killed)
    wrong += [
        f"{count} repeats after one crash, of {each}" for each, count in times.items() if count > 1
    ]
    return wrong


def _wrong_ids(came: Mapping[Owed, Sequence[Published]]) -> list[str]:
    ids = {owed: {each.notice_id for each in some} for owed, some in came.items()}
    wrong = [f"several ids: {owed}" for owed, some in ids.items() if len(some) > 1]
    several = Counter(each for some in ids.values() for each in some)
    return wrong + [f"the id of several: {each}" for each, count in several.items() if count > 1]


def _wrong_fifo(told: Told) -> list[str]:
    delivered = Counter(
        each.notice_id
        for each in told.published
        if each.delivered and each.topic_arn.endswith(".fifo")
    )
    return [f"delivered twice by FIFO: {each}" for each, count in delivered.items() if count > 1]


@dataclass(frozen=True)
class _Row:
    owed: Owed
    state: str
    message_id: str
    uncertain: int

    @property
    def is_right(self) -> bool:
        """Sent; or held, if it is in doubt what a FIFO topic would still know."""
        in_doubt = self.uncertain > 0 and self.owed.topic_arn.endswith(".fifo")
        return self.state == "sent" or (self.state == "held" and in_doubt)


def _rows(engine: Engine) -> dict[str, _Row]:
    with engine.connect().execution_options(reading=True) as connection:
        return {
            row.id: _Row(
                Owed(row.resource_id, row.outcome, row.topic_arn),
                row.state,
                row.sns_message_id,
                row.uncertain,
            )
            for row in connection.execute(select(notices))
        }


def _wrong_rows(rows: Mapping[str, _Row], told: Told) -> list[str]:
    messages = defaultdict(set)
    for each in told.published:
        messages[each.notice_id].add(each.message_id)
    wrong = [f"at the end: {each} is {row.state}" for each, row in rows.items() if not row.is_right]
    wrong += [
        f"sent, says the database, and it was not: {each}"
        for each, row in rows.items()
        if row.state == "sent" and row.message_id not in messages[each]
    ]
    return wrong + [f"published without a row: {each}" for each in messages.keys() - rows.keys()]
