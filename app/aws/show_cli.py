"""A plan as commands of the AWS CLI, for a POSIX shell (bash, zsh, dash).

What the CLI does with values is taken from its source (awscli 1.46: argprocess, paramfile,
customizations/argrename, toplevelbool, ec2/addcount), and held by tests that run the commands:

- a value that begins with ``file://``, ``fileb://``, ``http://`` or ``https://`` is replaced by
  what that address holds, except for a few parameters that are addresses themselves;
- a value that begins with ``-`` is taken for an option;
- RunInstances has ``--count least:most`` for MinCount and MaxCount; ``{"Value": true}`` is a plain
  flag on EC2; some options have other names than their parameters.

Values that would be misread so, or that do not print, go into ``--cli-input-json``, where they are
only data.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from botocore import xform_name

from app.aws.account import NO_SOURCES, Source, Sources
from app.aws.call import Call, Plan
from app.aws.clients import Endpoint
from app.aws.layout import WIDTH, Style, laid_out
from app.aws.sessions import SANDBOX_KEY

_INDENT = "  "
_ADDRESSES = ("file://", "fileb://", "http://", "https://")
# (service, parameter): the CLI does not fetch these, because they are meant to be addresses.
_NEVER_FETCHED = {("sns", "Endpoint"), ("sqs", "QueueUrl")}
_RENAMED = {("sns", "Subscribe", "Endpoint"): "--notification-endpoint"}
_FALSE_FLAGS = {
    ("CreateImage", "NoReboot"): "--reboot",
    ("RunInstances", "DisableApiTermination"): "--enable-api-termination",
}
_WORD = re.compile(r"[A-Za-z0-9][\w.:/@+-]*", re.ASCII)


def as_cli(plan: Plan, endpoint: Endpoint, sources: Sources = NO_SOURCES) -> str:
    """One ``aws`` command for each call, joined so that one that fails stops the rest.

    They stand without comments, which an interactive zsh would take for commands. ``sources``
    says for each account where its credentials come from: a profile is named; a role has to be
    assumed before (``roles_needed``). A call that must
    not be repeated is told to try once. Raises TypeError for a parameter that is not plain data.
    """
    return " &&\n\n".join(_command(call, endpoint, sources) for call in plan.calls) + "\n"


def _command(call: Call, endpoint: Endpoint, sources: Sources) -> str:
    arguments = ["--region " + _quoted(call.region)]
    if endpoint.url:
        arguments.append("--endpoint-url " + _quoted(endpoint.url))
    source = sources.get(call.account, Source(""))
    if source.profile and not source.role:
        arguments.append("--profile " + _quoted(source.profile))
    arguments += _arguments(call)
    command = f"aws {call.service} {xform_name(call.operation, '-')}"
    flat = " ".join([command, *arguments])
    if len(flat) > WIDTH or "\n" in flat:
        flat = f" \\\n{_INDENT}".join([command, *arguments])
    return _environment(call, endpoint, source) + flat


def _environment(call: Call, endpoint: Endpoint, source: Source) -> str:
    variables = {}
    if endpoint.kind == "sandbox" and not source.role:
        variables["AWS_ACCESS_KEY_ID"] = SANDBOX_KEY
        variables["AWS_SECRET_ACCESS_KEY"] = SANDBOX_KEY
    if call.entry.repeat == "once":
        variables["AWS_MAX_ATTEMPTS"] = "1"
    if not variables:
        return ""
    return " ".join(f"{name}={value}" for name, value in variables.items()) + " \\\n"


def _arguments(call: Call) -> list[str]:
    parameters = dict(call.parameters)
    arguments = []
    if call.operation == "RunInstances" and {"MinCount", "MaxCount"} <= parameters.keys():
        least, most = parameters.pop("MinCount"), parameters.pop("MaxCount")
        arguments.append(f"--count {least}" if least == most else f"--count {least}:{most}")
    only_as_json = {}
    for name, value in parameters.items():
        argument = _argument(call, name, value)
        if argument is None:
            only_as_json[name] = value
        else:
            arguments.append(argument)
    if only_as_json:
        arguments.append("--cli-input-json " + _quoted(_json(only_as_json)))
    return arguments


def _argument(call: Call, name: str, value: Any) -> str | None:
    """One parameter as an argument, or None where only --cli-input-json carries it safely."""
    option = _RENAMED.get((call.service, call.operation, name), "--" + xform_name(name, "-"))
    flag = _flag_value(call, value)
    if flag is not None:
        no = _FALSE_FLAGS.get((call.operation, name)) or "--no-" + option.removeprefix("--")
        return option if flag else no
    if isinstance(value, int | float):
        return f"{option} {value}" if value >= 0 else None
    if isinstance(value, str):
        fetched = (call.service, name) not in _NEVER_FETCHED
        return f"{option} {_quoted(value)}" if _is_safe(value, fetched) else None
    if isinstance(value, list | tuple) and value and all(_is_word(item) for item in value):
        return " ".join([option, *value])
    if isinstance(value, Mapping | list | tuple):
        return f"{option} {_quoted(_json(value))}"
    raise TypeError(f"{type(value).__name__} cannot be shown: it is not plain data")


def _flag_value(call: Call, value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    pulled_up = call.service == "ec2" and isinstance(value, Mapping) and list(value) == ["Value"]
    if pulled_up and isinstance(value["Value"], bool):
        return bool(value["Value"])
    return None


def _is_safe(value: str, fetched: bool) -> bool:
    if value.startswith("-") or (fetched and value.startswith(_ADDRESSES)):
        return False
    return _prints(value.replace("\n", "").replace("\t", ""))


def _is_word(item: Any) -> bool:
    """Whether a list's item stands for itself in a list of words."""
    return isinstance(item, str) and bool(_WORD.fullmatch(item)) and "://" not in item


def _prints(text: str) -> bool:
    # False for control codes, marks that turn the writing direction, odd spaces, lone surrogates
    return text.isprintable()


def _json(value: Any) -> str:
    """``value`` as JSON, over several lines when it is long; what does not print is escaped."""
    return laid_out(value, Style(_json_scalar, _INDENT, last_comma=False), _INDENT, 20)


def _json_scalar(value: Any, indent: str) -> str:
    return json.dumps(value, ensure_ascii=isinstance(value, str) and not _prints(value))


def _quoted(value: str) -> str:
    # zsh replaces a word that begins with = by the command's path; shlex does not know that.
    return f"'{value}'" if value.startswith("=") and "'" not in value else shlex.quote(value)
