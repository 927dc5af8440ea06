"""How a kind of resource is listed: all of them page by page, or a few by id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jmespath

from app.aws.call import Call
from app.aws.clients import Clients

Description = dict[str, Any]
FILTER_VALUES = 200  # EC2 takes at most 200 values in a filter
PAGE_SIZE = 1000


@dataclass(frozen=True)
class Listing:
    """The two ways to read a kind.

    ``pages(clients, region, account)`` gives every resource of the kind, a list per page.
    ``read(clients, region, account, ids)`` gives those of ``ids`` that exist; an absent one is
    simply not there. Both give plain data and raise AwsError.
    """

    pages: Callable[[Clients, str, str], Iterator[list[Description]]]
    read: Callable[[Clients, str, str, Sequence[str]], list[Description]]


def ec2_listing(
    operation: str,
    items: str,
    id_filter: str,
    parameters: Mapping[str, Any] | None = None,
    owner: str = "",
    paged: bool = True,
) -> Listing:
    """The listing of an EC2 Describe operation.

    ``items`` is the JMESPath of the resources in an answer; ``id_filter`` the filter that takes
    ids (asking by filter does not fail for an id that is gone); ``owner`` the key that must name
    our account, for emulators that ignore Owners.
    """
    find = jmespath.compile(items)
    fixed = dict(parameters or {})

    def pick(answer: Description, account: str) -> list[Description]:
        found: list[Description] = find.search(answer) or []
        return [item for item in found if not owner or item.get(owner, account) == account]

    def pages(clients: Clients, region: str, account: str) -> Iterator[list[Description]]:
        size = {"MaxResults": PAGE_SIZE} if paged else {}
        for answer in Call("ec2", operation, region, {**fixed, **size}).pages(clients):
            yield pick(answer, account)

    def read(clients: Clients, region: str, account: str, ids: Sequence[str]) -> list[Description]:
        found: list[Description] = []
        for start in range(0, len(ids), FILTER_VALUES):
            wanted = [{"Name": id_filter, "Values": list(ids[start : start + FILTER_VALUES])}]
            call = Call("ec2", operation, region, {**fixed, "Filters": wanted})
            for answer in call.pages(clients):
                found += pick(answer, account)
        return found

    return Listing(pages, read)
