"""Searching public images, of which there are very many."""

from __future__ import annotations

from app.aws import images
from app.aws.clients import Clients
from tests.aws.recorder import Recorder, Reply, Request
from tests.aws.samples import REGION


def pages(request: Request) -> Reply:
    """Endless pages; every third holds one image, a later one a newer one."""
    number = int(request.parameters.get("NextToken", "0"))
    item = (
        f"<item><imageId>ami-{number}</imageId><creationDate>2026-01-{number + 1:02}</creationDate>"
        "</item>"
    )
    found = item if number % 3 == 2 else ""
    return Reply(
        200,
        f"<DescribeImagesResponse><imagesSet>{found}</imagesSet>"
        f"<nextToken>{number + 1}</nextToken></DescribeImagesResponse>",
    )


def test_empty_pages_are_not_taken_for_the_end_but_there_is_one(
    recorder: Recorder, clients: Clients
) -> None:
    recorder.answer = pages
    found = images.find_public(clients, REGION)
    assert [image["ImageId"] for image in found] == [
        f"ami-{number}" for number in (17, 14, 11, 8, 5, 2)
    ]
    assert len(recorder.taken()) == images.PUBLIC_PAGES


def test_only_the_terms_that_were_given_are_asked_for(recorder: Recorder, clients: Clients) -> None:
    images.find_public(clients, REGION, owner="099720109477", name="noble")
    (request,) = recorder.taken()
    assert request.parameters == {
        "Owner.1": "099720109477",
        "MaxResults": "1000",
        "Filter.1.Name": "is-public",
        "Filter.1.Value.1": "true",
        "Filter.2.Name": "state",
        "Filter.2.Value.1": "available",
        "Filter.3.Name": "name",
        "Filter.3.Value.1": "*noble*",
    }


def test_wildcards_of_the_persons_own_are_left_as_they_are(
    recorder: Recorder, clients: Clients
) -> None:
    images.find_public(clients, REGION, name="ubuntu-?oble*")
    (request,) = recorder.taken()
    assert request.parameters["Filter.3.Value.1"] == "ubuntu-?oble*"


def test_an_image_that_is_not_there_is_none(recorder: Recorder, clients: Clients) -> None:
    assert images.read_any(clients, REGION, "ami-gone") is None
