"""How kinds are listed: whole, page by page, or a few by id, and only what is ours."""

from __future__ import annotations

import pytest

from app.aws import (
    images,
    instances,
    key_pairs,
    queues,
    security_groups,
    snapshots,
    topics,
    volumes,
)
from app.aws.clients import Clients
from app.aws.errors import AwsError
from app.aws.listing import Listing
from tests.aws.recorder import Recorder, Reply, Request, ec2_error
from tests.aws.samples import REGION

ACCOUNT = "123456789012"
EC2 = {
    "images": (images.LISTING, "image-id"),
    "instances": (instances.LISTING, "instance-id"),
    "key pairs": (key_pairs.LISTING, "key-pair-id"),
    "security groups": (security_groups.LISTING, "group-id"),
    "snapshots": (snapshots.LISTING, "snapshot-id"),
    "volumes": (volumes.LISTING, "volume-id"),
}
ALL = {**{name: listing for name, (listing, _) in EC2.items()}, "topics": topics.LISTING}
ALL["queues"] = queues.LISTING


def owned(request: Request) -> Reply:
    """Two snapshots: one of ours, one of somebody else's, whatever was asked for."""
    items = "".join(
        f"<item><snapshotId>snap-{owner}</snapshotId><ownerId>{owner}</ownerId></item>"
        for owner in (ACCOUNT, "999999999999")
    )
    return Reply(
        200,
        f"<DescribeSnapshotsResponse><snapshotSet>{items}</snapshotSet></DescribeSnapshotsResponse>",
    )


def values(request: Request) -> list[str]:
    return [
        value for name, value in request.parameters.items() if name.startswith("Filter.1.Value.")
    ]


@pytest.mark.parametrize("listing", ALL.values(), ids=ALL)
def test_reading_no_ids_asks_nothing(
    listing: Listing, recorder: Recorder, clients: Clients
) -> None:
    """To AWS, an empty list of ids means: describe everything."""
    assert listing.read(clients, REGION, ACCOUNT, []) == []
    assert recorder.taken() == []


@pytest.mark.parametrize(("listing", "name"), EC2.values(), ids=EC2)
def test_ids_are_asked_for_by_filter_at_most_200_at_a_time(
    listing: Listing, name: str, recorder: Recorder, clients: Clients
) -> None:
    ids = [f"id-{number}" for number in range(401)]
    assert listing.read(clients, REGION, ACCOUNT, ids) == []
    taken = recorder.taken()
    assert [len(values(request)) for request in taken] == [200, 200, 1]
    assert sorted(value for request in taken for value in values(request)) == sorted(ids)
    assert {request.parameters["Filter.1.Name"] for request in taken} == {name}
    assert not any("MaxResults" in request.parameters for request in taken)


@pytest.mark.parametrize(
    ("listing", "parameters"),
    [
        (images.LISTING, {"Owner.1": "self", "MaxResults": "1000"}),
        (snapshots.LISTING, {"Owner.1": "self", "MaxResults": "1000"}),
        (instances.LISTING, {"MaxResults": "1000"}),
        (volumes.LISTING, {"MaxResults": "1000"}),
        (key_pairs.LISTING, {}),
        (security_groups.LISTING, {"MaxResults": "1000"}),
    ],
)
def test_a_kind_is_listed_in_pages_and_only_our_own(
    listing: Listing, parameters: dict[str, str], recorder: Recorder, clients: Clients
) -> None:
    assert list(listing.pages(clients, REGION, ACCOUNT)) == [[]]
    assert [request.parameters for request in recorder.taken()] == [parameters]


def test_what_belongs_to_others_is_left_out_where_the_endpoint_ignores_owners(
    recorder: Recorder, clients: Clients
) -> None:
    recorder.answer = owned
    ours = f"snap-{ACCOUNT}"
    (page,) = snapshots.LISTING.pages(clients, REGION, ACCOUNT)
    assert [snapshot["SnapshotId"] for snapshot in page] == [ours]
    read = snapshots.LISTING.read(clients, REGION, ACCOUNT, [ours])
    assert [snapshot["SnapshotId"] for snapshot in read] == [ours]


def test_an_id_that_is_gone_is_simply_absent(recorder: Recorder, clients: Clients) -> None:
    assert volumes.LISTING.read(clients, REGION, ACCOUNT, ["vol-gone"]) == []


@pytest.mark.parametrize("listing", ALL.values(), ids=ALL)
def test_a_refusal_is_raised_and_not_an_empty_list(
    listing: Listing, recorder: Recorder, clients: Clients
) -> None:
    recorder.answer = lambda request: (
        Reply(403, '{"__type": "com.amazonaws.sqs#AccessDenied", "message": "no"}')
        if request.service == "sqs"
        else Reply(403, sns_refusal() if request.service == "sns" else refusal())
    )
    with pytest.raises(AwsError) as caught:
        list(listing.pages(clients, REGION, ACCOUNT))
    assert caught.value.trouble == "refused"
    with pytest.raises(AwsError) as caught:
        listing.read(clients, REGION, ACCOUNT, [f"arn:aws:sns:{REGION}:{ACCOUNT}:name"])
    assert caught.value.trouble == "refused"


def refusal() -> str:
    return ec2_error("UnauthorizedOperation").body


def sns_refusal() -> str:
    error = "<Error><Code>AuthorizationError</Code><Message>no</Message></Error>"
    return f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"
