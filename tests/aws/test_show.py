"""What is shown does what the button does: the very same requests, whatever the values."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.aws import instances, snapshots, tags
from app.aws.call import Call, Plan
from app.aws.clients import Clients, Endpoint
from app.aws.operations import OPERATIONS
from app.aws.show import as_boto3, as_cli, as_words
from tests.aws.recorder import Recorder, Reply, Request, ec2_error
from tests.aws.samples import HOSTILE, QUEUE, REGION, TOPIC, filled, hostile
from tests.aws.shell import parsed_by, run_cli, run_python

AWS = Endpoint("aws")
# Where the hostile texts begin: from each, they meet other parameters.
ROUNDS = range(0, len(HOSTILE), 16)


def sandbox(recorder: Recorder) -> Endpoint:
    return Endpoint("sandbox", recorder.url)


def plan(*calls: Call) -> Plan:
    return Plan("A plan", calls)


def sent_by_buttons(calls: Sequence[Call], clients: Clients, recorder: Recorder) -> list[Request]:
    for call in calls:
        call.run(clients)
    sent = recorder.taken()
    assert [request.operation for request in sent] == [call.operation for call in calls]
    return sent


def test_the_samples_hold_every_operation_that_changes_something() -> None:
    changing = {name for name, entry in OPERATIONS.items() if entry.repeat != "read"}
    changing.remove(("sts", "AssumeRole"))  # no button sends it
    assert {(call.service, call.operation) for call in hostile()} == changing


@pytest.mark.parametrize("start", ROUNDS)
def test_the_boto3_code_sends_what_the_button_sends(
    start: int, clients: Clients, recorder: Recorder
) -> None:
    calls = hostile(start)
    expected = sent_by_buttons(calls, clients, recorder)
    run_python(as_boto3(plan(*calls), sandbox(recorder)))
    assert recorder.taken() == expected


@pytest.mark.parametrize("start", ROUNDS)
def test_the_cli_commands_send_what_the_button_sends(
    start: int, clients: Clients, recorder: Recorder
) -> None:
    calls = hostile(start)
    expected = sent_by_buttons(calls, clients, recorder)
    for command in parsed_by("bash", as_cli(plan(*calls), sandbox(recorder))):
        run_cli(command)
    assert recorder.taken() == expected


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_every_hostile_text_arrives_by_every_way_into_the_cli(
    text: str, clients: Clients, recorder: Recorder
) -> None:
    calls = (
        snapshots.create_snapshot(REGION, "vol-1", text, {text: text}, "request"),
        Call("sns", "UntagResource", REGION, {"ResourceArn": TOPIC, "TagKeys": [text]}),
        Call("sns", "UntagResource", REGION, {"ResourceArn": TOPIC, "TagKeys": [text, "b"]}),
        Call("sqs", "TagQueue", REGION, {"QueueUrl": QUEUE["QueueUrl"], "Tags": {text: text}}),
        Call("sns", "Publish", REGION, {"TopicArn": TOPIC, "Subject": text, "Message": text}),
    )
    expected = sent_by_buttons(calls, clients, recorder)
    for command in parsed_by("bash", as_cli(plan(*calls), sandbox(recorder))):
        run_cli(command)
    assert recorder.taken() == expected


anything = st.text(st.characters(codec="utf-8"), max_size=40)


@settings(max_examples=60, deadline=None)
@given(anything, anything)
def test_any_text_arrives_by_the_cli(shared: tuple[Recorder, Clients], text: str, key: str) -> None:
    recorder, clients = shared
    calls = (snapshots.create_snapshot(REGION, text, text, {key: text}, key),)
    expected = sent_by_buttons(calls, clients, recorder)
    for command in parsed_by("sh", as_cli(plan(*calls), sandbox(recorder))):
        run_cli(command)
    assert recorder.taken() == expected


@settings(max_examples=200, deadline=None)
@given(anything)
def test_any_text_survives_as_a_python_literal(text: str) -> None:
    call = snapshots.create_snapshot(REGION, text, text, {text: text}, text)
    code = as_boto3(plan(call), AWS)
    shown = next(
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "ec2.create_snapshot"
    )
    given_to_it = {word.arg: ast.literal_eval(word.value) for word in shown.keywords}
    assert given_to_it == call.parameters


@settings(max_examples=100, deadline=None)
@given(anything)
def test_no_text_reaches_the_terminal_raw(text: str) -> None:
    calls = filled(lambda: text)
    for shown in (as_boto3(plan(*calls), AWS), as_cli(plan(*calls), AWS)):
        assert all(mark.isprintable() or mark in "\n\t" for mark in shown)


@settings(max_examples=100, deadline=None)
@given(anything)
def test_words_cannot_break_out_of_their_comment(text: str) -> None:
    call = Call("ec2", "DeleteVolume", REGION, {"VolumeId": "vol-1"}, says=text)
    statements = ast.parse(as_boto3(plan(call), AWS)).body
    assert [type(statement).__name__ for statement in statements] == [
        "Import",
        "Assign",
        "Assign",
        "Expr",
    ]


def test_shown_code_and_commands_run_as_they_stand(clients: Clients, recorder: Recorder) -> None:
    """As a person would: in processes of their own, with the ``aws`` of the environment."""
    calls = [call for call in hostile(9) if call.operation in {"RunInstances", "CreateSnapshot"}]
    expected = sent_by_buttons(calls, clients, recorder)
    shown = plan(*calls)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
    }
    for program, text in (
        (sys.executable, as_boto3(shown, sandbox(recorder))),
        ("bash", as_cli(shown, sandbox(recorder))),
    ):
        subprocess.run(
            [program], input=text.encode(), env=environment, check=True, capture_output=True
        )
        taken = recorder.taken()
        assert taken == expected
        assert {request.access_key for request in taken} == {"sandbox"}


def unavailable(request: Request) -> Reply:
    return ec2_error("Unavailable", "come back later", status=503)


def shown_python(shown: Plan, recorder: Recorder) -> None:
    run_python(as_boto3(shown, sandbox(recorder)))


def shown_cli(shown: Plan, recorder: Recorder) -> None:
    for command in parsed_by("bash", as_cli(shown, sandbox(recorder))):
        run_cli(command)


@pytest.mark.parametrize("run", [shown_python, shown_cli])
def test_what_is_shown_does_not_repeat_a_create_that_must_not_be_repeated(
    run: Callable[..., None], recorder: Recorder
) -> None:
    recorder.answer = unavailable
    call = snapshots.create_snapshot(REGION, "vol-1", "", {}, "request")
    with pytest.raises(Exception, match="Unavailable"):
        run(plan(call), recorder)
    assert len(recorder.taken()) == 1


def test_a_command_that_fails_stops_those_after_it() -> None:
    calls = tags.ec2_tag_calls(REGION, "volume", "vol-1", {"old": "1"}, {"new": "2"})
    script = "aws() { echo called; return 1; }\n" + as_cli(plan(*calls), AWS)
    done = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "called\n")


def test_commands_hold_no_comments_because_an_interactive_zsh_would_run_them() -> None:
    call = Call("ec2", "DeleteVolume", REGION, {"VolumeId": "vol-1"}, says="Delete it")
    assert as_cli(plan(call), AWS) == (
        "aws ec2 delete-volume --region us-east-1 --volume-id vol-1\n"
    )


def test_on_aws_itself_neither_endpoint_nor_credentials_are_named() -> None:
    shown = plan(*hostile())
    for text in (as_boto3(shown, AWS), as_cli(shown, AWS)):
        assert "endpoint_url" not in text
        assert "--endpoint-url" not in text
        assert "ACCESS_KEY" not in text.upper()


def test_another_endpoint_is_named_without_credentials() -> None:
    other = Endpoint("other", "http://localhost:4566")
    call = Call("ec2", "DeleteVolume", REGION, {"VolumeId": "vol-1"})
    assert as_cli(plan(call), other) == (
        "aws ec2 delete-volume \\\n"
        "  --region us-east-1 \\\n"
        "  --endpoint-url http://localhost:4566 \\\n"
        "  --volume-id vol-1\n"
    )
    assert 'endpoint_url="http://localhost:4566"' in as_boto3(plan(call), other)
    assert "access_key" not in as_boto3(plan(call), other)


def test_one_client_is_made_for_each_service_and_region() -> None:
    calls = (
        Call("ec2", "DeleteVolume", "us-east-1", {"VolumeId": "vol-1"}, says="One"),
        Call("ec2", "DeleteVolume", "eu-west-1", {"VolumeId": "vol-2"}, says="Two"),
        Call("sns", "DeleteTopic", "eu-west-1", {"TopicArn": TOPIC}, says="Three"),
        Call("ec2", "DeleteVolume", "us-east-1", {"VolumeId": "vol-3"}, says="Four"),
    )
    assert as_boto3(plan(*calls), AWS) == (
        "import boto3\n"
        "\n"
        'ec2_us_east_1 = boto3.client("ec2", region_name="us-east-1")\n'
        'ec2_eu_west_1 = boto3.client("ec2", region_name="eu-west-1")\n'
        'sns = boto3.client("sns", region_name="eu-west-1")\n'
        "\n"
        "# One\n"
        'response = ec2_us_east_1.delete_volume(VolumeId="vol-1")\n'
        "print(response)\n"
        "\n"
        "# Two\n"
        'response = ec2_eu_west_1.delete_volume(VolumeId="vol-2")\n'
        "print(response)\n"
        "\n"
        "# Three\n"
        f'response = sns.delete_topic(TopicArn="{TOPIC}")\n'
        "print(response)\n"
        "\n"
        "# Four\n"
        'response = ec2_us_east_1.delete_volume(VolumeId="vol-3")\n'
        "print(response)\n"
    )


def test_a_long_list_is_laid_out_an_item_a_line() -> None:
    call = tags.ec2_tag_calls(
        REGION, "volume", "vol-1", {}, {f"key-{number}": "v" * 20 for number in range(3)}
    )
    assert (
        "    Tags=[\n"
        '        {"Key": "key-0", "Value": "vvvvvvvvvvvvvvvvvvvv"},\n'
        '        {"Key": "key-1", "Value": "vvvvvvvvvvvvvvvvvvvv"},\n'
        '        {"Key": "key-2", "Value": "vvvvvvvvvvvvvvvvvvvv"},\n'
        "    ],\n"
    ) in as_boto3(plan(*call), AWS)
    assert (
        "  --tags '[\n"
        '    {"Key": "key-0", "Value": "vvvvvvvvvvvvvvvvvvvv"},\n'
        '    {"Key": "key-1", "Value": "vvvvvvvvvvvvvvvvvvvv"},\n'
        '    {"Key": "key-2", "Value": "vvvvvvvvvvvvvvvvvvvv"}\n'
        "  ]'\n"
    ) in as_cli(plan(*call), AWS)


@pytest.mark.parametrize("show", [as_boto3, as_cli])
def test_what_is_no_plain_data_is_refused_by_name(show: Callable[[Plan, Endpoint], str]) -> None:
    call = Call("ec2", "DeleteVolume", REGION, {"VolumeId": None})
    with pytest.raises(TypeError, match="NoneType cannot be shown"):
        show(plan(call), AWS)


def test_each_call_says_in_one_line_what_it_does() -> None:
    named = Call("ec2", "DeleteVolume", REGION, {"VolumeId": "v"}, says="Delete\nthe  volume")
    silent = Call("ec2", "DeleteVolume", REGION, {"VolumeId": "v"})
    assert as_words(plan(named, silent)) == ["Delete the volume", "DeleteVolume"]


def test_a_script_with_tabs_stays_readable_in_a_command() -> None:
    launch = instances.Launch("ami-1", "t3.micro", 1, 1, "token", user_data="#!/bin/sh\n\tid\n")
    shown = as_cli(plan(instances.run_instances(REGION, launch)), AWS)
    assert "  --user-data '#!/bin/sh\n\tid\n'" in shown


def test_a_word_that_zsh_would_look_up_as_a_command_is_quoted() -> None:
    call = Call("ec2", "DeleteVolume", REGION, {"VolumeId": "=ls"})
    assert as_cli(plan(call), AWS).endswith(" --volume-id '=ls'\n")
