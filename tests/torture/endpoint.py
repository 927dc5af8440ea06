"""``python -m tests.torture.endpoint``: print the address, serve until SIGTERM.

EC2 and SNS as far as watches need them, fast: one asyncio loop, and no more of HTTP than botocore
speaks. Any credentials will do. What a process is called in its User-Agent (``app/123``, from
AWS_SDK_UA_APP_ID) is its number (see ``nursery.PIDS``), and it is killed where a fault says so.
``POST /_fake/…`` drives it; ``tests/torture/aws.py`` says how.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from tests.bench.fakeaws.items import Place
from tests.bench.fakeaws.server import ANSWERS, query
from tests.bench.fakeaws.world import answer, refusal
from tests.torture.faults import Fault, When
from tests.torture.nursery import PIDS
from tests.torture.world import Snapshot, World

ACCOUNT = "123456789012"
REGIONS = ("us-east-1", "us-east-2", "eu-central-1", "eu-west-1")
PAGE = 1000
SIGNALS: dict[str, signal.Signals] = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP}
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_REGION = re.compile(rb"Credential=[^/]+/\d+/([^/]+)/")
_PROCESS = re.compile(rb"\r\nuser-agent:[^\r]* app/(\d+)", re.IGNORECASE)
_TARGET = re.compile(rb"\r\nx-amz-target: *\w+\.(\w+)", re.IGNORECASE)
_FILTER = re.compile(r"Filter\.(\d+)\.Value\.\d+")
Fields = dict[str, str]


class Endpoint:
    """The operations by name, and the faults that are armed."""

    def __init__(self) -> None:
        self.world = World()
        self.faults: list[Fault] = []
        self._operations: dict[str, Callable[[str, Fields, int], bytes]] = {
            "DescribeSnapshots": self._describe_snapshots,
            "CreateSnapshot": self._create_snapshot,
            "Publish": self._publish,
        }

    def perform(self, operation: str, region: str, fields: Fields, process: int) -> bytes:
        """Do an operation; its answer."""
        if operation in self._operations:
            return self._operations[operation](region, fields, process)
        if operation in ANSWERS:
            listed = {name: [value] for name, value in fields.items()}
            return ANSWERS[operation](REGIONS, Place(0, ACCOUNT, region), listed)
        return answer(operation, "")  # a list of nothing

    def _describe_snapshots(self, region: str, fields: Fields, process: int) -> bytes:
        wanted: dict[str, list[str]] = {}
        for name, value in fields.items():
            if number := _FILTER.fullmatch(name):
                wanted.setdefault(fields[f"Filter.{number[1]}.Name"], []).append(value)
        found = self.world.find(ACCOUNT, region, wanted)
        start = int(fields.get("NextToken", "0"))
        end = start + int(fields.get("MaxResults", PAGE))
        more = f"<nextToken>{end}</nextToken>" if end < len(found) else ""
        now = time.time()
        inside = "".join(f"<item>{each.xml(now)}</item>" for each in found[start:end])
        return answer("DescribeSnapshots", f"<snapshotSet>{inside}</snapshotSet>{more}")

    def _create_snapshot(self, region: str, fields: Fields, process: int) -> bytes:
        tag = "TagSpecification.1.Tag."
        tags = {
            fields[name]: fields[name.removesuffix("Key") + "Value"]
            for name in fields
            if name.startswith(tag) and name.endswith(".Key")
        }
        volume, told = fields["VolumeId"], fields.get("Description", "")
        snapshot = self.world.create(ACCOUNT, region, volume, told, tags)
        return answer("CreateSnapshot", snapshot.xml(time.time()))

    def _publish(self, region: str, fields: Fields, process: int) -> bytes:
        message_id = self.world.publish(fields["TopicArn"], fields, process)
        return query("Publish", f"<MessageId>{message_id}</MessageId>")

    def control(self, path: str, asked: Any) -> Any:
        """What the one who tortures wants: snapshots, ends, faults, the account."""
        if path == "/_fake/make":
            for each in asked:
                self.world.add(Snapshot(account=ACCOUNT, **each))
        elif path == "/_fake/end":
            self.world.end(asked["ids"], asked["state"], asked["at"] or time.time())
        elif path == "/_fake/faults":
            self.faults = [Fault(**each) for each in asked]
        elif path == "/_fake/called":
            return self.world.called_at[asked]
        elif path == "/_fake/reset":
            self.world, self.faults = World(), []
        elif path == "/_fake/told":
            return self.world.told()
        else:
            raise ValueError(path)
        return {}


class Connection(asyncio.Protocol):
    """One connection: requests one after the other, as botocore sends them."""

    transport: asyncio.Transport

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """A part of a request has come."""
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        length = int(match[1]) if (match := _LENGTH.search(head)) else 0
        if found and len(rest) >= length:
            self._received = rest[length:]
            self._request(head, rest[:length])

    def _request(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1].decode()
        if path.startswith("/_fake/"):
            told = self._endpoint.control(path, json.loads(body or b"null"))
            self._send(json.dumps(told).encode(), b"application/json")
        elif target := _TARGET.search(head):
            self._endpoint.world.called_at[target[1].decode()].append(time.time())
            self._send(b"{}", b"application/x-amz-json-1.0")
        else:
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
            self._operation(fields.pop("Action"), head, fields)

    def _operation(self, name: str, head: bytes, fields: Fields) -> None:
        self._endpoint.world.called_at[name].append(time.time())
        region = found[1].decode() if (found := _REGION.search(head)) else REGIONS[0]
        process = int(found[1]) if (found := _PROCESS.search(head)) else 0
        faults = [
            each
            for each in self._endpoint.faults
            if each.operation == name and each.strikes(process or -1)
        ]
        if faults:
            struck = self._struck(name, region, fields, process, faults)
            self._task = self._loop.create_task(struck)
        else:
            self._send(self._endpoint.perform(name, region, fields, process))

    async def _struck(
        self, name: str, region: str, fields: Fields, process: int, faults: list[Fault]
    ) -> None:
        body = refusal("ServiceUnavailable", "The service is out of order.")
        status = b"503 Service Unavailable"
        if await self._befall(faults, "received", name, process):
            done = self._endpoint.perform(name, region, fields, process)
            if await self._befall(faults, "done", name, process):
                body, status = done, b"200 OK"
        if not self.transport.is_closing():
            self._send(body, status=status)
            await self._befall(faults, "answered", name, process)

    async def _befall(self, faults: list[Fault], when: When, operation: str, process: int) -> bool:
        """Let those strike whose moment it is. False: no further, and no true answer."""
        going_on = True
        for fault in faults:
            if fault.when == when and not self.transport.is_closing():
                await asyncio.sleep(fault.seconds())
                going_on &= self._strike(fault, operation, process)
        return going_on

    def _strike(self, fault: Fault, operation: str, process: int) -> bool:
        # A client that is gone already is not killed: its number may be another's by now.
        if fault.what in SIGNALS and process > 1 and not self.transport.is_closing():
            os.kill(process % PIDS, SIGNALS[fault.what])
            told = {"process": process, "operation": operation, "when": fault.when}
            self._endpoint.world.struck.append({**told, "what": fault.what, "at": time.time()})
        if fault.what in {"kill", "cut"}:
            self.transport.abort()
        return fault.what in {"wait", "freeze"}

    def _send(
        self, body: bytes, kind: bytes = b"text/xml;charset=UTF-8", status: bytes = b"200 OK"
    ) -> None:
        head = b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
        self.transport.write(head % (status, kind, len(body)) + body)


async def serve() -> None:
    """Serve on a free port of the loopback interface until SIGTERM."""
    loop, stop, endpoint = asyncio.get_running_loop(), asyncio.Event(), Endpoint()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: Connection(endpoint), "127.0.0.1", 0, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
