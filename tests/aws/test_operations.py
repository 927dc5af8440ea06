"""The list of operations is right and complete, and the IAM policy with it."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import botocore.session
import pytest
from botocore.model import ServiceModel

from app.aws.operations import OPERATIONS, iam_policy
from tests.aws.samples import hostile

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for path in (ROOT / "app").rglob("*.py") if "sandbox" not in path.parts]
# Operations that tag what they make need the permission to tag besides their own.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-tags.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-basic-examples-of-sqs-policies.html
TAGGING = {
    "TagSpecifications": "ec2:CreateTags",
    "Tags": "sns:TagResource",
    "tags": "sqs:TagQueue",
}


def model(service: str) -> ServiceModel:
    data = botocore.session.get_session().get_component("data_loader")
    return ServiceModel(data.load_service_model(service, "service-2"), service)


MODELS = {service: model(service) for service in {service for service, _ in OPERATIONS}}


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_the_operation_exists_in_aws(service: str, name: str) -> None:
    assert name in MODELS[service].operation_names


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_an_operation_is_repeated_only_as_its_parameters_allow(service: str, name: str) -> None:
    shape = MODELS[service].operation_model(name).input_shape
    has_token = shape is not None and "ClientToken" in shape.members
    entry = OPERATIONS[service, name]
    if entry.repeat == "token":
        assert has_token
    reads = ("Describe", "Get", "List")
    assert (entry.repeat == "read") == name.startswith(reads)


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_the_operation_is_used(service: str, name: str) -> None:
    """What is not used stands in the policy for nothing."""
    users = [path for path in SOURCES if path.name != "operations.py"]
    assert any(f'"{name}"' in path.read_text() for path in users)


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_the_permission_bears_the_operations_name(service: str, name: str) -> None:
    assert OPERATIONS[service, name].permissions[0] == f"{service}:{name}"


def test_creates_that_tag_name_the_permission_to_tag() -> None:
    for call in hostile():
        for parameter, permission in TAGGING.items():
            if parameter in call.parameters and permission.startswith(call.service):
                creates = call.operation.startswith(("Create", "Run", "Register"))
                if creates and call.operation != "CreateTags":
                    assert permission in call.entry.permissions, call.operation


def test_the_policy_permits_each_operation_once_and_nothing_else() -> None:
    policy = json.loads(json.dumps(iam_policy()))
    assert policy["Version"] == "2012-10-17"
    actions = [action for statement in policy["Statement"] for action in statement["Action"]]
    assert sorted(actions) == sorted(
        {permission for entry in OPERATIONS.values() for permission in entry.permissions}
    )
    assert not any("*" in action for action in actions)
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        assert re.fullmatch(r"[A-Za-z0-9]+", statement["Sid"])


def test_the_policy_is_short_enough_for_a_managed_policy() -> None:
    """IAM counts 6,144 characters, white space left out."""
    assert len(json.dumps(iam_policy(), separators=(",", ":"))) <= 6144


def test_the_policy_in_the_documentation_is_this_one() -> None:
    text = (ROOT / "docs" / "iam-policy.md").read_text()
    (block,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert block == json.dumps(iam_policy(), indent=2) + "\n"


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_only_app_aws_imports_boto3() -> None:
    others = [path for path in SOURCES if path.parent != ROOT / "app" / "aws"]
    offenders = [path.name for path in others if imported(path) & {"boto3", "botocore"}]
    assert others
    assert offenders == []


def test_outside_app_aws_nothing_is_sent_but_by_calls() -> None:
    """A client used past Call would be past the list of operations, and so past the policy."""
    pattern = re.compile(r"clients\.(send|client)\(")
    others = [path for path in SOURCES if path.parent != ROOT / "app" / "aws"]
    senders = [path.name for path in others if pattern.search(path.read_text())]
    assert senders == ["budget.py"]  # it passes on what calls send, and counts it
