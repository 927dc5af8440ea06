"""Users and their invitations, with either database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update

from app.db import now
from app.people import grants, invitations, passwords, sessions, users
from app.people.audit import By
from app.people.sessions import Ends
from app.people.tables import audit
from app.people.tables import invitations as invited
from app.people.tables import sessions as begun
from app.people.tables import users as table
from app.people.users import User, UserError
from app.people.who import Grant

BY = By("admin")
ENDS = Ends(timedelta(hours=2), timedelta(hours=12))
PASSWORD = "tulip anchor 9 fog"


@pytest.fixture
def pat(engine: Engine) -> str:
    user_id = users.add(engine, BY, "Pat", "Pat Mayer")
    users.set_password(engine, BY, user_id, PASSWORD)
    return user_id


def signed_in(engine: Engine, user_id: str) -> str:
    with engine.begin() as connection:
        return sessions.start(connection, user_id, "password", ENDS, now())[0]


def goes_on(engine: Engine, token: str) -> bool:
    return sessions.find(engine, token, ENDS, now()) is not None


def events(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(select(audit.c.event).order_by(audit.c.seq)))


def test_a_name_is_one_persons_whichever_way_it_is_written(engine: Engine, pat: str) -> None:
    for name in ("pat", "PAT", " Pat "):
        with pytest.raises(UserError, match="a name is one person's"):
            users.add(engine, BY, name)
    assert users.named(engine, "pAT").id == pat
    assert users.look(engine, "PAT", PASSWORD)[1]
    assert [user.name for user in users.all_users(engine)] == ["Pat"]


@pytest.mark.parametrize("name", ["", "x", "-x", "a b", "a/b", "owner", "OWNER", "a" * 65, "pät"])
def test_names_that_would_be_misread_are_refused(engine: Engine, name: str) -> None:
    with pytest.raises(UserError):
        users.add(engine, BY, name)


@given(st.text())
def test_a_name_that_is_taken_has_nothing_odd_in_it(name: str) -> None:
    if users.wrong_with(name) is None:
        assert name.isascii()
        assert name.isprintable()
        assert not set(name) & set(" <>\"'&/\\;|$`%?#")


def test_a_full_name_is_one_line(engine: Engine) -> None:
    assert users.wrong_with("pat", "Pat\r\nMayer") is not None
    assert users.wrong_with("pat", "P" * 201) is not None
    assert users.wrong_with("pat", "Żółć 🐬 Mayer") is None


def test_only_the_right_password_of_who_is_not_disabled_is_right(engine: Engine, pat: str) -> None:
    assert [users.look(engine, "pat", text)[1] for text in (PASSWORD, "", "x" * 500)] == [
        True,
        False,
        False,
    ]
    assert users.look(engine, "nobody", PASSWORD) == (None, False)
    without = users.add(engine, BY, "without")
    assert not users.look(engine, "without", "")[1]
    users.disable(engine, BY, pat)
    assert not users.look(engine, "pat", PASSWORD)[1]
    users.enable(engine, BY, pat)
    assert users.look(engine, "pat", PASSWORD)[1]
    assert users.get(engine, without) is not None


def test_an_old_hash_is_made_anew_at_the_next_sign_in(
    engine: Engine, pat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept() -> str:
        with engine.connect() as connection:
            return str(connection.scalar(select(table.c.password).where(table.c.id == pat)))

    before = kept()
    assert users.look(engine, "pat", PASSWORD)[1]
    assert kept() == before
    monkeypatch.setattr(passwords, "is_outdated", lambda _: True)
    assert not users.look(engine, "pat", "wrong")[1]
    assert kept() == before
    assert users.look(engine, "pat", PASSWORD)[1]
    assert kept() != before
    assert users.look(engine, "pat", PASSWORD)[1]


def test_another_password_ends_sessions_and_invitations(engine: Engine, pat: str) -> None:
    token, invitation = signed_in(engine, pat), invitations.invite(engine, BY, pat)
    users.set_password(engine, BY, pat, "marble otter 4 quay")
    assert not goes_on(engine, token)
    assert invitations.of(engine, invitation) is None
    assert "users.password" in events(engine)


def test_a_bad_password_changes_nothing(engine: Engine, pat: str) -> None:
    token = signed_in(engine, pat)
    with pytest.raises(passwords.PasswordError):
        users.set_password(engine, BY, pat, "Pat Mayer Pat Mayer")
    assert goes_on(engine, token)
    assert users.look(engine, "pat", PASSWORD)[1]


def test_who_is_disabled_is_signed_out_and_cannot_be_invited(engine: Engine, pat: str) -> None:
    token, invitation = signed_in(engine, pat), invitations.invite(engine, BY, pat)
    assert users.disable(engine, BY, pat)
    assert not users.disable(engine, BY, pat), "they are already"
    assert not goes_on(engine, token)
    assert invitations.of(engine, invitation) is None
    assert invitations.accept(engine, BY, invitation, PASSWORD) is None
    with pytest.raises(UserError, match="is disabled"):
        invitations.invite(engine, BY, pat)
    assert users.enable(engine, BY, pat)
    assert not goes_on(engine, token), "what has ended stays so"
    assert events(engine)[-2:] == ["users.disable", "users.enable"]


def test_the_last_admin_cannot_be_disabled(engine: Engine, pat: str) -> None:
    grants.add(engine, BY, Grant("admin"), pat)
    with pytest.raises(UserError, match="last who is an admin"):
        users.disable(engine, BY, pat)
    kim = users.add(engine, BY, "kim")
    grants.add(engine, BY, Grant("admin"), kim)
    assert users.disable(engine, BY, pat)


@pytest.mark.parametrize("group", ["", "chiefs"])
def test_two_admins_do_not_disable_each_other_at_the_same_moment(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    """Whether they are admins by grants of their own, or by the settings' group alone."""
    ids = [users.add(engine, BY, name) for name in ("ann", "bob")]
    for user_id in ids:
        if group:
            _put_in(engine, user_id, group)
        else:
            grants.add(engine, BY, Grant("admin"), user_id)
    both_have_looked = Barrier(2)
    switched = users._switched

    def switch(*given: Any) -> User | None:
        with suppress(BrokenBarrierError):  # the other one waits for this one to end: as it should
            both_have_looked.wait(2)
        return switched(*given)

    monkeypatch.setattr(users, "_switched", switch)
    with ThreadPoolExecutor(2) as threads:
        tried = [threads.submit(users.disable, engine, BY, each, group) for each in ids]
    assert sorted(isinstance(each.exception(), UserError) for each in tried) == [False, True]
    with engine.connect() as connection:
        assert len(grants.admins(connection, group)) == 1


def _put_in(engine: Engine, user_id: str, group: str) -> None:
    with engine.begin() as connection:
        connection.execute(update(table).where(table.c.id == user_id).values(groups=[group]))


def test_an_invitation_is_good_once_for_a_week_and_only_the_newest(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    kim = users.add(engine, BY, "kim")
    old, token = invitations.invite(engine, BY, kim), invitations.invite(engine, BY, kim)
    assert invitations.of(engine, old) is None
    with monkeypatch.context() as clock:
        clock.setattr(invitations, "now", lambda: now() + timedelta(days=7, seconds=1))
        assert invitations.of(engine, token) is None
    with pytest.raises(passwords.PasswordError):
        invitations.accept(engine, BY, token, "kimkimkimkimkim")
    user = invitations.accept(engine, BY, token, PASSWORD)
    assert user is not None
    assert user.id == kim
    assert users.look(engine, "kim", PASSWORD)[1]
    assert invitations.accept(engine, BY, token, "marble otter 4 quay") is None


def test_no_token_and_no_password_is_in_the_database(engine: Engine, pat: str) -> None:
    secrets = {PASSWORD, signed_in(engine, pat), invitations.invite(engine, BY, pat)}
    with engine.connect() as connection:
        kept = "".join(
            str(connection.execute(select(each)).all()) for each in (table, audit, invited, begun)
        )
    assert not [secret for secret in secrets if secret in kept]


def test_who_is_not_there_cannot_be_changed(engine: Engine) -> None:
    deeds: tuple[Callable[[], object], ...] = (
        lambda: users.disable(engine, BY, "x"),
        lambda: users.enable(engine, BY, "x"),
        lambda: users.set_password(engine, BY, "x", PASSWORD),
        lambda: invitations.invite(engine, BY, "x"),
        lambda: users.named(engine, "x"),
    )
    for deed in deeds:
        with pytest.raises(UserError, match="There is no"):
            deed()
