"""The console's settings from the environment: what is right, and what is told of what is not."""

from __future__ import annotations

import pytest

from app.settings import AccountSetting, SettingsError, load

ROLE = "arn:aws:iam::123456789012:role/ops/encante"


def test_without_accounts_there_is_one_by_boto3s_own_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ENCANTE_ACCOUNTS", raising=False)
    assert load().accounts == (AccountSetting("default"),)


def test_accounts_are_profiles_and_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"home, work=profile:w k,shop=role:{ROLE},lab=role:{ROLE};profile=p; external_id=a/b:1"
    monkeypatch.setenv("ENCANTE_ACCOUNTS", text)
    assert load().accounts == (
        AccountSetting("home"),
        AccountSetting("work", profile="w k"),
        AccountSetting("shop", role=ROLE),
        AccountSetting("lab", profile="p", role=ROLE, external_id="a/b:1"),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,a", "'a' stands there twice"),
        ("=profile:x", "'' is no name"),
        ("my account", "is no name"),
        ("a=profile:", "neither profile"),
        ("a=work", "neither profile"),
        ("a=role:encante", "neither profile"),
        ("a=role:arn:aws:iam::12345:role/encante", "neither profile"),
        ("a=profile:x;external_id=secret", "neither profile"),
        (f"a=role:{ROLE};mfa=1", "come external_id"),
        (f"a=role:{ROLE};external_id=", "come external_id"),
        (f"a=role:{ROLE};external_id=s p", "an external id has"),
    ],
)
def test_an_account_that_cannot_be_read_is_told(
    monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    monkeypatch.setenv("ENCANTE_ACCOUNTS", text)
    with pytest.raises(SettingsError, match=told) as raised:
        load()
    assert str(raised.value).startswith("ENCANTE_ACCOUNTS: ")


def test_all_regions_are_the_default_ones_until_aws_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCANTE_AWS", "aws")
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    monkeypatch.setenv("ENCANTE_REGIONS", "all")
    settings = load()
    assert (settings.regions, settings.all_regions) == (("eu-west-3",), True)
    monkeypatch.setenv("ENCANTE_REGIONS", "us-east-1,us-east-1")
    assert (load().regions, load().all_regions) == (("us-east-1",), False)


@pytest.mark.parametrize("text", ["all,us-east-1", "Mars", "us-east-1x2"])
def test_what_is_no_region_is_told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ENCANTE_REGIONS", text)
    with pytest.raises(SettingsError, match="is not the name of a region"):
        load()
