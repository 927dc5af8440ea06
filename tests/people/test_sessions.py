"""The life of sessions against a model: begun, used, renewed, ended, disabled, and time passing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)
from sqlalchemy import Engine, insert, select, update

from app.db import make_engine, metadata
from app.people import sessions
from app.people.sessions import Ends
from app.people.tables import sessions as table
from app.people.tables import users
from app.people.who import OWNER

IDLE, ABSOLUTE = timedelta(minutes=30), timedelta(hours=5)
ENDS = Ends(IDLE, ABSOLUTE)
PEOPLE = ("ada", "bob")


@dataclass
class Model:
    """What is known of a session."""

    user: str | None
    handle: str
    used: datetime
    ends: datetime
    proved: datetime
    ended: bool = False


class Sessions(RuleBasedStateMachine):
    tokens = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.engine: Engine = make_engine("sqlite:///:memory:")
        self.at = datetime(2026, 1, 1, tzinfo=UTC)
        self.known: dict[str, Model] = {}
        self.dead: set[str] = set()
        self.disabled: set[str] = set()

    @initialize()
    def people(self) -> None:
        metadata.create_all(self.engine)
        with self.engine.begin() as connection:
            for name in PEOPLE:
                connection.execute(
                    insert(users).values(
                        id=name,
                        name=name,
                        name_key=name,
                        full_name="",
                        password="",
                        groups=[],
                        made_at=self.at,
                        made_by="",
                    )
                )

    def teardown(self) -> None:
        self.engine.dispose()

    def good(self, model: Model) -> bool:
        idle = model.user is not None and self.at - model.used >= IDLE
        return not (model.ended or self.at >= model.ends or idle or model.user in self.disabled)

    @rule(target=tokens, user=st.sampled_from([*PEOPLE, None]))
    def begin(self, user: str | None) -> str:
        with self.engine.begin() as connection:
            method = "password" if user else "link"
            token, handle = sessions.start(connection, user, method, ENDS, self.at)  # type: ignore[arg-type]
        self.known[token] = Model(user, handle, self.at, self.at + ABSOLUTE, self.at)
        return token

    @rule(token=tokens)
    def use(self, token: str) -> None:
        if self.good(self.known[token]):
            sessions.seen(self.engine, token, self.at)
            self.known[token].used = self.at

    @rule(target=tokens, token=consumes(tokens))
    def prove_again(self, token: str) -> str:
        model = self.known[token]
        if not self.good(model):
            return token
        with self.engine.begin() as connection:
            fresh = sessions.renew(connection, token, ENDS, self.at)
        assert fresh is not None
        assert fresh != token
        self.dead.add(token)
        del self.known[token]
        model.used = model.proved = self.at
        model.ends = self.at + ABSOLUTE
        self.known[fresh] = model
        return fresh

    @rule(token=tokens)
    def end(self, token: str) -> None:
        model = self.known[token]
        with self.engine.begin() as connection:
            others = "bob" if model.user == "ada" else "ada"
            assert sessions.end(connection, others, self.at, model.handle) == []
            sessions.end(connection, model.user, self.at, model.handle)
        model.ended = True

    @rule(token=tokens)
    def end_others(self, token: str) -> None:
        model = self.known[token]
        with self.engine.begin() as connection:
            sessions.end(connection, model.user, self.at, but=model.handle)
        for each in self.known.values():
            each.ended |= each.user == model.user and each is not model

    @rule(user=st.sampled_from(PEOPLE))
    def disable_or_enable(self, user: str) -> None:
        self.disabled ^= {user}
        at = self.at if user in self.disabled else None
        with self.engine.begin() as connection:
            connection.execute(update(users).where(users.c.id == user).values(disabled_at=at))

    @rule(minutes=st.sampled_from([0, 1, 29, 30, 31, 120, 300, 20_000]))
    def wait(self, minutes: int) -> None:
        self.at += timedelta(minutes=minutes)

    @rule()
    def the_clock_is_set_back(self) -> None:
        self.at -= timedelta(seconds=20)

    @rule()
    def sweep(self) -> None:
        sessions.sweep(self.engine, self.at)

    @invariant()
    def a_token_is_worth_what_the_model_says(self) -> None:
        for token, model in self.known.items():
            found = sessions.find(self.engine, token, ENDS, self.at)
            assert (found is not None) is self.good(model)
            if found is not None:
                assert found.person.id == (model.user or OWNER)
                assert found.person.session == model.handle
                assert found.person.signed_in_at == model.proved
        assert all(sessions.find(self.engine, each, ENDS, self.at) is None for each in self.dead)

    @invariant()
    def what_is_listed_is_what_goes_on(self) -> None:
        for user in (*PEOPLE, None):
            if user in self.disabled:
                continue
            listed = {each.handle for each in sessions.of(self.engine, user, ENDS, self.at)}
            models = self.known.values()
            assert listed == {m.handle for m in models if m.user == user and self.good(m)}

    @invariant()
    def only_digests_are_kept(self) -> None:
        with self.engine.connect() as connection:
            kept = str(connection.execute(select(table)).all())
        assert not [token for token in self.known if token in kept]


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_links_are_worth_nothing_where_others_reach_the_console(engine: Engine) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with engine.begin() as connection:
        token, _ = sessions.start(connection, None, "link", ENDS, at)
    assert sessions.find(engine, token, ENDS, at) is not None
    assert sessions.find(engine, token, Ends(IDLE, ABSOLUTE, links=False), at) is None


def test_a_session_is_renewed_by_one_of_two_who_ask_at_once(engine: Engine) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with engine.begin() as connection:
        token, _ = sessions.start(connection, None, "link", ENDS, at)
    with engine.begin() as connection:
        assert sessions.renew(connection, token, ENDS, at) is not None
        assert sessions.renew(connection, token, ENDS, at) is None


def test_sessions_that_ended_long_ago_are_forgotten_and_others_are_not(engine: Engine) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with engine.begin() as connection:
        ended, handle = sessions.start(connection, None, "link", ENDS, at)
        open_, _ = sessions.start(connection, None, "link", ENDS, at)
        sessions.end(connection, None, at, handle)
    sessions.sweep(engine, at + sessions.KEPT)
    assert [sessions.whose(engine, token) for token in (ended, open_)] == [OWNER, OWNER]
    sessions.sweep(engine, at + sessions.KEPT + timedelta(seconds=1))
    assert [sessions.whose(engine, token) for token in (ended, open_)] == [None, OWNER]


def test_what_browsers_say_may_be_anything(engine: Engine) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with engine.begin() as connection:
        token, _ = sessions.start(connection, None, "link", ENDS, at, "a" * 99, "ä\0" * 999)
    assert sessions.find(engine, token, ENDS, at) is not None
    assert sessions.find(engine, "\0\ud800 nonsense", ENDS, at) is None
