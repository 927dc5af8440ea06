"""How a kind of resource is listed: all of them page by page, or a few by id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, TypeVar

import jmespath

from app.aws.call import Call
from app.aws.clients import Clients

Description = dict[str, Any]
Item = TypeVar("Item")
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


class Rota:
    """Whose details a refresh reads, where they take calls of their own for each resource.

    Of a few resources everything is read with every refresh. Of many, ``new`` of those that this
    process has not read yet, and ``again`` of the others, those first that were read longest ago.
    What is not read stays as the inventory has it: details are extras, their keys begin with _.
    """

    def __init__(self, new: int = 100, again: int = 25) -> None:
        self._new, self._again = new, again
        self._read: dict[tuple[str, str], dict[str, int]] = {}
        self._turns = count()

    def due(self, region: str, account: str, ids: Sequence[str]) -> set[str]:
        """Those of ``ids``, all that there are, whose details are to be read now."""
        held = self._read.get((region, account), {})
        known = {each: held[each] for each in ids if each in held}
        self._read[region, account] = known
        new = [each for each in ids if each not in known]
        return {*new[: self._new], *sorted(known, key=known.__getitem__)[: self._again]}

    def done(self, region: str, account: str, resource_id: str) -> None:
        """The details of one have been read."""
        self._read.setdefault((region, account), {})[resource_id] = next(self._turns)


def in_parts(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """``items`` in lists of at most ``size``."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


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
        for some in in_parts(ids, FILTER_VALUES):
            wanted = [{"Name": id_filter, "Values": some}]
            call = Call("ec2", operation, region, {**fixed, "Filters": wanted})
            for answer in call.pages(clients):
                found += pick(answer, account)
        return found

    return Listing(pages, read)
