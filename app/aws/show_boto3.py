"""A plan as Python code with boto3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore import xform_name

from app.aws.account import NO_SOURCES, Source, Sources
from app.aws.call import Call, Plan
from app.aws.clients import Endpoint
from app.aws.layout import WIDTH, Style, laid_out
from app.aws.sessions import SANDBOX_KEY

_INDENT = "    "
Place = tuple[str, str, str]  # service, region, account


def as_boto3(plan: Plan, endpoint: Endpoint, sources: Sources = NO_SOURCES) -> str:
    """Runnable Python for the whole plan: imports, clients, then call by call.

    ``sources`` says for each account where its credentials come from: a profile is named, and a
    role, which has to be assumed first, stands as a comment.
    UserData stands as plain text: boto3 encodes it. A client whose calls must not be repeated is
    told to try once, because botocore's own three attempts could make two snapshots.
    Raises TypeError for a parameter that is not plain data.
    """
    names = _client_names(plan)
    once = {_place(call) for call in plan.calls if call.entry.repeat == "once"}
    lines = ["import boto3"]
    if once:
        lines.append("from botocore.config import Config")
    lines.append("")
    for place, name in names.items():
        source = sources.get(place[2], Source(""))
        if source.role:
            lines.append(f"# With the credentials of {source.role}:")
        lines.append(_client(name, place, source, endpoint, place in once))
    for call in plan.calls:
        says = " ".join(_printable(call.says).split())
        lines += ["", f"# {says}"] if says else [""]
        lines += [_invocation(names[_place(call)], call), "print(response)"]
    return "\n".join(lines) + "\n"


def _place(call: Call) -> Place:
    return call.service, call.region, call.account


def _client_names(plan: Plan) -> dict[Place, str]:
    """A variable name for each client: the service, with what else tells several apart."""
    places = list(dict.fromkeys(_place(call) for call in plan.calls))

    def name(service: str, region: str, account: str) -> str:
        same = [place for place in places if place[0] == service]
        parts = [service]
        if len({place[1] for place in same}) > 1:
            parts.append(region.replace("-", "_"))
        if len({place[2] for place in same}) > 1:
            parts.append(account)
        return "_".join(parts)

    return {place: name(*place) for place in places}


def _client(name: str, place: Place, source: Source, endpoint: Endpoint, once: bool) -> str:
    service, region, _ = place
    arguments = {"region_name": python_literal(region)}
    if endpoint.url:
        arguments["endpoint_url"] = python_literal(endpoint.url)
    if endpoint.kind == "sandbox" and not source.role:
        arguments["aws_access_key_id"] = python_literal(SANDBOX_KEY)
        arguments["aws_secret_access_key"] = python_literal(SANDBOX_KEY)
    if once:
        arguments["config"] = 'Config(retries={"mode": "standard", "total_max_attempts": 1})'
    session = "boto3"
    if source.profile and not source.role:
        session = f"boto3.Session(profile_name={python_literal(source.profile)})"
    return _call_code(f"{name} = {session}.client", [python_literal(service)], arguments)


def _invocation(client: str, call: Call) -> str:
    arguments = {
        name: python_literal(value, _INDENT, len(name) + 2)
        for name, value in call.parameters.items()
    }
    return _call_code(f"response = {client}.{xform_name(call.operation)}", [], arguments)


def _call_code(function: str, positional: list[str], named: Mapping[str, str]) -> str:
    arguments = [*positional, *(f"{name}={code}" for name, code in named.items())]
    flat = f"{function}({', '.join(arguments)})"
    if len(flat) <= WIDTH and "\n" not in flat:
        return flat
    inner = "".join(f"{_INDENT}{argument},\n" for argument in arguments)
    return f"{function}(\n{inner})"


def python_literal(value: Any, indent: str = "", used: int = 0) -> str:
    """``value`` (plain data) as a Python literal, which begins on a line that starts with
    ``indent`` and holds ``used`` other characters. Raises TypeError for other than plain data.
    """
    return laid_out(value, Style(_scalar, _INDENT, last_comma=True), indent, used)


def _scalar(value: Any, indent: str) -> str:
    return _string(value, indent) if isinstance(value, str) else repr(value)


def _string(value: str, indent: str) -> str:
    lines = value.splitlines(keepends=True)
    if len(lines) < 2:
        return _quoted(value)
    inner = "".join(f"{indent}{_INDENT}{_quoted(line)}\n" for line in lines)
    return f"(\n{inner}{indent})"


def _quoted(value: str) -> str:
    # repr escapes whatever does not print: line ends, terminal codes, marks that turn the
    # writing direction. It is only given the double quotes that people write.
    code = repr(value)
    return code if '"' in value or code[0] == '"' else f'"{code[1:-1]}"'


def _printable(text: str) -> str:
    return "".join(mark if mark.isprintable() else " " for mark in text)
