"""A call as data: run, checked, found again, read page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from botocore.retries.standard import ExponentialBackoff

from app.aws import call as call_module
from app.aws import images, instances, snapshots, volumes
from app.aws.call import Call, check, plain
from app.aws.clients import Clients
from app.aws.errors import AwsError
from tests.aws.recorder import Recorder, Reply, Request, ec2_error, success
from tests.aws.samples import REGION, TOPIC

SNAPSHOT = snapshots.create_snapshot(REGION, "vol-1", "", {"Name": "n"}, "request-1")
LOST = ec2_error("InternalError", status=500)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between attempts."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0)


@pytest.fixture
def elsewhere(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Clients:
    """Clients that reach the recorder as an endpoint that is neither AWS nor the sandbox."""
    for name, value in {
        "AWS_ENDPOINT_URL": recorder.url,
        "AWS_ACCESS_KEY_ID": "person",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    return Clients()


def operations(recorder: Recorder) -> list[str]:
    return [request.operation for request in recorder.taken()]


def test_an_operation_that_is_not_in_the_list_cannot_become_a_call() -> None:
    with pytest.raises(ValueError, match=r"ec2:DeleteVpc is not in app/aws/operations\.py"):
        Call("ec2", "DeleteVpc", REGION)


def test_running_gives_the_answer_as_plain_data(recorder: Recorder, clients: Clients) -> None:
    recorder.answer = lambda request: Reply(
        200,
        "<CreateSnapshotResponse><requestId>r</requestId><snapshotId>snap-1</snapshotId>"
        "<startTime>2026-01-02T03:04:05.000Z</startTime></CreateSnapshotResponse>",
    )
    assert SNAPSHOT.run(clients) == {"SnapshotId": "snap-1", "StartTime": "2026-01-02T03:04:05Z"}


# When the answer of a create got lost


def found(request: Request) -> Reply:
    if request.operation == "CreateSnapshot":
        return LOST
    return Reply(
        200,
        "<DescribeSnapshotsResponse><snapshotSet><item><snapshotId>snap-1</snapshotId>"
        "</item></snapshotSet></DescribeSnapshotsResponse>",
    )


def test_a_snapshot_whose_answer_got_lost_is_found_by_its_tag_and_not_made_twice(
    recorder: Recorder, clients: Clients
) -> None:
    recorder.answer = found
    answer = SNAPSHOT.run(clients)
    assert answer == {"Found": [{"SnapshotId": "snap-1"}]}
    assert SNAPSHOT.made(answer) == [{"SnapshotId": "snap-1"}]
    create, look = recorder.taken()
    assert (create.operation, look.operation) == ("CreateSnapshot", "DescribeSnapshots")
    assert look.parameters == {
        "Owner.1": "self",
        "Filter.1.Name": "tag:encante:request",
        "Filter.1.Value.1": "request-1",
    }


def test_what_is_not_found_stays_in_doubt(recorder: Recorder, clients: Clients) -> None:
    recorder.answer = lambda request: (
        LOST if request.operation == "CreateSnapshot" else success(request)
    )
    with pytest.raises(AwsError) as caught:
        SNAPSHOT.run(clients)
    assert (caught.value.operation, caught.value.trouble) == ("CreateSnapshot", "uncertain")
    assert operations(recorder) == ["CreateSnapshot", "DescribeSnapshots"]


def test_a_look_that_fails_leaves_the_create_in_doubt(recorder: Recorder, clients: Clients) -> None:
    recorder.answer = lambda request: (
        LOST
        if request.operation == "CreateSnapshot"
        else ec2_error("UnauthorizedOperation", status=403)
    )
    with pytest.raises(AwsError) as caught:
        SNAPSHOT.run(clients)
    assert (caught.value.operation, caught.value.trouble) == ("CreateSnapshot", "uncertain")


def test_a_create_that_was_refused_is_not_looked_for(recorder: Recorder, clients: Clients) -> None:
    recorder.answer = lambda request: ec2_error("InvalidVolume.NotFound")
    with pytest.raises(AwsError):
        SNAPSHOT.run(clients)
    assert operations(recorder) == ["CreateSnapshot"]


@pytest.mark.parametrize(
    "call",
    [
        SNAPSHOT,
        images.create_image(REGION, "i-1", "lj_test", "", True, {}),
        images.register_image(REGION, "lj_test", "", "x86_64", "/dev/xvda", {}, "", {}),
        instances.run_instances(REGION, instances.Launch("ami-1", "t3.micro", 1, 2, "token")),
    ],
)
def test_the_look_for_a_lost_create_is_a_read_that_botocore_takes(
    call: Call, recorder: Recorder, clients: Clients
) -> None:
    assert call.find_again is not None
    look = Call(call.service, call.find_again[0], call.region, call.find_again[1])
    assert look.entry.repeat == "read"
    look.run(clients)
    assert operations(recorder) == [call.find_again[0]]


def test_wildcards_in_an_images_name_do_not_find_other_images(
    recorder: Recorder, clients: Clients
) -> None:
    call = images.create_image(REGION, "i-1", "a*b?c\\d", "", True, {})
    recorder.answer = lambda request: (
        LOST if request.operation == "CreateImage" else success(request)
    )
    with pytest.raises(AwsError):
        call.run(clients)
    look = recorder.taken()[-1]
    assert look.parameters["Filter.1.Value.1"] == "a\\*b\\?c\\\\d"


# Dry runs


def dry(code: str, status: int = 412):
    """Honours DryRun; answers a dry run of anything but the probe with ``code``."""

    def answer(request: Request) -> Reply:
        assert request.parameters.get("DryRun") == "true"
        if request.operation == "DescribeInstances":
            return ec2_error("DryRunOperation", status=412)
        return ec2_error(code, "because", status=status)

    return answer


@pytest.mark.parametrize(
    ("code", "status", "verdict", "words"),
    [
        ("DryRunOperation", 412, "allowed", "you have the permission"),
        ("UnauthorizedOperation", 403, "refused", "Ask for the permission ec2:DeleteVolume"),
        ("ExpiredToken", 403, "refused", "Sign in to AWS again"),
        ("InvalidVolume.NotFound", 400, "invalid", "InvalidVolume.NotFound: because"),
        ("InvalidParameterValue", 400, "invalid", "Correct the value"),
        ("RequestLimitExceeded", 503, "unknown", "RequestLimitExceeded: because"),
        ("InternalError", 500, "unknown", "InternalError: because"),
    ],
)
def test_a_check_says_what_aws_would_do(
    code: str, status: int, verdict: str, words: str, recorder: Recorder, clients: Clients
) -> None:
    recorder.answer = dry(code, status)
    result = check(volumes.delete_volume(REGION, "vol-1"), clients)
    assert result.verdict == verdict
    assert words in result.why
    assert {request.operation for request in recorder.taken()} == {"DeleteVolume"}


def test_an_emulator_that_ignores_dry_run_is_sent_nothing_that_changes_anything(
    elsewhere: Clients, recorder: Recorder
) -> None:
    call = instances.terminate_instance(REGION, "i-1")
    for _ in range(2):
        result = check(call, elsewhere)
        assert (result.call, result.verdict) == (call, "unknown")
        assert "does not honour DryRun" in result.why
    assert operations(recorder) == ["DescribeInstances"]


def test_an_emulator_that_honours_dry_run_is_asked(elsewhere: Clients, recorder: Recorder) -> None:
    recorder.answer = dry("DryRunOperation")
    assert check(instances.terminate_instance(REGION, "i-1"), elsewhere).verdict == "allowed"
    assert operations(recorder) == ["DescribeInstances", "TerminateInstances"]


def test_taking_protection_off_is_not_checked_where_it_might_be_done(
    elsewhere: Clients, recorder: Recorder
) -> None:
    recorder.answer = dry("DryRunOperation")
    assert check(instances.set_protection(REGION, "i-1", False), elsewhere).verdict == "unknown"
    assert operations(recorder) == []


def test_a_dry_run_that_was_carried_out_all_the_same_is_told(
    recorder: Recorder, clients: Clients
) -> None:
    result = check(volumes.delete_volume(REGION, "vol-1"), clients)
    assert result.verdict == "unknown"
    assert "as if this had been carried out" in result.why


def test_services_without_dry_run_are_sent_nothing(recorder: Recorder, clients: Clients) -> None:
    result = check(Call("sns", "DeleteTopic", REGION, {"TopicArn": TOPIC}), clients)
    assert (result.verdict, result.why) == ("unknown", "SNS offers no dry run.")
    assert recorder.taken() == []


def test_a_check_without_credentials_tells_so(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", recorder.url)
    result = check(volumes.delete_volume(REGION, "vol-1"), Clients())
    assert result.verdict == "refused"
    assert "NoCredentialsError" in result.why


def test_a_check_of_bad_parameters_is_invalid(recorder: Recorder, clients: Clients) -> None:
    result = check(Call("ec2", "DeleteVolume", REGION, {"VolumeId": 7}), clients)
    assert result.verdict == "invalid"
    assert "Invalid type for parameter VolumeId" in result.why
    assert recorder.taken() == []


# Paging


def volume_pages(tokens: list[str | None]):
    """Answers page by page; ``tokens`` are those that lead to the next."""
    remaining = iter(tokens)

    def answer(request: Request) -> Reply:
        token = next(remaining)
        more = f"<nextToken>{token}</nextToken>" if token is not None else ""
        return Reply(200, f"<DescribeVolumesResponse><volumeSet/>{more}</DescribeVolumesResponse>")

    return answer


def test_pages_are_read_to_the_end(recorder: Recorder, clients: Clients) -> None:
    recorder.answer = volume_pages(["a", "b", None])
    call = Call("ec2", "DescribeVolumes", REGION, {"MaxResults": 500})
    assert len(list(call.pages(clients))) == 3
    sent = [request.parameters for request in recorder.taken()]
    assert sent == [
        {"MaxResults": "500"},
        {"MaxResults": "500", "NextToken": "a"},
        {"MaxResults": "500", "NextToken": "b"},
    ]
    assert call.parameters == {"MaxResults": 500}


def test_an_empty_token_is_the_end(recorder: Recorder, clients: Clients) -> None:
    recorder.answer = volume_pages([""])
    assert len(list(Call("ec2", "DescribeVolumes", REGION).pages(clients))) == 1


@pytest.mark.parametrize("tokens", [["a", "a"], ["a", "b", "a"]])
def test_a_token_that_comes_twice_is_an_error_and_no_endless_loop(
    tokens: list[str | None], recorder: Recorder, clients: Clients
) -> None:
    recorder.answer = volume_pages(tokens)
    with pytest.raises(AwsError, match="does not come to an end"):
        list(Call("ec2", "DescribeVolumes", REGION).pages(clients))
    assert len(recorder.taken()) == len(tokens)


def test_ever_new_tokens_come_to_an_end(
    recorder: Recorder, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_module, "MOST_PAGES", 5)
    recorder.answer = volume_pages([str(number) for number in range(20)])
    with pytest.raises(AwsError, match="after 6 pages"):
        list(Call("ec2", "DescribeVolumes", REGION).pages(clients))
    assert len(recorder.taken()) == 6


def test_a_failure_between_pages_is_not_taken_for_the_end(
    recorder: Recorder, clients: Clients
) -> None:
    first = volume_pages(["a"])
    recorder.answer = lambda request: (
        ec2_error("UnauthorizedOperation", status=403)
        if "NextToken" in request.parameters
        else first(request)
    )
    pages = Call("ec2", "DescribeVolumes", REGION).pages(clients)
    next(pages)
    with pytest.raises(AwsError, match="UnauthorizedOperation"):
        next(pages)


def test_an_operation_without_paging_is_one_page(recorder: Recorder, clients: Clients) -> None:
    assert len(list(Call("ec2", "DescribeKeyPairs", REGION).pages(clients))) == 1
    assert recorder.taken()[0].parameters == {}


# Plain data


def test_answers_become_json_data() -> None:
    east = timezone(timedelta(hours=2))
    answer = {
        "ResponseMetadata": {"RequestId": "r"},
        "Times": [datetime(2026, 1, 2, 3, 4, 5, tzinfo=east), datetime(2026, 1, 2, tzinfo=UTC)],
        "Naive": datetime(2026, 1, 2, 3, 4, 5, 678000),  # noqa: DTZ001 - emulators give such
        "Bytes": b"\x00\xff",
        "Nested": {"ResponseMetadata": 1, "Tuple": (1, None, True, 1.5, "é")},
    }
    assert plain(answer) == {
        "Times": ["2026-01-02T01:04:05Z", "2026-01-02T00:00:00Z"],
        "Naive": "2026-01-02T03:04:05.678000Z",
        "Bytes": "AP8=",
        "Nested": {"Tuple": [1, None, True, 1.5, "é"]},
    }


# What a create makes


def test_what_is_made_holds_what_the_answer_leaves_out() -> None:
    call = images.create_image(REGION, "i-1", "lj_test", "d", True, {"Name": "n"})
    (image,) = call.made({"ImageId": "ami-1"})
    assert (image["ImageId"], image["Name"]) == ("ami-1", "lj_test")


def test_a_call_that_makes_nothing_made_nothing() -> None:
    assert volumes.delete_volume(REGION, "vol-1").made({"Return": True}) == []
