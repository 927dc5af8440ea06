"""The console's settings from the environment: what is right, and what is told of what is not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import AccountSetting, SettingsError, load
from app.settings.wire import weakness

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


GOOD_KEY = "c2f1e49b7d0a8365" + "9be0d7531fa4c862" + "70d9"


def _set(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"ENCANTE_{name.upper()}", value)


def test_on_a_laptop_nothing_need_be_said() -> None:
    settings = load()
    assert (settings.https, settings.loopback) == (False, True)
    assert settings.cookie("session") == "encante_8080_session"


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.168.1.2", "console.local"])
def test_what_others_can_reach_must_say_where_it_is_opened(
    monkeypatch: pytest.MonkeyPatch, bind: str
) -> None:
    _set(monkeypatch, bind=bind)
    with pytest.raises(SettingsError, match=r"ENCANTE_BIND: .* ENCANTE_PUBLIC_URL must say"):
        load()
    _set(monkeypatch, public_url="http://localhost:8080")
    assert load().loopback


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_loopback_addresses_are_listened_on_without_more(
    monkeypatch: pytest.MonkeyPatch, bind: str
) -> None:
    _set(monkeypatch, bind=bind)
    assert load().bind in load().hosts


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://console.example.com", "plain http is for this machine alone"),
        ("http://127.0.0.1.example.com", "plain http is for this machine alone"),
        ("console.example.com", "is no address"),
        ("ftp://localhost", "is no address"),
        ("https://", "is no address"),
        ("https://a.example/console", "is no address"),
        ("https://me:hush@a.example", "is no address"),
        ("https://a.example?x=1", "is no address"),
        ("https://a.example:port", "is no address"),
        ("https://[::1", "is no address"),
    ],
)
def test_a_public_url_that_will_not_do_is_told(
    monkeypatch: pytest.MonkeyPatch, url: str, told: str
) -> None:
    _set(monkeypatch, public_url=url, secret_key=GOOD_KEY)
    with pytest.raises(SettingsError, match=told) as raised:
        load()
    assert str(raised.value).startswith("ENCANTE_PUBLIC_URL: ")


def test_a_public_url_is_kept_as_browsers_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, public_url="https://Console.Example.com:443/", secret_key=GOOD_KEY)
    settings = load()
    assert settings.public_url == "https://console.example.com"
    assert settings.hosts == ("console.example.com",)
    assert settings.https
    assert settings.cookie() == "__Host-encante"
    assert settings.cookie("session") == "__Host-encante_session"


def test_other_machines_names_need_https(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, allowed_hosts="localhost,console.example.com")
    with pytest.raises(SettingsError, match=r"'console\.example\.com' is not this machine"):
        load()


@pytest.mark.parametrize(
    "key",
    ["", "short-but-random-9f2", "k" * 64, "abcd" * 16, "0123456789abcdef" * 4, "a" * 60 + "bcde"],
)
def test_over_https_a_weak_or_missing_key_does_not_start(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    _set(monkeypatch, public_url="https://console.example.com", secret_key=key)
    with pytest.raises(SettingsError, match="openssl rand -hex 32") as raised:
        load()
    assert str(raised.value).startswith("ENCANTE_SECRET_KEY: ")
    assert not key or key not in str(raised.value)
    _set(monkeypatch, public_url="http://127.0.0.1:8080")
    load()


def test_former_keys_must_be_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, public_url="https://c.example", secret_key=GOOD_KEY, old_secret_keys="weak,")
    with pytest.raises(SettingsError, match="ENCANTE_OLD_SECRET_KEYS: has fewer"):
        load()


@given(st.binary(min_size=32, max_size=32))
def test_a_random_key_is_never_called_weak(key: bytes) -> None:
    # Hypothesis likes zeros; what openssl makes looks like a digest of anything
    assert not weakness(hashlib.sha256(key).hexdigest())


@pytest.mark.parametrize(
    ("networks", "told"),
    [("10.0.0.0/33", "is no address or network"), ("0.0.0.0/0", "everybody"), ("*", "is no")],
)
def test_proxies_are_trusted_by_address_and_not_everybody(
    monkeypatch: pytest.MonkeyPatch, networks: str, told: str
) -> None:
    _set(monkeypatch, trusted_proxies=networks)
    with pytest.raises(SettingsError, match=told):
        load()


OPENID = {
    "oidc_issuer": "https://id.example.com/realms/main",
    "oidc_client_id": "encante",
    "oidc_client_secret": "given-by-the-provider",
}


@pytest.mark.parametrize("missing", sorted(OPENID))
def test_the_settings_of_openid_belong_together(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    _set(monkeypatch, **OPENID)
    load()
    monkeypatch.delenv(f"ENCANTE_{missing.upper()}")
    with pytest.raises(SettingsError, match="belong together") as raised:
        load()
    assert str(raised.value).startswith(f"ENCANTE_{missing.upper()}: is not set")
    assert "given-by-the-provider" not in str(raised.value)


@pytest.mark.parametrize(
    ("issuer", "told"),
    [
        ("http://id.example.com", "must begin with https"),
        ("id.example.com", "must begin with https"),
        ("https://me:secret@id.example.com", "must begin with https"),
        ("https://id.example.com/?realm=main", "it has no"),
        ("https://id.example.com/#main", "it has no"),
        ("https://id.example.com:port", "must begin with https"),
        ("https://id.example.com\n", "must begin with https"),
    ],
)
def test_an_issuer_is_one_that_nobody_can_listen_to(
    monkeypatch: pytest.MonkeyPatch, issuer: str, told: str
) -> None:
    _set(monkeypatch, **{**OPENID, "oidc_issuer": issuer})
    with pytest.raises(SettingsError, match=told):
        load()


def test_an_issuer_on_this_machine_may_be_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, **{**OPENID, "oidc_issuer": "http://127.0.0.1:8080/realms/main"})
    assert load().oidc_issuer == "http://127.0.0.1:8080/realms/main"


def test_openid_is_always_among_the_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, **OPENID, oidc_scopes="profile email")
    with pytest.raises(SettingsError, match="ENCANTE_OIDC_SCOPES: openid must"):
        load()
