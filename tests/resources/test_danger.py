"""What takes away what AWS does not give back is done by forms that are confirmed."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import app
from app.aws import instances
from app.aws.operations import OPERATIONS
from app.resources import RESOURCES, danger
from app.resources.danger import Target
from app.resources.forms import ActionForm

APP = Path(inspect.getfile(app)).parent
# What changes AWS and is no danger: it makes, adds, or can be done the other way round.
HARMLESS = {
    "AssumeRole",
    "AttachVolume",
    "ConfirmSubscription",
    "CreateImage",
    "CreateKeyPair",
    "CreateQueue",
    "CreateSnapshot",
    "CreateTags",
    "CreateTopic",
    "CreateVolume",
    "DeleteTags",
    "ModifyInstanceAttribute",  # but taking the protection off is one; see Call.danger
    "Publish",
    "PutRule",
    "PutTargets",
    "RebootInstances",
    "ReceiveMessage",
    "RegisterImage",
    "RunInstances",
    "SetQueueAttributes",  # only to let one topic send
    "StartInstances",
    "StopInstances",
    "Subscribe",
    "TagQueue",
    "TagResource",
    "UntagQueue",
    "UntagResource",
}
# The console takes what it has heard off a queue of its own.
BY_ITSELF = {"DeleteMessageBatch"}


def test_every_operation_that_changes_something_is_either_dangerous_or_known_not_to_be() -> None:
    changing = {
        name: entry.danger
        for (_, name), entry in OPERATIONS.items()
        if entry.repeat not in {"read", "look"}
    }
    assert {name for name, dangerous in changing.items() if not dangerous} == HARMLESS


def test_taking_the_protection_off_is_dangerous_and_putting_it_on_is_not() -> None:
    assert instances.set_protection("us-east-1", "i-1", False).danger
    assert not instances.set_protection("us-east-1", "i-1", True).danger


def _trees(*rooms: str) -> Iterator[tuple[str, ast.Module]]:
    for room in rooms:
        for path in sorted((APP / room).rglob("*.py")):
            yield path.stem, ast.parse(path.read_text())


def _makers() -> dict[str, str]:
    """The functions of ``aws`` that make a dangerous call, as module.name, with its operation."""
    dangerous = {name for (_, name), entry in OPERATIONS.items() if entry.danger} - BY_ITSELF
    found = {}
    for module, tree in _trees("aws"):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                texts = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
                for operation in texts & dangerous:
                    found[f"{module}.{node.name}"] = str(operation)
    assert set(found.values()) == dangerous
    return found


def _uses(tree: ast.AST, makers: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if name in makers:
                yield name


def test_a_dangerous_call_is_made_by_dangerous_forms_alone() -> None:
    makers = set(_makers())
    forms = {
        f"{action.form.__module__}.{action.form.__name__}"
        for resource in RESOURCES.values()
        for action in resource.actions
        if action.form and action.form.danger
    }
    used = set()
    for module, tree in _trees("resources", "web", "watches", "inventory", "people"):
        for part in ast.iter_child_nodes(tree):
            name = f"app.resources.{module}.{getattr(part, 'name', '')}"
            found = set(_uses(part, makers))
            assert not found or name in forms, f"{name} uses {found}"
            used |= found
    assert used == makers


def test_a_dangerous_form_is_told_by_its_class_alone() -> None:
    for resource in RESOURCES.values():
        for action in resource.actions:
            form = action.form or ActionForm
            assert action.danger is issubclass(form, danger.DangerForm)


@given(st.text(max_size=300))
def test_whatever_the_name_both_it_and_the_id_can_be_typed(name: str) -> None:
    words = {danger._plain(word) for word in Target("i-1", name).words}
    assert "i-1" in words
    typed = danger._plain(name)
    assert not typed or typed in words


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("web-1", "web-1"),
        ("größe 😀", "größe 😀"),
        ("", "i-1"),
        ("  ", "i-1"),
        ("gnp\u202eexe", "i-1"),
        ("zero\u200bwidth", "i-1"),
        ("x" * 65, "i-1"),
        ("a  b", "a b"),
    ],
)
def test_a_name_that_is_hard_to_type_is_not_asked_for(name: str, asked: str) -> None:
    assert Target("i-1", name).words[0] == asked
