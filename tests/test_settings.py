"""The console's settings from the environment: what is right, and what is told of what is not."""

from __future__ import annotations

from pathlib import Path

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


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_postgresql_is_named_in_any_of_the_usual_ways(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("ENCANTE_SECRET_KEY", "k" * 32)
    monkeypatch.setenv("ENCANTE_DATABASE_URL", f"{scheme}://me:p%2Fw@db.internal:5432/encante")
    settings = load()
    assert settings.database_url == "postgresql+psycopg://me:p%2Fw@db.internal:5432/encante"
    assert settings.on_postgresql
    monkeypatch.delenv("ENCANTE_DATABASE_URL")
    assert not load().on_postgresql


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://me:hush@db/encante", "must begin with postgresql:// or sqlite:///"),
        ("postgresql://me:hush@db", "is not like postgresql://user"),
        ("postgresql://me:hush@db:port/encante", "is not like postgresql://user"),
        ("postgresql://me:hu#sh/@db/encante", "is not like postgresql://user"),
    ],
)
def test_an_address_of_no_database_is_told_but_not_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str, told: str
) -> None:
    monkeypatch.setenv("ENCANTE_DATABASE_URL", url)
    monkeypatch.setenv("ENCANTE_SECRET_KEY", "k" * 32)
    with pytest.raises(SettingsError, match=told) as raised:
        load()
    assert str(raised.value).startswith("ENCANTE_DATABASE_URL: ")
    assert "hu" not in str(raised.value)


def test_consoles_that_share_a_postgresql_must_share_the_key_of_sessions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ENCANTE_SECRET_KEY", raising=False)
    monkeypatch.setenv("ENCANTE_DATABASE_URL", "postgresql://me:hush@db/encante")
    with pytest.raises(SettingsError) as raised:
        load()
    assert str(raised.value).startswith("ENCANTE_SECRET_KEY: is needed with PostgreSQL")
    assert "hush" not in str(raised.value)


def test_what_is_secret_may_stand_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "url").write_text("postgres://me:hush@db/encante\n")
    (tmp_path / "key").write_text("a long random text\n")
    monkeypatch.setenv("ENCANTE_DATABASE_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("ENCANTE_SECRET_KEY_FILE", str(tmp_path / "key"))
    settings = load()
    assert settings.database_url == "postgresql+psycopg://me:hush@db/encante"
    assert settings.secret_key == "a long random text"
    assert "hush" not in repr(settings)
    assert "random" not in repr(settings)


@pytest.mark.parametrize(
    ("held", "also", "told"),
    [
        (None, "", "cannot be read"),
        ("\n", "", "is empty"),
        ("a long random text", "another", "one of them is enough"),
    ],
)
def test_a_file_that_does_not_hold_a_secret_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, held: str | None, also: str, told: str
) -> None:
    if held is not None:
        (tmp_path / "key").write_text(held)
    monkeypatch.setenv("ENCANTE_SECRET_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("ENCANTE_SECRET_KEY", also)
    with pytest.raises(SettingsError, match=told) as raised:
        load()
    assert str(raised.value).startswith("ENCANTE_SECRET_KEY")
    assert "another" not in str(raised.value)
