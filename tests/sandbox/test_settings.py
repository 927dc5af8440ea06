"""The sandbox's settings from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.sandbox.settings import DURATIONS, SandboxSettings, SettingsError, from_environment


def test_an_empty_environment_gives_the_defaults():
    settings = from_environment({})
    assert settings == SandboxSettings(data=Path("data"))
    assert settings.folder == Path("data/sandbox")


def test_every_duration_can_be_set():
    for name in DURATIONS:
        settings = from_environment({f"ENCANTE_SANDBOX_{name.upper()}": "0.25"})
        assert getattr(settings, name) == 0.25


def test_an_empty_variable_counts_as_not_set():
    assert from_environment({"ENCANTE_SANDBOX_PORT": " "}).port == 8081


def test_regions_keep_their_order_and_lose_repetitions():
    settings = from_environment({"ENCANTE_REGIONS": "eu-west-1, us-east-1,eu-west-1"})
    assert settings.regions == ("eu-west-1", "us-east-1")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ENCANTE_SANDBOX_PORT", "65536"),
        ("ENCANTE_SANDBOX_PORT", "-1"),
        ("ENCANTE_SANDBOX_PORT", "80 80"),
        ("ENCANTE_SANDBOX_PORT", "٨٠"),
        ("ENCANTE_SANDBOX_SNAPSHOT_PENDING", "-1"),
        ("ENCANTE_SANDBOX_SNAPSHOT_PENDING", "nan"),
        ("ENCANTE_SANDBOX_SNAPSHOT_PENDING", "inf"),
        ("ENCANTE_SANDBOX_SNAPSHOT_PENDING", "soon"),
        ("ENCANTE_SANDBOX_ACCOUNT_ID", "123"),
        ("ENCANTE_SANDBOX_VCPU_LIMIT", "many"),
        ("ENCANTE_SANDBOX_SEED", "perhaps"),
        ("ENCANTE_REGIONS", "Mars"),
        ("ENCANTE_REGIONS", ","),
    ],
)
def test_a_bad_value_is_refused_with_the_name_of_the_variable(variable: str, value: str):
    with pytest.raises(SettingsError, match=variable):
        from_environment({variable: value})
