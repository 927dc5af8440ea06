"""What is being made right now, read by its state: a small answer, however much there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import jmespath

from app.aws.call import Call
from app.aws.clients import Clients
from app.aws.listing import PAGE_SIZE, Description


@dataclass(frozen=True)
class UnderWay:
    """How EC2 is asked for what of a kind is in one of ``states``, or, without any, for all.

    ``items`` is the JMESPath of the resources in an answer; ``owner`` the key that must name our
    account, for emulators that ignore Owners.
    """

    operation: str
    items: str
    state_filter: str = ""
    states: tuple[str, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    owner: str = ""

    def read(self, clients: Clients, region: str, account: str) -> list[Description]:
        """Their descriptions, in one call for each thousand. Raises AwsError."""
        wanted = [{"Name": self.state_filter, "Values": list(self.states)}]
        filters = {"Filters": wanted} if self.states else {}
        asked = {**self.parameters, **filters, "MaxResults": PAGE_SIZE}
        found: list[Description] = []
        for answer in Call("ec2", self.operation, region, asked).pages(clients):
            found += jmespath.search(self.items, answer) or []
        return [one for one in found if not self.owner or one.get(self.owner, account) == account]


UNDER_WAY = {
    "snapshot": UnderWay(
        "DescribeSnapshots",
        "Snapshots[]",
        "status",
        ("pending",),
        {"OwnerIds": ["self"]},
        "OwnerId",
    ),
    "image": UnderWay(
        "DescribeImages", "Images[]", "state", ("pending",), {"Owners": ["self"]}, "OwnerId"
    ),
    "volume": UnderWay("DescribeVolumes", "Volumes[]", "status", ("creating",)),
    # One that runs again after it was stopped is on its way to being stopped again.
    "instance": UnderWay("DescribeInstances", "Reservations[].Instances[]"),
}
