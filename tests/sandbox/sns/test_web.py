"""What SNS posts to web addresses of this machine, and to no other."""

from __future__ import annotations

import json
import queue
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.sandbox.sns import web

Posted = tuple[dict[str, str], dict[str, Any]]


class Receiver:
    """A web address that takes posts, and answers as the test says."""

    def __init__(self) -> None:
        self.got: queue.Queue[Posted] = queue.Queue()
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.end_headers()
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.put((headers, json.loads(body)))

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?a=b"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def test_an_address_is_asked_confirms_by_the_link_and_gets_messages(sns: Any, receiver: Receiver):
    topic = sns.create_topic(Name="done")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    headers, asked = receiver.got.get(timeout=60)
    assert headers["x-amz-sns-message-type"] == asked["Type"] == "SubscriptionConfirmation"
    with urllib.request.urlopen(asked["SubscribeURL"], timeout=60) as answer:
        assert answer.status == 200

    sent = sns.publish(TopicArn=topic, Message="hello", Subject="Snapshot done")
    headers, got = receiver.got.get(timeout=60)
    assert headers["x-amz-sns-message-type"] == got["Type"] == "Notification"
    assert headers["x-amz-sns-topic-arn"] == topic
    assert (got["MessageId"], got["Subject"], got["Message"]) == (
        sent["MessageId"],
        "Snapshot done",
        "hello",
    )
    with urllib.request.urlopen(got["UnsubscribeURL"], timeout=60) as answer:
        assert answer.status == 200
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_an_address_that_fails_is_tried_again(
    sns: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(web, "PAUSE", 0.0)
    receiver.answers = [500, 503]
    topic = sns.create_topic(Name="done")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    ids = [receiver.got.get(timeout=60)[1]["MessageId"] for _ in range(3)]
    assert len(set(ids)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "http://127.0.0.1.example.org/",
        "http://127.0.0.1@example.org/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
    ],
)
def test_the_world_gets_no_request(url: str):
    assert not web.send(url, {"Type": "Notification"}, None)
