"""What must not be kept is taken out, whatever it is in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.people.redaction import HIDDEN, redacted, without_secrets

CANARY = "canary-7f3a"
SECRET_NAMES = [
    "UserData",
    "user_data",
    "Token",
    "Password",
    "MasterUserPassword",
    "SecretString",
    "SecretAccessKey",
    "aws_secret_access_key",
    "SessionToken",
    "KeyMaterial",
    "PrivateKey",
    "ExternalId",
    "Message",
    "MessageBody",
    "ReceiptHandle",
    "Authorization",
    "Cookie",
    "csrf_token",
    "client_secret",
    "passphrase",
]
PLAIN_NAMES = ["InstanceIds", "Name", "Tags", "Key", "Value", "ClientToken", "KeyName", "Resource"]
KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{CANARY}\n-----END OPENSSH PRIVATE KEY-----"

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab:/ ", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(PLAIN_NAMES), inner, max_size=3)
    ),
    max_leaves=8,
)
secrets = st.sampled_from([CANARY, [CANARY], {"Value": CANARY}, {"Value": [f"a {CANARY} b"]}])


@st.composite
def hiding(draw: st.DrawFn) -> Any:
    """Parameters with a secret somewhere in them."""
    name = draw(st.sampled_from(SECRET_NAMES))
    found: Any = {**draw(st.dictionaries(st.sampled_from(PLAIN_NAMES), plain, max_size=3))}
    found[draw(st.sampled_from([name, name.lower(), name.upper()]))] = draw(secrets)
    for _ in range(draw(st.integers(0, 4))):
        around = draw(st.sampled_from(PLAIN_NAMES))
        found = draw(st.sampled_from([{around: found}, [found], {around: [found, 1]}]))
    return found


@given(hiding())
def test_a_secret_is_found_however_deep_it_is(parameters: Any):
    assert CANARY not in json.dumps(redacted(parameters))


@given(plain)
def test_what_is_no_secret_is_kept(parameters: Any):
    assert redacted(parameters) == parameters


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_that_there_was_something_is_told_but_an_empty_value_stays(name: str):
    assert redacted({name: "x"}) == {name: HIDDEN}
    assert redacted({name: ""}) == {name: ""}


def test_a_tag_is_kept_whatever_it_is_called():
    tags = {"Tags": [{"Key": "Password", "Value": "see the vault"}]}
    assert redacted(tags) == tags


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://example.com/hook?id=7", "https://example.com/hook?id=7"),
        (f"https://ann:{CANARY}@example.com:8443/h", f"https://{HIDDEN}@example.com:8443/h"),
        (f"https://x.s3.amazonaws.com/a?X-Amz-Signature={CANARY}&b=1", "b=1"),
        (f"https://example.com/?token={CANARY}", "https://example.com/?token="),
        (f"https://[{CANARY}@x/", HIDDEN),
    ],
)
def test_a_password_or_signature_in_an_address_is_taken_out(url: str, kept: str):
    told = redacted({"Endpoint": url})["Endpoint"]
    assert kept in told
    assert CANARY not in told


def test_a_private_key_and_bytes_are_taken_out_whatever_they_are_called():
    assert redacted({"Description": KEY, "Blob": b"x"}) == {"Description": HIDDEN, "Blob": HIDDEN}


@given(hiding())
def test_what_aws_says_of_a_secret_does_not_tell_it(parameters: Any):
    if isinstance(parameters, list):
        parameters = {"x": parameters}
    assert CANARY not in without_secrets(f"Invalid: a {CANARY} b", parameters)


@given(st.text(), plain)
def test_any_text_can_be_looked_through(text: str, parameters: Any):
    assert isinstance(without_secrets(text, {"x": parameters}), str)
