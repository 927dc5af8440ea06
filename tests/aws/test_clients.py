"""Which endpoint is talked to, with which credentials, whatever the environment says."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from app.aws import turns
from app.aws.call import Call
from app.aws.clients import Clients, Endpoint, Identity
from app.aws.errors import AwsError
from app.aws.operations import Repeat
from tests.aws.recorder import Recorder, Reply, Request, ec2_error, success
from tests.aws.samples import REGION

READ = Call("ec2", "DescribeVolumes", REGION)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials in the environment, as a person has them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "person")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
def elsewhere(credentials: None, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Clients:
    """Clients that reach the recorder as an endpoint that is neither AWS nor the sandbox."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", recorder.url)
    return Clients()


def test_the_sandbox_is_named_as_such(recorder: Recorder, clients: Clients) -> None:
    assert clients.endpoint() == Endpoint("sandbox", recorder.url)
    assert clients.endpoint().label == "Sandbox"


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"])
def test_without_an_endpoint_it_is_aws(region: str, credentials: None) -> None:
    endpoint = Clients().endpoint(region=region)
    assert (endpoint, endpoint.label) == (Endpoint("aws"), "AWS")


@pytest.mark.parametrize(
    "url",
    [
        "https://ec2.us-east-1.amazonaws.com",
        "https://EC2.EU-WEST-1.API.AWS",
        "https://vpce-1-2.ec2.us-east-1.vpce.amazonaws.com",
        "https://ec2.cn-north-1.amazonaws.com.cn:443/",
        "https://ec2.eusc-de-east-1.amazonaws.eu",
    ],
)
def test_an_endpoint_of_awss_own_is_aws(
    url: str, credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    assert Clients().endpoint().kind == "aws"


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4566",
        "http://[::1]:4566",
        "https://amazonaws.com.example.org",
        "https://notamazonaws.com",
        "https://example.org/?.amazonaws.com",
        "https://ec2.amazonaws.com@example.org",
    ],
)
def test_any_other_endpoint_is_named_by_its_address(
    url: str, credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    endpoint = Clients().endpoint()
    assert endpoint.kind == "other"
    assert endpoint.label == endpoint.url


def test_the_endpoint_of_the_environment_is_used_with_the_persons_credentials(
    elsewhere: Clients, recorder: Recorder
) -> None:
    READ.run(elsewhere)
    (request,) = recorder.taken()
    assert (request.access_key, request.region) == ("person", REGION)


ENVIRONMENTS = [
    {"AWS_PROFILE": "nobody"},
    {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
    {"AWS_ENDPOINT_URL_EC2": "http://127.0.0.1:1"},
    {"AWS_ACCESS_KEY_ID": "person", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "t"},
    {"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"},
    {"AWS_RETRY_MODE": "no such mode"},
    {"AWS_DEFAULTS_MODE": "no such mode"},
    {"AWS_STS_REGIONAL_ENDPOINTS": "neither"},
    {"AWS_USE_FIPS_ENDPOINT": "true"},
]


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda value: next(iter(value)))
def test_nothing_in_the_environment_keeps_us_from_the_sandbox(
    environment: dict[str, str], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    READ.run(Clients(recorder.url))
    assert [request.access_key for request in recorder.taken()] == ["sandbox"]


def test_nothing_in_the_persons_aws_settings_keeps_us_from_the_sandbox(
    recorder: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default\nendpoint_url = http://127.0.0.1:1")
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = person\n")
    READ.run(Clients(recorder.url))
    assert [request.access_key for request in recorder.taken()] == ["sandbox"]


def test_a_profile_of_the_persons_own_is_used(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(
        f"[profile work]\naws_access_key_id = worker\naws_secret_access_key = s\n"
        f"endpoint_url = {recorder.url}\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "work")
    READ.run(Clients())
    assert [request.access_key for request in recorder.taken()] == ["worker"]


def identity(request: Request) -> Reply:
    result = "<Account>123456789012</Account><Arn>arn:aws:iam::1:user/u</Arn><UserId>U</UserId>"
    return Reply(
        200,
        "<GetCallerIdentityResponse><GetCallerIdentityResult>"
        f"{result}</GetCallerIdentityResult></GetCallerIdentityResponse>",
    )


def test_who_we_are_is_asked_once(recorder: Recorder) -> None:
    recorder.answer = identity
    clients = Clients(recorder.url)
    expected = Identity("123456789012", "arn:aws:iam::1:user/u", "U")
    assert [clients.identity(REGION), clients.identity(REGION)] == [expected, expected]
    assert [request.operation for request in recorder.taken()] == ["GetCallerIdentity"]


def test_what_is_meant_for_one_account_is_not_sent_with_the_credentials_of_another(
    recorder: Recorder,
) -> None:
    recorder.answer = identity
    clients = Clients(recorder.url)
    clients.expect("999999999999")
    for _ in range(2):
        with pytest.raises(AwsError, match="for the account 123456789012, not for 999999999999"):
            READ.run(clients)
    assert [request.operation for request in recorder.taken()] == ["GetCallerIdentity"]


def test_a_failure_to_learn_who_we_are_is_not_remembered(recorder: Recorder) -> None:
    clients = Clients(recorder.url)
    recorder.answer = lambda request: Reply(403, ec2_error("ExpiredToken").body)
    with pytest.raises(AwsError):
        clients.identity(REGION)
    recorder.answer = identity
    assert clients.identity(REGION).account == "123456789012"


def test_a_client_is_made_once_for_each_service_region_and_way_of_repeating(
    recorder: Recorder,
) -> None:
    clients = Clients(recorder.url)
    first = clients.client("ec2", REGION, "read")
    assert clients.client("ec2", REGION, "read") is first
    others = [
        clients.client("ec2", REGION, "once"),
        clients.client("ec2", "eu-west-1", "read"),
        clients.client("sns", REGION, "read"),
    ]
    assert len({id(client) for client in [first, *others]}) == 4


def test_threads_that_ask_at_once_share_a_client(recorder: Recorder) -> None:
    clients = Clients(recorder.url)
    made: list[int] = []
    threads = [
        threading.Thread(target=lambda: made.append(id(clients.client("sqs", REGION))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(made)) == 1


@pytest.mark.parametrize(
    ("repeat", "attempts", "seconds"),
    [("read", 5, 20), ("look", 2, 10), ("safe", 3, 10), ("token", 3, 10), ("once", 1, 10)],
)
def test_patience_depends_on_who_waits(
    repeat: Repeat, attempts: int, seconds: int, recorder: Recorder
) -> None:
    config = Clients(recorder.url).client("ec2", REGION, repeat).meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, seconds)
    assert config.retries["total_max_attempts"] == attempts


def test_a_read_that_a_request_waits_for_is_made_with_less_patience(
    clients: Clients, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    make = clients.client

    def client(service: str, region: str, repeat: Repeat = "read") -> Any:
        asked.append(repeat)
        return make(service, region, repeat)

    monkeypatch.setattr(clients, "client", client)
    READ.run(clients)
    with turns.serving():
        READ.run(clients)
        Call("ec2", "DeleteVolume", REGION, {"VolumeId": "vol-1"}).run(clients)
    READ.run(clients)
    assert asked == ["read", "look", "safe", "read"]


def honours(request: Request) -> Reply:
    if request.parameters.get("DryRun") == "true":
        return ec2_error("DryRunOperation", status=412)
    return success(request)


def test_dry_runs_are_trusted_on_aws_and_the_sandbox_without_asking(
    recorder: Recorder, clients: Clients, credentials: None
) -> None:
    assert clients.dry_run_works(REGION, "RunInstances")
    assert Clients().dry_run_works(REGION, "RunInstances")
    assert recorder.taken() == []


def test_elsewhere_the_endpoint_is_asked_once_with_a_harmless_call(
    elsewhere: Clients, recorder: Recorder
) -> None:
    recorder.answer = honours
    assert elsewhere.dry_run_works(REGION, "RunInstances")
    assert elsewhere.dry_run_works(REGION, "TerminateInstances")
    assert [request.operation for request in recorder.taken()] == ["DescribeInstances"]


@pytest.mark.parametrize(
    "answer", [success, lambda request: ec2_error("UnauthorizedOperation", status=403)]
)
def test_an_endpoint_that_ignores_dry_run_or_proves_nothing_is_not_trusted(
    answer, elsewhere: Clients, recorder: Recorder
) -> None:
    recorder.answer = answer
    assert not elsewhere.dry_run_works(REGION, "RunInstances")
    assert not elsewhere.dry_run_works(REGION, "RunInstances")
    assert len(recorder.taken()) == 1


def test_operations_that_emulators_are_known_to_execute_are_not_trusted(
    elsewhere: Clients, recorder: Recorder
) -> None:
    recorder.answer = honours
    assert not elsewhere.dry_run_works(REGION, "ModifyInstanceAttribute")


def test_an_endpoint_that_does_not_answer_is_asked_again(
    elsewhere: Clients, recorder: Recorder
) -> None:
    recorder.answer = lambda request: ec2_error("ExpiredToken", status=403)
    with pytest.raises(AwsError):
        elsewhere.dry_run_works(REGION, "RunInstances")
    recorder.answer = honours
    assert elsewhere.dry_run_works(REGION, "RunInstances")
