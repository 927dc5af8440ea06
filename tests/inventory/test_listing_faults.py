"""What an endpoint can get wrong while it lists: nothing is lost by it, and nothing invented."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from app.aws import call as call_module
from app.aws import topics
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.listing import Rota
from app.inventory import Inventory
from app.inventory.timeline import ActivityQuery
from app.resources import RESOURCES
from tests.aws.recorder import Recorder, Reply, ec2_error
from tests.aws.test_topics import Sns
from tests.inventory.boxes import ACCOUNT, Clock

DATABASES = ("sqlite",)  # the same on every one

REGION = "us-east-1"
Pages = dict[str, Reply]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[tuple[Recorder, Clients]]:
    with Recorder() as recorder:
        yield recorder, Clients(recorder.url)


@pytest.fixture
def inventory(engine: Engine, clock: Clock) -> Inventory:
    return Inventory(engine, RESOURCES, clock)


@pytest.fixture
def refresh(
    endpoint: tuple[Recorder, Clients], inventory: Inventory, clock: Clock
) -> Callable[[Pages], None]:
    """Refreshes volumes from these pages, by the token that asks for each; a minute later."""
    recorder, clients = endpoint

    def do(pages: Pages) -> None:
        recorder.answer = lambda request: pages[request.parameters.get("NextToken", "")]
        now = clock.move(120)
        listed = RESOURCES["volume"].listing.pages(clients, REGION, ACCOUNT)
        inventory.store_all("volume", ACCOUNT, REGION, listed, now)

    return do


def page(*volumes: str, token: str = "") -> Reply:
    """A page of volumes, each as XML or as the number of its id."""
    items = "".join(
        f"<item>{each if '<' in each else f'<volumeId>vol-{each}</volumeId><size>8</size>'}</item>"
        for each in volumes
    )
    more = f"<nextToken>{token}</nextToken>" if token else ""
    name = "DescribeVolumesResponse"
    return Reply(200, f"<{name}><volumeSet>{items}</volumeSet>{more}</{name}>")


WHOLE = {"": page("1", "2", token="a"), "a": page("3", token="b"), "b": page("4")}
ALL = {"vol-1", "vol-2", "vol-3", "vol-4"}


def there(inventory: Inventory) -> set[str]:
    return {row.id for row in inventory.all("volume")}


def changes(inventory: Inventory) -> list[tuple[str, str, str | None, str | None]]:
    found = inventory.activity(ActivityQuery(), limit=100)
    return [(each.id, each.field, each.before, each.after) for each in found]


def test_a_page_that_comes_twice_makes_nothing_twice(
    refresh: Callable[[Pages], None], inventory: Inventory
) -> None:
    refresh({**WHOLE, "a": page("1", "2", token="a2"), "a2": page("3", token="b")})
    refresh(WHOLE)
    assert there(inventory) == ALL
    assert changes(inventory) == []


def test_of_an_id_that_comes_twice_the_last_word_counts(
    refresh: Callable[[Pages], None], inventory: Inventory
) -> None:
    refresh(WHOLE)
    later = "<volumeId>vol-1</volumeId><size>9</size>"
    refresh({**WHOLE, "b": page("4", later, later)})
    assert there(inventory) == ALL
    assert changes(inventory) == [("vol-1", "size", "8", "9")]


def test_an_empty_page_with_a_token_is_not_the_end(
    refresh: Callable[[Pages], None], inventory: Inventory
) -> None:
    refresh(WHOLE)
    refresh({**WHOLE, "": page(token="0"), "0": page("1", "2", token="a")})
    assert there(inventory) == ALL


@pytest.mark.parametrize(
    "reply",
    [
        ec2_error("InvalidNextToken", "The token has expired."),
        ec2_error("InvalidParameterValue", "Unable to parse pagination token"),
        ec2_error("InternalError", status=500),
        Reply(200, "<html>Sign in</html>"),
        Reply(200, WHOLE["a"].body[:-40]),
        Reply(200, WHOLE["a"].body.replace("8", "eight")),
    ],
    ids=["expired", "unknown", "internal", "html", "truncated", "no number"],
)
def test_a_page_that_fails_half_way_takes_nothing_away(
    reply: Reply,
    refresh: Callable[[Pages], None],
    inventory: Inventory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # botocore's, between its attempts
    refresh(WHOLE)
    with pytest.raises(AwsError):
        refresh({"": page("1", token="a"), "a": reply})
    assert there(inventory) == ALL
    assert changes(inventory) == []
    refresh({"": page("1")})
    assert there(inventory) == {"vol-1"}


def test_tokens_without_end_take_nothing_away(
    endpoint: tuple[Recorder, Clients],
    refresh: Callable[[Pages], None],
    inventory: Inventory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(call_module, "MOST_PAGES", 10)
    refresh(WHOLE)
    with pytest.raises(AwsError, match="does not come to an end"):
        refresh({str(n or ""): page("1", token=str(n + 1)) for n in range(20)})
    assert there(inventory) == ALL


def test_what_has_no_id_is_left_out_and_what_has_no_more_is_shown(
    refresh: Callable[[Pages], None], inventory: Inventory
) -> None:
    bare, nameless = "<volumeId>vol-9</volumeId>", "<size>8</size><status>in-use</status>"
    odd = "<volumeId>vol-8</volumeId><status>levitating</status><news>1</news><tagSet/>"
    refresh({"": page(bare, nameless, odd, "<volumeId/>")})
    assert there(inventory) == {"vol-8", "vol-9"}
    row = inventory.get("volume", "vol-8")
    assert row is not None
    assert (row.state, row.state_class) == ("levitating", "changing")


def test_details_of_a_topic_that_are_not_read_again_stay_and_make_no_change(
    endpoint: tuple[Recorder, Clients], inventory: Inventory, clock: Clock
) -> None:
    recorder, clients = endpoint
    recorder.answer = sns = Sns(*range(12))
    lister = topics._Topics(Rota(new=5, again=0))
    tagged = []
    for _ in range(4):
        listed = lister.pages(clients, REGION, ACCOUNT)
        inventory.store_all("topic", ACCOUNT, REGION, listed, clock.move(120))
        rows = inventory.all("topic")
        assert {row.id for row in rows} == set(sns.topics)
        tagged.append(sum(row.tags == {"a": "1", "b": "2"} for row in rows))
    assert tagged == [5, 10, 12, 12]
    assert changes(inventory) == []
