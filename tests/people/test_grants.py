"""Who has which role, and that somebody always can give roles."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Engine, insert, select

from app.db import now
from app.people import grants
from app.people.audit import By
from app.people.grants import GrantError, words_of
from app.people.tables import audit, users
from app.people.who import EVERYTHING, Grant, Limits

ANNA = By("anna", "u-anna", "password", "127.0.0.1")
WEB = Grant("operator", Limits(("123456789012",), ("eu-central-1",), "team", "web"), "web-role")


def make_user(
    engine: Engine, name: str, groups: tuple[str, ...] = (), disabled: bool = False
) -> str:
    values = {
        "id": f"u-{name}",
        "name": name,
        "name_key": name,
        "full_name": "",
        "password": "",
        "groups": list(groups),
        "made_at": now(),
        "made_by": "anna",
        "disabled_at": now() if disabled else None,
    }
    with engine.begin() as connection:
        connection.execute(insert(users).values(values))
    return f"u-{name}"


def held(engine: Engine, user_id: str, group: str = "") -> list[Grant]:
    found = grants.all_given(engine)
    return [one.grant for one in found if (one.user_id, one.grant.group) == (user_id, group)]


def told(engine: Engine) -> list[tuple[str, str]]:
    query = select(audit.c.event, audit.c.title).order_by(audit.c.seq)
    with engine.connect() as connection:
        return [(row.event, row.title) for row in connection.execute(query)]


def roles(engine: Engine, user_id: str, *groups: str, admin_group: str = "") -> list[str]:
    with engine.connect() as connection:
        return [grant.role for grant in grants.held(connection, user_id, groups, admin_group)]


def test_a_user_has_their_own_roles_and_those_of_their_groups(engine: Engine) -> None:
    ben = make_user(engine, "ben")
    grants.add(engine, ANNA, WEB, ben)
    grants.add(engine, ANNA, Grant("viewer", group="staff"))
    grants.add(engine, ANNA, Grant("operator", group="ops"))
    assert roles(engine, ben, "staff", "guests") == ["operator", "viewer"]
    assert roles(engine, ben) == ["operator"]
    assert roles(engine, "u-nobody") == []


def test_whoever_is_in_the_admin_group_is_an_admin(engine: Engine) -> None:
    ben = make_user(engine, "ben", ("chiefs",))
    assert roles(engine, ben, "chiefs", admin_group="chiefs") == ["admin"]
    assert roles(engine, ben, "others", admin_group="chiefs") == []


def test_roles_are_given_to_users_and_to_groups(engine: Engine) -> None:
    ben = make_user(engine, "ben")
    mine = grants.add(engine, ANNA, WEB, ben)
    grants.add(engine, ANNA, Grant("viewer", group="staff"))
    assert [grant.limits for grant in held(engine, ben)] == [WEB.limits]
    assert [grant.role for grant in held(engine, "", "staff")] == ["viewer"]
    given = grants.get(engine, mine)
    assert given is not None
    assert (given.user_id, given.made_by) == (ben, "anna")
    assert grants.get(engine, "none") is None


def test_a_role_that_is_taken_away_is_gone_and_both_stand_in_the_log(engine: Engine) -> None:
    ben = make_user(engine, "ben")
    grant_id = grants.add(engine, ANNA, WEB, ben)
    assert grants.remove(engine, ANNA, grant_id)
    assert held(engine, ben) == []
    assert not grants.remove(engine, ANNA, grant_id)
    assert told(engine) == [
        ("grants.add", f"Give ben the role {words_of(WEB)}"),
        ("grants.remove", f"Take the role {words_of(WEB)} from ben"),
    ]
    with engine.connect() as connection:
        before = connection.execute(select(audit.c.before).order_by(audit.c.seq.desc())).scalars()
        assert json.loads(before.first() or "")["aws_role"] == "web-role"


def test_the_same_role_is_not_given_twice(engine: Engine) -> None:
    ben = make_user(engine, "ben")
    grants.add(engine, ANNA, WEB, ben)
    with pytest.raises(GrantError, match="ben has exactly this role already"):
        grants.add(engine, ANNA, WEB, ben)
    grants.add(engine, ANNA, Grant("viewer"), ben)


def test_nobody_who_does_not_exist_gets_a_role(engine: Engine) -> None:
    with pytest.raises(GrantError, match="no such user"):
        grants.add(engine, ANNA, WEB, "u-nobody")
    assert told(engine) == []


@pytest.mark.parametrize(
    "narrow", [Grant("admin", Limits(regions=("eu-central-1",))), Grant("admin", aws_role="web")]
)
def test_an_admin_is_not_narrowed(engine: Engine, narrow: Grant) -> None:
    with pytest.raises(GrantError, match="cannot be narrowed"):
        grants.add(engine, ANNA, narrow, make_user(engine, "ben"))


def test_the_last_admin_stays_one(engine: Engine) -> None:
    first = grants.add(engine, ANNA, Grant("admin"), make_user(engine, "anna"))
    grants.add(engine, ANNA, Grant("admin"), make_user(engine, "gone", disabled=True))
    with pytest.raises(GrantError, match="anna is the last who is an admin"):
        grants.remove(engine, ANNA, first)
    assert held(engine, "u-anna") != []
    grants.add(engine, ANNA, Grant("admin", group="chiefs"))
    with pytest.raises(GrantError, match="the last"):  # nobody is in it
        grants.remove(engine, ANNA, first)
    make_user(engine, "carl", ("chiefs",))
    assert grants.remove(engine, ANNA, first)


def test_admins_by_the_settings_count_as_well(engine: Engine) -> None:
    first = grants.add(engine, ANNA, Grant("admin"), make_user(engine, "anna"))
    make_user(engine, "carl", ("chiefs",))
    assert grants.remove(engine, ANNA, first, admin_group="chiefs")


@pytest.mark.parametrize(
    ("grant", "words"),
    [
        (Grant("viewer", EVERYTHING), "viewer"),
        (
            Grant("operator", Limits((), ("eu-central-1",), "team", "web")),
            "operator for team = web in eu-central-1",
        ),
        (
            Grant("operator", Limits(("111111111111", "222222222222"), ("a", "b", "c"))),
            "operator in a, b and c of accounts 111111111111 and 222222222222",
        ),
        (Grant("operator", aws_role="web"), "operator, through the IAM role web"),
    ],
)
def test_a_grant_in_words(grant: Grant, words: str) -> None:
    assert words_of(grant) == words
