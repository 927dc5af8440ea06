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


def test_what_clients_claim_of_themselves_is_taken_off_at_the_balancer() -> None:
    for header in ("X-Forwarded-For %[src]", "X-Forwarded-Proto https if { ssl_fc }"):
        assert f"http-request set-header {header}" in BALANCER
    for header in ("X-Forwarded-Host", "Forwarded"):
        assert f"http-request del-header {header}" in BALANCER
    subnet = COMPOSE["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert CONSOLE["environment"]["ENCANTE_TRUSTED_PROXIES"].endswith(f":-{subnet}}}")


def test_containers_have_no_rights_and_write_nowhere_but_where_they_must() -> None:
    for name in ("console", "balancer"):
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service.get("privileged")
    assert not any("docker.sock" in str(service) for service in SERVICES.values())


def test_no_secret_stands_in_compose_or_in_the_image() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    for text in (dockerfile, (ROOT / "compose.yaml").read_text()):
        assert not re.search(r"(?i)(password|secret_key|token)\s*[:=]\s*[\"']?[a-z0-9]{8}", text)
    for name in ("ENCANTE_SECRET_KEY", "ENCANTE_DATABASE_URL", "ENCANTE_METRICS_TOKEN"):
        assert CONSOLE["environment"][f"{name}_FILE"].startswith("/run/secrets/")


def test_the_image_runs_as_nobody_in_particular_and_tells_its_health() -> None:
    last = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    assert last.startswith("python:3.11")
    assert "useradd --create-home --uid 10001 encante" in last
    assert re.findall(r"^USER (.+)$", last, re.MULTILINE) == ["encante"]
    assert last.index("USER encante") > last.rindex("RUN ")
    assert "--require-hashes --only-binary :all:" in last
    assert re.search(r'^HEALTHCHECK .*\\\n +CMD \["python"', last, re.MULTILINE)
    assert re.search(r'^CMD \["gunicorn"', last, re.MULTILINE)
    assert "control_socket_disable = True" in (ROOT / "gunicorn.conf.py").read_text()


def test_only_what_the_image_is_made_from_gets_into_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    kept = {line[1:] for line in lines if line.startswith("!")}
    assert kept.isdisjoint({"data", "deploy", ".git", "tests", ".env", "var"})
