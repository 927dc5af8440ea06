"""The endpoint: HTTP, the operations by name, and pages to drive it by.

``POST /_fake/change?operation=DescribeVolumes&every=100`` changes resources, ``GET /_fake/calls``
tells what was asked. Any credentials will do: the account is the one that an access key names
(``AKIA`` and twelve digits, as AssumeRole gives them here), else the first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.bench.fakeaws.items import Place
from tests.bench.fakeaws.world import LISTS, PAGE, World, answer, refusal

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")
_KEY = re.compile(r"(?:AKIA|ASIA)(\d{12})$")
Fields = dict[str, list[str]]


class Endpoint(ThreadingHTTPServer):
    """Serves a world on a free port of the loopback interface."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, world: World) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.world = world

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece
    server: Endpoint

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        """What was asked so far, by operation."""
        self._send(200, json.dumps(self.server.world.calls).encode(), "application/json")

    def do_POST(self) -> None:
        """An operation, or a change of the world."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path)
        if path.path == "/_fake/change":
            asked = parse_qs(path.query)
            changed = self.server.world.change(asked["operation"][0], int(asked["every"][0]))
            self._send(200, json.dumps({"changed": changed}).encode(), "application/json")
        elif target := self.headers.get("X-Amz-Target"):
            self.server.world.calls[target.partition(".")[2]] += 1
            self._send(200, b"{}", "application/x-amz-json-1.0")
        else:
            fields = parse_qs(body.decode(), keep_blank_values=True)
            self._operation(fields["Action"][0], fields)

    def _operation(self, operation: str, fields: Fields) -> None:
        world = self.server.world
        world.calls[operation] += 1
        place = self._place()
        if operation in LISTS:
            self._xml(200, self._listed(operation, place, fields))
        elif operation in ANSWERS:
            self._xml(200, ANSWERS[operation](world.regions, place, fields))
        else:
            told = f"The action {operation} is not valid for this endpoint."
            self._xml(400, refusal("InvalidAction", told))

    def _place(self) -> Place:
        world = self.server.world
        found = _CREDENTIAL.search(self.headers.get("Authorization", ""))
        key, region = (found[1], found[2]) if found else ("", "")
        named = _KEY.search(key)
        account = named[1] if named and named[1] in world.accounts else world.accounts[0]
        return world.places[account, region if region in world.regions else world.regions[0]]

    def _listed(self, operation: str, place: Place, fields: Fields) -> bytes:
        world = self.server.world
        if fields.get("Filter.1.Name") == [LISTS[operation][1]]:
            ids = [values[0] for name, values in fields.items() if ".Value" in name]
            return world.some(operation, place, ids)
        start = int(fields.get("NextToken", ["0"])[0])
        size = int(fields.get("MaxResults", [str(world.counts[operation] or 1)])[0])
        return world.page(operation, place, start, min(size, max(PAGE, size)))

    def _xml(self, status: int, body: bytes) -> None:
        self._send(status, body, "text/xml;charset=UTF-8")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _identity(regions: Sequence[str], place: Place, fields: Fields) -> bytes:
    return query(
        "GetCallerIdentity",
        f"<Arn>arn:aws:iam::{place.account}:user/bench</Arn><UserId>AIDABENCH</UserId>"
        f"<Account>{place.account}</Account>",
    )


def _assume(regions: Sequence[str], place: Place, fields: Fields) -> bytes:
    role = fields["RoleArn"][0]
    account = role.split(":")[4]
    return query(
        "AssumeRole",
        f"<Credentials><AccessKeyId>ASIA{account}</AccessKeyId>"
        "<SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>"
        "<Expiration>2126-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser>"
        f"<AssumedRoleId>AROABENCH:encante</AssumedRoleId><Arn>{role}</Arn></AssumedRoleUser>",
    )


def _regions(regions: Sequence[str], place: Place, fields: Fields) -> bytes:
    inside = "".join(
        f"<item><regionName>{name}</regionName><regionEndpoint>ec2.{name}.amazonaws.com"
        "</regionEndpoint><optInStatus>opt-in-not-required</optInStatus></item>"
        for name in regions
    )
    return answer("DescribeRegions", f"<regionInfo>{inside}</regionInfo>")


def _protection(regions: Sequence[str], place: Place, fields: Fields) -> bytes:
    told = (
        f"<instanceId>{fields['InstanceId'][0]}</instanceId>"
        "<disableApiTermination><value>false</value></disableApiTermination>"
    )
    return answer("DescribeInstanceAttribute", told)


def _nothing(operation: str, element: str) -> Any:
    return lambda regions, place, fields: answer(operation, f"<{element}/>")


def query(operation: str, inside: str) -> bytes:
    """An answer of STS or SNS."""
    return (
        f"<{operation}Response><{operation}Result>{inside}</{operation}Result>"
        "<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId>"
        f"</ResponseMetadata></{operation}Response>"
    ).encode()


# Answers that are the same at every endpoint of ours, from its regions, place and fields.
ANSWERS: dict[str, Callable[[Sequence[str], Place, Fields], bytes]] = {
    "GetCallerIdentity": _identity,
    "AssumeRole": _assume,
    "DescribeRegions": _regions,
    "DescribeInstanceAttribute": _protection,
    "DescribeKeyPairs": _nothing("DescribeKeyPairs", "keySet"),
    "DescribeSecurityGroups": _nothing("DescribeSecurityGroups", "securityGroupInfo"),
    "DescribeAvailabilityZones": _nothing("DescribeAvailabilityZones", "availabilityZoneInfo"),
    "DescribeInstanceTypes": _nothing("DescribeInstanceTypes", "instanceTypeSet"),
    "ListTopics": lambda regions, place, fields: query("ListTopics", "<Topics/>"),
    "ListSubscriptions": lambda regions, place, fields: query(
        "ListSubscriptions", "<Subscriptions/>"
    ),
}
