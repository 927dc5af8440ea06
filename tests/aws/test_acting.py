"""Acting through a role: in whose name, of which account, never with what is another's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.aws.acting import KEPT, Actors, role_arn, session_name
from app.aws.clients import Clients
from app.aws.errors import AwsError

ONE, TWO = "111111111111", "222222222222"
TAKEN = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


@given(st.text(min_size=1, max_size=200))
def test_every_name_becomes_one_that_sts_takes(name: str) -> None:
    assert TAKEN.fullmatch(session_name(name))


@given(st.lists(st.text(min_size=1, max_size=80), min_size=2, max_size=6, unique=True))
def test_two_people_never_have_the_same_name_there(names: list[str]) -> None:
    assert len({session_name(name) for name in names}) == len(names)


def test_a_name_that_sts_takes_stays_as_it_is() -> None:
    assert session_name("ada@example.com") == "ada@example.com"
    assert session_name("Zoë Ö").startswith("Zo----")
    assert session_name("x") != "x"


def test_a_role_is_named_alone_or_by_its_arn() -> None:
    arn = f"arn:aws:iam::{ONE}:role/team/web"
    assert role_arn("team/web", ONE) == arn
    assert role_arn(arn, ONE) == arn
    assert role_arn("web", ONE, "aws-cn") == f"arn:aws-cn:iam::{ONE}:role/web"


@pytest.mark.parametrize("role", [f"arn:aws:iam::{TWO}:role/web", "a b", "rôle", "arn:aws:iam::x"])
def test_a_role_of_another_account_or_none_is_refused(role: str) -> None:
    with pytest.raises(AwsError) as raised:
        role_arn(role, ONE)
    assert raised.value.trouble == "refused"
    assert "An admin can give you" in raised.value.advice


class Base(Clients):
    """Whoever assumes the roles: notes under which names, and may be refused."""

    def __init__(self, refuse: str = "") -> None:
        super().__init__("http://127.0.0.1:1")
        self.assumed: list[dict[str, Any]] = []
        self.refuse = refuse

    def send(
        self, service: str, operation: str, parameters: dict[str, Any], region: str, repeat: Any
    ) -> dict[str, Any]:
        """One call."""
        self.assumed.append(parameters)
        raise AwsError("refused", "AccessDenied", self.refuse, service, operation, region)


def test_each_person_and_role_has_clients_of_their_own_and_only_some_are_kept() -> None:
    actors, base = Actors(), Base()
    arn = role_arn("web", ONE)
    ada = actors.clients(arn, "ada", base, "us-east-1")
    assert actors.clients(arn, "ada", base, "us-east-1") is ada
    assert actors.clients(arn, "bob", base, "us-east-1") is not ada
    assert actors.clients(role_arn("web", TWO), "ada", base, "us-east-1") is not ada
    for number in range(KEPT):
        actors.clients(arn, f"person-{number}", base, "us-east-1")
    assert actors.clients(arn, "ada", base, "us-east-1") is not ada


def test_a_role_that_cannot_be_assumed_says_so_and_nothing_was_sent() -> None:
    refused = "User: arn:aws:iam::1:user/x is not authorized to perform: sts:AssumeRole on it"
    base = Base(refused)
    clients = Actors("http://127.0.0.1:1").clients(role_arn("web", ONE), "ada", base, "us-east-1")
    with pytest.raises(AwsError) as raised:
        clients.send("ec2", "DescribeInstances", {}, "us-east-1", "read")
    error = raised.value
    assert [each["RoleSessionName"] for each in base.assumed] == ["ada"]
    assert (error.trouble, error.operation, error.may_have_happened) == (
        "refused",
        "AssumeRole",
        False,
    )
    assert "You act through the role arn:aws:iam::111111111111:role/web" in error.message
    assert "trust policy must name this identity" in error.advice
