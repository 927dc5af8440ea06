"""Every way in which a call can fail becomes one AwsError that tells a person what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as boto
from botocore.retries.standard import ExponentialBackoff

from app.aws import clients as clients_module
from app.aws import images, snapshots, volumes
from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.errors import STATUS, AwsError, from_boto
from tests.aws.recorder import Recorder, Reply, Request, ec2_error
from tests.aws.samples import REGION
from tests.aws.wire import Behaviour, Wire, answer, close, hang, reset

ROOT = Path(__file__).resolve().parent.parent.parent
READ = Call("ec2", "DescribeVolumes", REGION)
SAFE = volumes.delete_volume(REGION, "vol-1")
TOKEN = volumes.create_volume(REGION, volumes.NewVolume("us-east-1a", "gp3", "token", 8))
ONCE = Call("ec2", "CreateSnapshot", REGION, {"VolumeId": "vol-1"})
XML_503 = ec2_error("Unavailable", status=503).body
THROTTLED = ec2_error("RequestLimitExceeded", status=503).body
HTML = "<!DOCTYPE html><html><body>Bad Gateway, BEGIN RSA PRIVATE KEY</body></html>"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between attempts, and little for an answer."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0)
    monkeypatch.setattr(clients_module, "READ_SECONDS", 0.3)


def failure(call: Call, url: str) -> AwsError:
    with pytest.raises(AwsError) as caught:
        call.run(Clients(url))
    return caught.value


@pytest.mark.parametrize(
    ("behaviour", "trouble"),
    [
        (reset, "uncertain"),
        (close, "uncertain"),
        (hang, "uncertain"),
        (answer(500, HTML, "text/html"), "uncertain"),
        (answer(502, "<html><body>Bad Gateway</body></html>", "text/html"), "uncertain"),
        (answer(200, "<cut", "text/xml"), "uncertain"),
        (answer(503, ""), "uncertain"),
        (answer(503, XML_503), "uncertain"),
        (answer(503, THROTTLED), "throttled"),
        (answer(429, ec2_error("SlowDownPlease").body), "throttled"),
        (answer(400, ec2_error("VolumeInUse").body), "conflict"),
    ],
)
def test_a_create_without_token_is_sent_once_whatever_happens(
    behaviour: Behaviour, trouble: str
) -> None:
    with Wire(behaviour) as wire:
        error = failure(ONCE, wire.url)
        assert (error.trouble, wire.attempts) == (trouble, 1)
        assert error.status == STATUS[trouble]


@pytest.mark.parametrize(
    ("call", "attempts"),
    [(READ, 5), (SAFE, 3), (TOKEN, 3), (ONCE, 1)],
    ids=["read", "safe", "token", "once"],
)
@pytest.mark.parametrize("behaviour", [reset, answer(503, XML_503), answer(503, THROTTLED)])
def test_how_often_a_call_is_tried_goes_by_its_kind(
    call: Call, attempts: int, behaviour: Behaviour
) -> None:
    with Wire(behaviour) as wire:
        failure(call, wire.url)
        assert wire.attempts == attempts


def test_a_refused_connection_means_that_nothing_was_done() -> None:
    error = failure(ONCE, "http://127.0.0.1:1")
    assert (error.trouble, error.code, error.status) == (
        "unreachable",
        "EndpointConnectionError",
        424,
    )
    assert error.advice.startswith("Nothing was done.")
    assert not error.may_have_happened


def test_a_lost_answer_means_that_it_may_have_been_done() -> None:
    with Wire(reset) as wire:
        error = failure(ONCE, wire.url)
    assert error.may_have_happened
    assert "may have been done" in error.advice
    assert (error.service, error.operation, error.region) == ("ec2", "CreateSnapshot", REGION)


def test_a_lost_answer_to_a_read_changes_nothing() -> None:
    with Wire(reset) as wire:
        error = failure(READ, wire.url)
    assert error.trouble == "uncertain"
    assert not error.may_have_happened
    assert error.advice == "No answer came that could be understood. Try again in a while."


@pytest.mark.parametrize(
    "last", [answer(503, THROTTLED), answer(429, ec2_error("SlowDownPlease").body)]
)
@pytest.mark.parametrize("first", [reset, hang, answer(503, XML_503)])
def test_a_clear_last_answer_does_not_clear_up_a_lost_earlier_one(
    first: Behaviour, last: Behaviour
) -> None:
    """The first CreateVolume may have been carried out, though the last was throttled."""
    with Wire(first, last) as wire:
        error = failure(TOKEN, wire.url)
        assert wire.attempts == 3
    assert error.trouble == "uncertain"


def test_a_connection_refused_after_a_lost_answer_is_no_proof_that_nothing_was_done() -> None:
    def reset_and_go(connection, wire):
        reset(connection, wire)
        wire.refuse()

    with Wire(reset_and_go) as wire:
        error = failure(TOKEN, wire.url)
    assert error.trouble == "uncertain"


def test_doubt_does_not_outlive_its_call() -> None:
    with Wire(reset, reset, reset, answer(503, THROTTLED)) as wire:
        clients = Clients(wire.url)
        troubles = []
        for _ in range(2):
            with pytest.raises(AwsError) as caught:
                TOKEN.run(clients)
            troubles.append(caught.value.trouble)
    assert troubles == ["uncertain", "throttled"]


def test_reads_that_are_throttled_stay_throttled_so_that_the_collector_slows_down() -> None:
    with Wire(reset, answer(503, THROTTLED)) as wire:
        assert failure(READ, wire.url).trouble == "throttled"


@pytest.mark.parametrize("call", [READ, ONCE, Call("sqs", "ListQueues", REGION)])
def test_the_page_of_a_web_server_does_not_pass_for_an_empty_answer(call: Call) -> None:
    with Wire(answer(200, "<html><body>Welcome!</body></html>", "text/html")) as wire:
        error = failure(call, wire.url)
    assert (error.trouble, error.code) == ("uncertain", "ResponseParserError")


@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize(
    "body",
    [
        "<PublishResponse><ResponseMetadata>x</ResponseMetadata></PublishResponse>",
        "<ErrorResponse><Error/></ErrorResponse>",
        "<ErrorResponse><Error>x</Error></ErrorResponse>",
        "<ErrorResponse><Error><Code><a/></Code></Error></ErrorResponse>",
    ],
)
def test_an_answer_that_botocore_stumbles_over_is_one_that_cannot_be_read(
    body: str, status: int
) -> None:
    topic = f"arn:aws:sns:{REGION}:123456789012:t"
    publish = Call("sns", "Publish", REGION, {"TopicArn": topic, "Message": "m"})
    with Wire(answer(status, body)) as wire:
        error = failure(publish, wire.url)
    assert error.may_have_happened
    assert wire.attempts == 1


def test_an_answer_that_cannot_be_read_is_not_repeated_to_people() -> None:
    with Wire(answer(200, HTML, "text/html")) as wire:
        error = failure(ONCE, wire.url)
    assert "PRIVATE KEY" not in str(error)
    assert error.message == "The endpoint's answer could not be read: it is not in AWS's form."


CODES = [
    ("RequestLimitExceeded", 503, "throttled"),
    ("SnapshotCreationPerVolumeRateExceeded", 400, "throttled"),
    ("Throttled", 429, "throttled"),
    ("UnauthorizedOperation", 403, "refused"),
    ("AuthorizationError", 403, "refused"),
    ("KMSAccessDenied", 400, "refused"),
    ("ExpiredToken", 403, "credentials"),
    ("InvalidClientTokenId", 403, "credentials"),
    ("RequestExpired", 400, "credentials"),
    ("InvalidInstanceID.NotFound", 400, "missing"),
    ("NotFound", 404, "missing"),
    ("AWS.SimpleQueueService.NonExistentQueue", 400, "missing"),
    ("InvalidSnapshot.InUse", 400, "conflict"),
    ("VolumeInUse", 400, "conflict"),
    ("IncorrectInstanceState", 400, "conflict"),
    ("IncorrectState", 400, "conflict"),
    ("InvalidAMIName.Duplicate", 400, "conflict"),
    ("InvalidKeyPair.Duplicate", 400, "conflict"),
    ("OperationNotPermitted", 400, "conflict"),
    ("UnsupportedOperation", 400, "conflict"),
    ("IdempotentParameterMismatch", 400, "conflict"),
    ("DependencyViolation", 400, "conflict"),
    ("AWS.SimpleQueueService.QueueDeletedRecently", 400, "conflict"),
    ("QueueNameExists", 400, "conflict"),
    ("InsufficientInstanceCapacity", 500, "limit"),
    ("InsufficientFreeAddressesInSubnet", 400, "limit"),
    ("InstanceLimitExceeded", 400, "limit"),
    ("VcpuLimitExceeded", 400, "limit"),
    ("ConcurrentSnapshotLimitExceeded", 400, "limit"),
    ("TopicLimitExceeded", 403, "limit"),
    ("InvalidAction", 400, "unsupported"),
    ("InvalidParameterValue", 400, "invalid"),
    ("InvalidAMIID.Malformed", 400, "invalid"),
    ("InternalError", 500, "uncertain"),
    ("InternalFailure", 500, "uncertain"),
    ("SomethingNew", 400, "invalid"),
    ("SomethingNew", 200, "other"),
]


def answered(code: str, status: int, message: str = "said AWS") -> AwsError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r-9"},
    }
    return from_boto(boto.ClientError(response, "RunInstances"), "ec2", "RunInstances", REGION)


@pytest.mark.parametrize(("code", "status", "trouble"), CODES)
def test_what_a_code_of_aws_amounts_to(code: str, status: int, trouble: str) -> None:
    error = answered(code, status)
    assert error.trouble == trouble
    assert (error.code, error.message, error.request_id) == (code, "said AWS", "r-9")
    assert 400 <= error.status < 500


def test_every_trouble_has_a_4xx_status_and_advice() -> None:
    trouble: Any  # STATUS is keyed by plain str
    for trouble, status in STATUS.items():
        assert 400 <= status < 500
        error = AwsError(trouble, "Code", "Message", "ec2", "RunInstances", REGION)
        assert "{" not in error.advice
        assert bool(error.advice) == (trouble != "other")


def test_auth_failure_means_credentials_only_where_it_says_so() -> None:
    bad = answered("AuthFailure", 401, "AWS was not able to validate the provided credentials")
    foreign = answered("AuthFailure", 403, "Not authorized for images: [ami-1]")
    assert (bad.trouble, foreign.trouble) == ("credentials", "refused")


def test_the_advice_names_the_permission_that_aws_says_is_missing() -> None:
    message = (
        "You are not authorized to perform this operation. User: arn:aws:iam::1:user/u is not "
        "authorized to perform: ec2:CreateTags on resource: arn:aws:ec2:::instance/*"
    )
    error = answered("UnauthorizedOperation", 403, message)
    assert error.advice == "Ask for the permission ec2:CreateTags for this identity."
    assert "ec2:RunInstances" in answered("UnauthorizedOperation", 403).advice


def test_an_encoded_message_is_kept_apart() -> None:
    message = "You are not authorized. Encoded authorization failure message: abcDEF"
    error = answered("UnauthorizedOperation", 403, message)
    assert (error.message, error.encoded) == ("You are not authorized.", "abcDEF")


def test_an_error_says_what_failed_and_where() -> None:
    assert str(answered("VolumeInUse", 400)) == (
        "VolumeInUse: said AWS (ec2:RunInstances in us-east-1)"
    )


def test_errors_can_be_kept_in_sets() -> None:
    error = answered("VolumeInUse", 400)
    assert error in {error}


def test_a_parameter_that_botocore_refuses_is_invalid_and_was_not_sent(
    recorder: Recorder, clients: Clients
) -> None:
    call = images.create_image(REGION, "i-1", "ab", "", False, {})
    with pytest.raises(AwsError, match="valid min length: 3") as caught:
        call.run(clients)
    assert (caught.value.trouble, caught.value.status) == ("invalid", 422)
    assert recorder.taken() == []


def test_a_parameter_of_none_is_invalid(recorder: Recorder, clients: Clients) -> None:
    call = Call("ec2", "CreateSnapshot", REGION, {"VolumeId": None})
    with pytest.raises(AwsError, match="Invalid type for parameter VolumeId") as caught:
        call.run(clients)
    assert caught.value.trouble == "invalid"


PROFILES = {
    "no credentials at all": "",
    "a profile without its source": "[default]\nrole_arn = arn:aws:iam::1:role/r\n",
    "a source profile that is gone": (
        "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = gone\n"
    ),
    "a single sign-on never signed in to": (
        "[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
        "[sso-session s]\nsso_start_url = https://sso.invalid/start\nsso_region = us-east-1\n"
    ),
    "a program that is not there": "[default]\ncredential_process = /nowhere/program\n",
    "a program that fails": "[default]\ncredential_process = false\n",
    "a program that gives no JSON": "[default]\ncredential_process = echo hello\n",
    "a file that does not parse": "[default\n",
}


@pytest.mark.parametrize("config", PROFILES.values(), ids=PROFILES)
def test_without_usable_credentials_it_says_so(
    config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorder: Recorder
) -> None:
    (tmp_path / "config").write_text(config)
    monkeypatch.setenv("AWS_ENDPOINT_URL", recorder.url)
    with pytest.raises(AwsError) as caught:
        READ.run(Clients())
    assert (caught.value.trouble, caught.value.status) == ("credentials", 403)
    assert "aws sso login" in caught.value.advice
    assert recorder.taken() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_PROFILE", "nobody"),
        ("AWS_ACCESS_KEY_ID", "half"),
    ],
)
def test_half_of_the_credentials_are_none(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(AwsError) as caught:
        READ.run(Clients())
    assert caught.value.trouble == "credentials"


def test_an_endpoint_that_is_no_url_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "no url")
    with pytest.raises(AwsError, match="Invalid endpoint: no url") as caught:
        READ.run(Clients())
    assert caught.value.trouble == "unreachable"


def sns_error(request: Request) -> Reply:
    error = "<Error><Type>Sender</Type><Code>NotFound</Code><Message>gone</Message></Error>"
    return Reply(404, f"<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>")


def sqs_error(request: Request) -> Reply:
    kind = "com.amazonaws.sqs#QueueDoesNotExist"
    return Reply(400, json.dumps({"__type": kind, "message": "gone"}))


@pytest.mark.parametrize(
    ("reply", "call"),
    [
        (sns_error, Call("sns", "GetTopicAttributes", REGION, {"TopicArn": "arn:aws:sns:::t"})),
        (sqs_error, Call("sqs", "GetQueueUrl", REGION, {"QueueName": "q"})),
    ],
    ids=["sns", "sqs"],
)
def test_the_errors_of_sns_and_sqs_are_understood_too(
    reply, call: Call, recorder: Recorder, clients: Clients
) -> None:
    recorder.answer = reply
    with pytest.raises(AwsError) as caught:
        call.run(clients)
    assert (caught.value.trouble, caught.value.message) == ("missing", "gone")


def test_a_snapshot_of_a_volume_that_is_gone_is_missing(
    recorder: Recorder, clients: Clients
) -> None:
    recorder.answer = lambda request: ec2_error("InvalidVolume.NotFound", "no such volume")
    with pytest.raises(AwsError) as caught:
        snapshots.create_snapshot(REGION, "vol-1", "", {}, "request").run(clients)
    assert (caught.value.trouble, caught.value.request_id) == ("missing", "r-9")
    assert [request.operation for request in recorder.taken()] == ["CreateSnapshot"]


def test_a_role_that_ended_credentials_cannot_assume_needs_a_sign_in_and_no_other_policy() -> None:
    error = AwsError("credentials", "ExpiredToken", "It has expired", "sts", "AssumeRole", REGION)
    assert error.advice.startswith("Sign in to AWS again")


def test_codes_of_our_own_are_shown_to_nobody() -> None:
    sources = [path.read_text() for path in (ROOT / "app").rglob("*.py")]
    made = {
        code for source in sources for code in re.findall(r'AwsError\(\s*"\w+",\s*"(\w+)"', source)
    }
    assert len(made) > 5
    assert {AwsError("refused", code, "why").shown_code for code in made} == {""}
    assert AwsError("refused", "AccessDenied", "why").shown_code == "AccessDenied"
