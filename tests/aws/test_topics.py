"""Listing a thousand topics is cheap, and what is not read every time is not lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from app.aws import queues, topics
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.listing import Rota
from tests.aws.answers import model, written
from tests.aws.recorder import Recorder, Reply, Request
from tests.aws.samples import REGION

ACCOUNT, OTHER = "123456789012", "999999999999"


def arn(name: object) -> str:
    return f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"


def subscription(topic: str, endpoint: str, owner: str = ACCOUNT) -> dict[str, str]:
    return {
        "SubscriptionArn": f"{topic}:{endpoint}",
        "Owner": owner,
        "Protocol": "sqs",
        "Endpoint": endpoint,
        "TopicArn": topic,
    }


class Sns:
    """An SNS with some topics, ten on a page."""

    def __init__(self, *names: object) -> None:
        self.topics = [arn(name) for name in names]
        self.subscriptions: list[dict[str, str]] = []
        self.gone: set[str] = set()

    def __call__(self, request: Request) -> Reply:
        data = getattr(self, request.operation)(request.parameters)
        if data is None:
            error = "<Error><Code>NotFound</Code><Message>gone</Message></Error>"
            return Reply(404, f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>")
        return Reply(200, written(data, model("sns", request.operation)).decode())

    def ListTopics(self, asked: dict[str, str]) -> dict[str, Any]:
        start = int(asked.get("NextToken", 0))
        more = {"NextToken": str(start + 10)} if start + 10 < len(self.topics) else {}
        some = self.topics[start : start + 10]
        return {"Topics": [{"TopicArn": topic} for topic in some], **more}

    def ListSubscriptions(self, asked: dict[str, str]) -> dict[str, Any]:
        return {"Subscriptions": [each for each in self.subscriptions if each["Owner"] == ACCOUNT]}

    def ListSubscriptionsByTopic(self, asked: dict[str, str]) -> dict[str, Any]:
        found = [each for each in self.subscriptions if each["TopicArn"] == asked["TopicArn"]]
        return {"Subscriptions": found[::-1]}

    def GetTopicAttributes(self, asked: dict[str, str]) -> dict[str, Any] | None:
        if asked["TopicArn"] in self.gone:
            return None
        return {"Attributes": {"DisplayName": f"about {asked['TopicArn']}"}}

    def GetSubscriptionAttributes(self, asked: dict[str, str]) -> dict[str, Any] | None:
        if asked["SubscriptionArn"] in self.gone:
            return None
        more = {"RedrivePolicy": '{"deadLetterTargetArn": "arn:dlq"}', "Owner": ACCOUNT}
        return {"Attributes": more}

    def ListTagsForResource(self, asked: dict[str, str]) -> dict[str, Any]:
        return {"Tags": [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]}


@pytest.fixture
def sns(recorder: Recorder) -> Sns:
    recorder.answer = made = Sns(*range(35))
    return made


def listed(lister: topics._Topics, clients: Clients) -> dict[str, dict[str, Any]]:
    found = [topic for page in lister.pages(clients, REGION, ACCOUNT) for topic in page]
    assert len({topic["TopicArn"] for topic in found}) == len(found)
    return {topic["TopicArn"]: topic for topic in found}


def calls(recorder: Recorder) -> Counter[str]:
    return Counter(request.operation for request in recorder.taken())


def test_of_many_topics_a_refresh_reads_the_details_of_some(
    sns: Sns, recorder: Recorder, clients: Clients
) -> None:
    lister = topics._Topics(Rota(new=20, again=5))
    found = listed(lister, clients)
    assert found.keys() == set(sns.topics)
    assert sum(topics.TAGS in topic for topic in found.values()) == 20
    assert calls(recorder) == {
        "ListTopics": 4,
        "ListSubscriptions": 1,
        "GetTopicAttributes": 20,
        "ListTagsForResource": 20,
        "ListSubscriptionsByTopic": 20,
    }
    second = listed(lister, clients)
    told = {key for key, topic in second.items() if topics.TAGS in topic}
    assert {key for key, topic in found.items() if topics.TAGS not in topic} < told
    assert len(told) == 15 + 5
    recorder.taken()
    listed(lister, clients)
    assert calls(recorder)["GetTopicAttributes"] == 5


def test_of_a_few_topics_a_refresh_reads_everything(recorder: Recorder, clients: Clients) -> None:
    recorder.answer = Sns("a", "b")
    lister = topics._Topics(Rota())
    for _ in range(3):
        assert all(topics.ATTRIBUTES in topic for topic in listed(lister, clients).values())


def test_a_topic_is_described_alike_whichever_way_it_is_read(sns: Sns, clients: Clients) -> None:
    first = sns.topics[0]
    sns.subscriptions = [
        subscription(first, "queue-b"),
        subscription(first, "queue-a"),
        subscription(first, "theirs", OTHER),
        subscription(sns.topics[1], "queue-a"),
    ]
    lister = topics._Topics(Rota(new=0, again=0))
    bare = listed(lister, clients)[first]
    (whole,) = lister.read(clients, REGION, ACCOUNT, [first])
    assert [each["Endpoint"] for each in bare[topics.OWN]] == ["queue-a", "queue-b"]
    assert {**whole, **bare} == whole
    assert [each["Endpoint"] for each in whole[topics.OTHERS]] == ["theirs"]
    assert [tag["Key"] for tag in whole[topics.TAGS]] == ["a", "b"]
    assert topics.confirmed(whole) == 3
    all_due = topics._Topics(Rota(new=100))
    assert listed(all_due, clients)[first] == whole


def test_what_becomes_of_undelivered_messages_is_read_of_some_subscriptions(
    sns: Sns, recorder: Recorder, clients: Clients
) -> None:
    first = sns.topics[0]
    sns.subscriptions = [subscription(first, f"queue-{number:02}") for number in range(12)]
    sns.gone = {f"{first}:queue-03"}
    (whole,) = topics._Topics(Rota()).read(clients, REGION, ACCOUNT, [first])
    told = whole[topics.SETTINGS]
    assert calls(recorder)["GetSubscriptionAttributes"] == 10
    assert f"{first}:queue-03" not in told
    assert told[f"{first}:queue-00"] == {"RedrivePolicy": '{"deadLetterTargetArn": "arn:dlq"}'}


def test_what_is_not_read_with_every_refresh_is_an_extra(sns: Sns, clients: Clients) -> None:
    """The inventory keeps extras, whose names begin with _, when a reading comes without."""
    lister = topics._Topics(Rota(new=1, again=0))
    found = listed(lister, clients)
    whole = next(topic for topic in found.values() if topics.TAGS in topic)
    bare = next(topic for topic in found.values() if topics.TAGS not in topic)
    assert all(key.startswith("_") for key in whole.keys() - bare.keys())


def test_a_topic_that_goes_while_it_is_read_is_not_there(sns: Sns, clients: Clients) -> None:
    sns.gone = {sns.topics[3]}
    lister = topics._Topics(Rota())
    assert listed(lister, clients).keys() == set(sns.topics) - sns.gone
    assert lister.read(clients, REGION, ACCOUNT, [sns.topics[3]]) == []


def test_a_refusal_of_the_subscriptions_is_no_list_without_them(
    sns: Sns, recorder: Recorder, clients: Clients
) -> None:
    recorder.answer = lambda request: (
        Reply(403, "<ErrorResponse><Error><Code>AuthorizationError</Code></Error></ErrorResponse>")
        if request.operation == "ListSubscriptions"
        else sns(request)
    )
    with pytest.raises(AwsError) as caught:
        listed(topics._Topics(Rota()), clients)
    assert caught.value.trouble == "refused"


class Sqs:
    """An SQS with a few queues."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def __call__(self, request: Request) -> Reply:
        return Reply(200, getattr(self, request.operation)(request.parameters))

    def ListQueues(self, asked: dict[str, Any]) -> str:
        urls = ", ".join(f'"http://sqs/{name}"' for name in self.names)
        return f'{{"QueueUrls": [{urls}]}}'

    def GetQueueAttributes(self, asked: dict[str, Any]) -> str:
        name = asked["QueueUrl"].rpartition("/")[2]
        return f'{{"Attributes": {{"QueueArn": "arn:{name}", "ApproximateNumberOfMessages": "1"}}}}'

    def ListQueueTags(self, asked: dict[str, Any]) -> str:
        return '{"Tags": {"b": "2", "a": "1"}}'


def test_the_counts_of_every_queue_are_read_and_the_tags_of_some(
    recorder: Recorder, clients: Clients
) -> None:
    recorder.answer = Sqs("a", "b", "c", "d")
    lister = queues._Queues(Rota(new=3, again=1))
    for tagged in (3, 2, 1, 1):
        found = [each for page in lister.pages(clients, REGION, ACCOUNT) for each in page]
        assert [queue["QueueArn"] for queue in found] == ["arn:a", "arn:b", "arn:c", "arn:d"]
        assert all(queue["Attributes"]["ApproximateNumberOfMessages"] == "1" for queue in found)
        assert sum(queues.TAGS in queue for queue in found) == tagged
        counted = calls(recorder)
        assert (counted["GetQueueAttributes"], counted["ListQueueTags"]) == (4, tagged)


def test_everybody_comes_round() -> None:
    rota, ids = Rota(new=2, again=2), [str(number) for number in range(7)]
    rounds = []
    for _ in range(20):
        due = rota.due(REGION, ACCOUNT, ids)
        for each in due:
            rota.done(REGION, ACCOUNT, each)
        rounds.append(due)
    assert set().union(*rounds[:4]) == set(ids)
    for start in range(4, 16):
        assert set().union(*rounds[start : start + 4]) == set(ids)


def test_what_is_gone_is_forgotten_and_regions_are_apart() -> None:
    rota = Rota(new=1, again=1)
    rota.done(REGION, ACCOUNT, "a")
    assert rota.due("elsewhere", ACCOUNT, ["a", "b"]) == {"a"}
    assert rota.due(REGION, ACCOUNT, ["a", "b"]) == {"a", "b"}
    assert rota.due(REGION, ACCOUNT, ["b"]) == {"b"}
    assert rota._read[REGION, ACCOUNT] == {}


def test_what_was_not_read_after_all_is_due_again() -> None:
    rota = Rota(new=1, again=0)
    assert rota.due(REGION, ACCOUNT, ["a", "b"]) == {"a"}
    assert rota.due(REGION, ACCOUNT, ["a", "b"]) == {"a"}
