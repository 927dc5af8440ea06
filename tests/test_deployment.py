"""compose.yaml, the load balancer's configuration and their page fit each other and the console."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import Settings, load

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CONSOLE = SERVICES["console"]
BALANCER = (ROOT / "deploy/haproxy.cfg").read_text()
PAGE = (ROOT / "docs/deployment.md").read_text()


def seconds(text: str) -> float:
    """A span of time as compose and HAProxy write it."""
    (number,) = re.findall(r"^(\d+)s$", text)
    return float(number)


def test_what_a_service_refers_to_is_declared() -> None:
    for service in SERVICES.values():
        assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()
        assert set(service["networks"]) <= COMPOSE["networks"].keys()
        assert set(service.get("depends_on", {})) <= SERVICES.keys()
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).is_file()


def test_images_of_others_are_of_a_named_version() -> None:
    for name in ("database", "balancer"):
        assert re.search(r":\d", SERVICES[name]["image"])


def test_the_console_starts_with_the_settings_of_compose(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = {
        "database_url": "postgresql://encante:abc@database/encante",
        "secret_key": "0123456789abcdef",
        "metrics_token": "fedcba9876543210",
    }
    assert set(CONSOLE["secrets"]) == secrets.keys()
    for name, text in secrets.items():
        (tmp_path / name).write_text(f"{text}\n")
    image = re.findall(r"(ENCANTE_\w+)=(\S+)", (ROOT / "Dockerfile").read_text())
    for name, value in {**dict(image), **CONSOLE["environment"]}.items():
        if name.startswith("ENCANTE_"):
            assert name.removeprefix("ENCANTE_").lower() in Settings.model_fields, name
            text = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(value))
            monkeypatch.setenv(name, text.replace("/run/secrets", str(tmp_path)))
    settings = load()
    assert settings.on_postgresql
    assert (settings.aws, settings.metrics_token) == ("aws", secrets["metrics_token"])
    assert settings.drain_seconds == CONSOLE["environment"]["ENCANTE_DRAIN_SECONDS"]


def test_each_secret_is_made_on_the_page() -> None:
    made = set(re.findall(r"> (\w+)$", PAGE, re.MULTILINE))
    assert made == COMPOSE["secrets"].keys()
    ignored = (ROOT / ".gitignore").read_text().split()
    for secret in COMPOSE["secrets"].values():
        assert f"/{Path(secret['file']).parent}/" in ignored


def test_there_is_time_to_stop_before_a_container_is_killed() -> None:
    answering = re.search(
        r"^graceful_timeout = (\d+)", (ROOT / "gunicorn.conf.py").read_text(), re.M
    )
    assert answering is not None
    drained = CONSOLE["environment"]["ENCANTE_DRAIN_SECONDS"]
    assert seconds(CONSOLE["stop_grace_period"]) > drained + float(answering[1])


def test_the_balancer_notices_in_less_time_than_a_replica_drains() -> None:
    found = re.search(r"check inter (\w+) fall (\d+)", BALANCER)
    assert found is not None
    noticed = seconds(found[1]) * int(found[2])
    assert noticed < CONSOLE["environment"]["ENCANTE_DRAIN_SECONDS"]


def test_the_balancer_asks_the_replicas_where_they_are() -> None:
    assert f"console:{CONSOLE['expose'][0]}" in BALANCER
    assert "ENCANTE_PORT=8080" in (ROOT / "Dockerfile").read_text()
    listening = re.search(r"^    bind :(\d+)$", BALANCER, re.MULTILINE)
    assert listening is not None
    assert SERVICES["balancer"]["ports"] == [f"127.0.0.1:{listening[1]}:{listening[1]}"]
    assert set(SERVICES["balancer"]["networks"]) & set(CONSOLE["networks"])


def test_what_the_balancer_asks_for_is_answered_and_hidden_from_outside() -> None:
    register = (ROOT / "app/web/health.py").read_text()
    addresses = set(re.findall(r'add_url_rule\("(/\w+)"', register))
    hidden = re.search(r"return status 404 if \{ path (.+) \}", BALANCER)
    assert hidden is not None
    assert set(hidden[1].split()) == addresses
    assert "uri /readyz " in BALANCER


def test_only_what_cannot_have_been_begun_is_sent_again() -> None:
    assert "http-request disable-l7-retry unless METH_GET" in BALANCER
    assert "option http-server-close" in BALANCER


def test_the_database_cannot_be_reached_from_outside() -> None:
    assert "ports" not in SERVICES["database"]
    assert all(COMPOSE["networks"][name]["internal"] for name in SERVICES["database"]["networks"])
