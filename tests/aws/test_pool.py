"""The clients that are kept, and EC2's description that is cut for them."""

from __future__ import annotations

import botocore.session
from botocore.model import ServiceModel

from app.aws import models
from app.aws.clients import Clients
from app.aws.operations import OPERATIONS
from app.aws.pool import Pool
from tests.aws.recorder import Recorder


class Client:
    closed = False

    def close(self) -> None:
        self.closed = True


def test_the_client_that_was_not_used_for_longest_goes() -> None:
    pool = Pool(2)
    first, second, third = Client(), Client(), Client()
    pool.put(("a", 1), first)
    pool.put(("a", 2), second)
    assert pool.get(("a", 1)) is first
    pool.put(("b", 1), third)
    assert pool.get(("a", 2)) is None
    assert [each.closed for each in (first, second, third)] == [False, True, False]


def test_an_owners_clients_are_dropped_and_the_others_stay() -> None:
    pool = Pool()
    mine, yours = Client(), Client()
    pool.put(("me", 1), mine)
    pool.put(("you", 1), yours)
    pool.drop("me")
    assert (mine.closed, yours.closed) == (True, False)
    assert len(pool) == 1


def test_a_client_that_was_dropped_while_it_was_held_still_answers(recorder: Recorder) -> None:
    pool = Pool(1)
    clients = Clients(recorder.url, pool=pool)
    held = clients.client("sns", "us-east-1")
    clients.client("sns", "eu-west-1")
    assert pool.get((clients, "sns", "us-east-1", "read")) is None
    held.list_topics()
    assert [request.region for request in recorder.taken()] == ["us-east-1"]


def test_accounts_share_one_pool(recorder: Recorder) -> None:
    pool = Pool(3)
    for clients in [Clients(recorder.url, pool=pool) for _ in range(2)]:
        for region in ("us-east-1", "eu-west-1"):
            clients.client("sns", region)
    assert len(pool) == 3


def test_the_cut_description_of_ec2_says_of_our_operations_what_botocores_says() -> None:
    whole = ServiceModel(
        botocore.session.Session()
        .get_component("data_loader")
        .load_service_model("ec2", "service-2"),
        "ec2",
    )
    ours = {name for service, name in OPERATIONS if service == "ec2"}
    cut = models.loader().load_service_model("ec2", "service-2")
    assert set(cut["operations"]) == ours
    assert len(cut["shapes"]) < len(whole.shape_names) / 4
    for name in ours:
        theirs, mine = whole.operation_model(name), models.operation_model("ec2", name)
        for shape in ("input_shape", "output_shape"):
            assert str(_spelled(getattr(mine, shape))) == str(_spelled(getattr(theirs, shape)))


def _spelled(shape: object, above: tuple[str, ...] = ()) -> object:
    """A shape with all that is in it, as text can tell it."""
    name = getattr(shape, "name", "")
    if shape is None or name in above:
        return name
    inner = {
        each: _spelled(member, (*above, name))
        for each, member in getattr(shape, "members", {}).items()
    }
    for part in ("member", "key", "value"):
        if hasattr(shape, part):
            inner[part] = _spelled(getattr(shape, part), (*above, name))
    return name, getattr(shape, "type_name", ""), getattr(shape, "serialization", {}), inner
