"""The call: one AWS operation as data. It can be shown, checked with a dry run, and run."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

import jmespath

from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.lean import Plain
from app.aws.models import operation_model
from app.aws.operations import Operation, operation

MOST_PAGES = 10_000  # of one listing: ten million resources, where a page holds a thousand


class Answer(dict[str, Any]):
    """AWS's answer as plain data (``plain``); ``request_id``: AWS's, empty if it told none."""

    request_id: str = ""


@dataclass(frozen=True)
class Call:
    """One AWS operation with its parameters, its region, and the account that it is for.

    ``account`` only says whose clients are to send it; an empty one is the main account's.
    ``says`` tells in plain words what the call does ("Terminate i-1 and i-2"). ``touches`` names
    the resources, as (kind, id), that are to be read again afterwards; ``removes`` those that are
    gone when it has succeeded. ``of`` is the resource whose part of a plan it is: if that fails,
    other resources' parts go on; of a call without one all that comes after it depends.
    ``makes`` tells what a create makes: (kind, JMESPath of the new
    descriptions in the answer, what is known of it that the answer leaves out).
    ``find_again`` is the read that finds the thing made when the answer of a create got lost:
    (operation, parameters, JMESPath of the resources in its answer); whatever it finds counts as
    this call's deed. ``unmade`` names the parameters that say what an earlier call of the plan
    makes: they are left out of a dry run, in which it is not there yet.
    Raises ValueError for an operation that does not stand in ``operations``.
    """

    service: str
    operation: str
    region: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    says: str = ""
    touches: tuple[tuple[str, str], ...] = ()
    removes: tuple[tuple[str, str], ...] = ()
    makes: tuple[str, str, Mapping[str, Any]] | None = None
    find_again: tuple[str, Mapping[str, Any], str] | None = None
    account: str = ""
    of: str = ""
    unmade: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            operation(self.service, self.operation)
        except KeyError:
            raise ValueError(
                f"{self.service}:{self.operation} is not in app/aws/operations.py"
            ) from None

    @property
    def entry(self) -> Operation:
        """How it may be repeated, and the permissions it needs."""
        return operation(self.service, self.operation)

    @property
    def danger(self) -> bool:
        """Whether it takes away what AWS does not give back, or what something rests on."""
        protection = self.parameters.get("DisableApiTermination")
        return self.entry.danger or (
            self.operation == "ModifyInstanceAttribute" and protection == {"Value": False}
        )

    def run(self, clients: Clients) -> Answer:
        """Send it. Returns AWS's answer. Raises AwsError.

        When the answer of a create got lost, looks for the thing made; if it is there, returns
        an answer with that under ``Found``.
        """
        try:
            return self._send(clients)
        except AwsError as error:
            if not (error.may_have_happened and self.find_again):
                raise
            found = self._find(clients, *self.find_again, error)
            if not found:
                raise
            return Answer(Found=found)

    def _send(self, clients: Clients) -> Answer:
        answer = clients.send(
            self.service, self.operation, dict(self.parameters), self.region, self.entry.repeat
        )
        result = Answer(plain(answer))
        result.request_id = str((answer.get("ResponseMetadata") or {}).get("RequestId", ""))
        return result

    def _find(
        self,
        clients: Clients,
        name: str,
        parameters: Mapping[str, Any],
        items: str,
        lost: AwsError,
    ) -> list[dict[str, Any]]:
        try:
            answer = Call(self.service, name, self.region, parameters).run(clients)
        except AwsError as error:
            # What counts is that the create is in doubt, not that the look for it failed.
            raise lost from error
        found: list[dict[str, Any]] = jmespath.search(items, answer) or []
        return found

    def made(self, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The descriptions of what a create has made, from its answer (or from ``Found``)."""
        if self.makes is None:
            return []
        _kind, items, known = self.makes
        found = answer.get("Found") or jmespath.search(items, answer) or []
        found = found if isinstance(found, list) else [found]
        return [{**known, **description} for description in found]

    def pages(self, clients: Clients) -> Iterator[dict[str, Any]]:
        """Every page of a listing, as plain data; one page where there is no paging.

        Raises AwsError, also half-way: what came before is then not the whole.
        """
        token_name = _token_name(self.service, self.operation)
        parameters = dict(self.parameters)
        seen: set[str] = set()
        while True:
            page = plain(
                clients.send(
                    self.service, self.operation, parameters, self.region, self.entry.repeat
                )
            )
            token = page.get(token_name)
            yield page
            del page  # while the next is read, there need not be two
            if not token:
                return
            if token in seen or len(seen) >= MOST_PAGES:
                raise self._endless(len(seen) + 1)
            seen.add(token)
            parameters[token_name] = token

    def _endless(self, pages: int) -> AwsError:
        return AwsError(
            "other",
            "PagingLoop",
            f"The list does not come to an end: after {pages} pages the endpoint still gives "
            "a token for more, or one that it gave before.",
            self.service,
            self.operation,
            self.region,
        )


@cache
def _token_name(service: str, name: str) -> str:
    """What asks for the next page, in answers and parameters; empty where there are no pages."""
    # Read from the shapes: not every paged operation has a paginator in botocore.
    model = operation_model(service, name)
    takes = model.input_shape.members if model.input_shape else {}
    gives = model.output_shape.members if model.output_shape else {}
    return "NextToken" if "NextToken" in takes and "NextToken" in gives else ""


@dataclass(frozen=True)
class Plan:
    """An ordered list of calls that one form or action amounts to."""

    title: str
    calls: tuple[Call, ...]

    def within(self, account: str) -> Plan:
        """The same plan for ``account``; calls that name one already keep it."""
        calls = (call if call.account else replace(call, account=account) for call in self.calls)
        return Plan(self.title, tuple(calls))


@dataclass(frozen=True)
class Check:
    """What a dry run of one call said.

    ``verdict``: ``allowed`` (AWS would do it), ``refused``, ``invalid`` (AWS would not take the
    parameters) or ``unknown`` (there is no dry run for it, or AWS did not answer); ``why`` in
    plain words.
    """

    call: Call
    verdict: Literal["allowed", "refused", "invalid", "unknown"]
    why: str


def check(call: Call, clients: Clients) -> Check:
    """Run ``call`` dry (EC2's DryRun). Changes nothing. Never raises AwsError: it tells."""
    try:
        client = clients.client(call.service, call.region, call.entry.repeat)
        shape = client.meta.service_model.operation_model(call.operation).input_shape
        if shape is None or "DryRun" not in shape.members:
            return Check(call, "unknown", f"{call.service.upper()} offers no dry run.")
        if not clients.dry_run_works(call.region, call.operation):
            return Check(
                call, "unknown", "This endpoint does not honour DryRun, so nothing was sent."
            )
        there = {key: each for key, each in call.parameters.items() if key not in call.unmade}
        parameters = {**there, "DryRun": True}
        clients.send(call.service, call.operation, parameters, call.region, call.entry.repeat)
    except AwsError as error:
        return _judge(call, error)
    return Check(
        call,
        "unknown",
        "The endpoint answered as if this had been carried out. Look at the list.",
    )


def _judge(call: Call, error: AwsError) -> Check:
    if error.code == "DryRunOperation":
        return Check(call, "allowed", "AWS would carry this out: you have the permission.")
    if error.trouble in {"refused", "credentials"}:
        return Check(call, "refused", f"{error.code}: {error.message} {error.advice}".strip())
    if error.trouble in {"unreachable", "uncertain", "throttled"}:
        return Check(call, "unknown", f"{error.code}: {error.message}")
    return Check(call, "invalid", f"{error.code}: {error.message} {error.advice}".strip())


def plain(value: Any) -> Any:
    """AWS's answer as JSON data: times as ISO 8601 in UTC, bytes as base64, no metadata."""
    if isinstance(value, Plain):
        return {key: item for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value
