"""One EC2 server for all tests here, spoken to by boto3; each test gets an empty account."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.serving import WSGIRequestHandler, make_server

from app.sandbox import account, catalogue, clock, moto_import
from app.sandbox.ec2 import install
from app.sandbox.settings import SandboxSettings

# an account of its own: what is installed for it does not change the sandboxes of other tests
SETTINGS = SandboxSettings(account_id="313131313131", vcpu_limit=64)
REGION = "us-east-1"
ZONE, OTHER_ZONE = "us-east-1a", "us-east-1b"


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def ec2_url() -> Iterator[str]:
    catalogue.install()
    install(SETTINGS)
    moto_app = moto_import.flask_app("ec2")

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = SETTINGS.account_id
        with account.LOCK:
            return list(moto_app(environ, start_response))

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def make_client(ec2_url: str) -> Callable[[str], Any]:
    def make(region: str) -> Any:
        return boto3.client(
            "ec2",
            region_name=region,
            endpoint_url=ec2_url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            # What is sent is judged by the sandbox, not by boto3 beforehand.
            config=Config(
                parameter_validation=False,
                retries={"total_max_attempts": 1, "mode": "standard"},
            ),
        )

    return make


@pytest.fixture(scope="session")
def _client(make_client: Callable[[str], Any]) -> Any:
    return make_client(REGION)


@pytest.fixture
def ec2(_client: Any) -> Iterator[Any]:
    """A boto3 client of an empty account, at the real time."""
    install(SETTINGS)
    account.forget(SETTINGS.account_id)
    clock.reset()
    yield _client
    account.forget(SETTINGS.account_id)
    clock.reset()


@pytest.fixture
def backend(ec2: Any) -> Any:
    """moto's backend behind the client."""
    return account.backend("ec2", SETTINGS.account_id, REGION)


@pytest.fixture
def refusal() -> Callable[..., tuple[str, str]]:
    """Call an operation that has to be refused with HTTP 400; gives the code and the message."""

    def refused(operation: Any, status: int = 400, **params: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            operation(**params)
        answer = caught.value.response
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
        return answer["Error"]["Code"], answer["Error"]["Message"]

    return refused


UBUNTU = catalogue.find("noble-24.04-amd64").image_id(REGION)
UBUNTU_ARM = catalogue.find("noble-24.04-arm64").image_id(REGION)
INSTANCE_STORE = catalogue.find("hvm-instance").image_id(REGION)


@pytest.fixture
def launch(ec2: Any) -> Callable[..., Any]:
    """Launch one t3.micro (or what is asked) and let it come to run; gives the instance."""

    def run(settled: bool = True, **params: Any) -> Any:
        asked = {
            "ImageId": UBUNTU,
            "InstanceType": "t3.micro",
            "MinCount": 1,
            "MaxCount": 1,
            "Placement": {"AvailabilityZone": ZONE},
        } | params
        found = ec2.run_instances(**asked)["Instances"][0]
        if settled:
            clock.advance(SETTINGS.instance_pending)
        return found

    return run


@pytest.fixture
def make_volume(ec2: Any) -> Callable[..., str]:
    """Create a volume of 10 GiB (or what is asked) and let it become available; gives its id."""

    def make(settled: bool = True, **params: Any) -> str:
        asked = {"AvailabilityZone": ZONE, "Size": 10, "VolumeType": "gp3"} | params
        if "SnapshotId" in params and "Size" not in params:
            del asked["Size"]
        volume_id = ec2.create_volume(**asked)["VolumeId"]
        if settled:
            clock.advance(SETTINGS.volume_creating)
        return str(volume_id)

    return make
