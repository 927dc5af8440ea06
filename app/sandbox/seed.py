"""The account to begin with: small, believable, and with a past.

It is made with the sandbox's own operations, each at the time it is said to have happened, so
whatever is in it came about as it would have in AWS.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from app.sandbox import account, catalogue, clock
from app.sandbox.settings import SandboxSettings

WEEKLY = (42, 35, 28, 21, 14, 7)
Tags = dict[str, str]


def plant(settings: SandboxSettings) -> None:
    """Fill empty accounts: the first region of the first one, and a little elsewhere."""
    _main_region(Region(settings, settings.regions[0]))
    for name in settings.regions[1:2]:
        _second_region(Region(settings, name))
    for account_id in settings.all_accounts[1:]:
        _second_region(Region(replace(settings, account_id=account_id), settings.regions[0]))


class Region:
    """One region of the account being made: its operations, at any time in the past."""

    def __init__(self, settings: SandboxSettings, name: str) -> None:
        self.settings = settings
        self.name = name
        self.now = clock.now()
        self.ec2 = account.backend("ec2", settings.account_id, name)
        zones = sorted(zone.name for zone in self.ec2.describe_availability_zones())
        self.zone_a, self.zone_b = (zones * 2)[:2]

    def call(self, days: float, operation: str, **parameters: Any) -> dict[str, Any]:
        """Do an EC2 operation as of so many days ago, and everything that was due before it."""
        from app.sandbox.ec2 import agenda, dispatch, request

        with clock.at(self.moment(days)):
            agenda.settle(self.ec2)
            asked = request.Request(operation, parameters, self.ec2, self.settings)
            return dispatch.perform(asked)

    def moment(self, days: float) -> datetime:
        """So many days ago, at a time of day of its own: not everything happened at noon."""
        return self.now - timedelta(days=days, seconds=int(days * 58_631) % 36_000)

    def first_type(self, kinds: str) -> str | None:
        """The first of some types, `a or b`, that this region has; None when it has none."""
        from app.sandbox.ec2 import instance_types

        for kind in kinds.split(" or "):
            if instance_types.find(kind, self.name) is not None:
                return kind
        return None

    def service(self, name: str) -> Any:
        """moto's backend of another service in this region."""
        return account.backend(name, self.settings.account_id, self.name)


def _main_region(region: Region) -> None:
    for key, days in (("ops", 410), ("deploy", 70)):
        region.call(days, "CreateKeyPair", KeyName=key, KeyType="ed25519")
    web, database = _groups(region)
    _legacy(region)
    web_1 = _web(region, "web-1", region.zone_a, web)
    _web(region, "web-2", region.zone_b, web)
    db_1, data = _database(region, database)
    _worker(region)
    _bastion(region)
    _image(region, 50, db_1, "db-base", "Database server, after the move to 24.04")
    _image(region, 25, web_1, "web-base", "Web server with all packages")
    _left_over(region)
    _snapshots(region, web_1, data)
    _topics(region)


def _second_region(region: Region) -> None:
    region.call(70, "CreateKeyPair", KeyName="deploy", KeyType="ed25519")
    tags = _tags("web-eu-1", "shop", "prod")
    web = _launch(
        region, 31, "noble-24.04-amd64", "t3.small or m5.large", region.zone_a, "deploy", tags
    )
    for days in (16, 2):
        _snapshot(region, days, _root_volume(region, web), "web-eu-1 before the update", tags)


def _tags(name: str, team: str, env: str) -> Tags:
    return {"Name": name, "team": team, "env": env}


def _specified(*kinds: str, tags: Tags) -> list[dict[str, Any]]:
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return [{"ResourceType": kind, "Tags": pairs} for kind in kinds]


def _launch(
    region: Region,
    days: float,
    image: str,
    kind: str,
    zone: str,
    key: str,
    tags: Tags,
    **more: Any,
) -> str:
    public = catalogue.find(image)
    kinds = ("instance", "volume") if public.size else ("instance",)
    answer = region.call(
        days,
        "RunInstances",
        ImageId=public.image_id(region.name),
        InstanceType=region.first_type(kind),
        MinCount=1,
        MaxCount=1,
        KeyName=key,
        Placement={"AvailabilityZone": zone},
        MetadataOptions={"HttpTokens": "required"},
        TagSpecifications=_specified(*kinds, tags=tags),
        **more,
    )
    return str(answer["Instances"][0]["InstanceId"])


def _groups(region: Region) -> tuple[str, str]:
    """Two security groups: the web servers' is open to all, the databases' to the web servers."""
    web = region.ec2.create_security_group("web", "Web servers", tags={"team": "shop"})
    everybody = [{"CidrIp": "0.0.0.0/0", "Description": "everybody"}]
    for port in ("80", "443"):
        region.ec2.authorize_security_group_ingress(web.id, "tcp", port, port, everybody)
    database = region.ec2.create_security_group("db", "Databases", tags={"team": "shop"})
    region.ec2.authorize_security_group_ingress(
        database.id, "tcp", "5432", "5432", [], source_groups=[{"GroupId": web.id}]
    )
    return str(web.id), str(database.id)


def _web(region: Region, name: str, zone: str, group: str) -> str:
    tags = _tags(name, "shop", "prod")
    kinds = "t3.small or m5.large"
    groups = {"SecurityGroupIds": [group]}
    return _launch(region, 62, "noble-24.04-amd64", kinds, zone, "deploy", tags, **groups)


def _database(region: Region, group: str) -> tuple[str, str]:
    tags = _tags("db-1", "shop", "prod")
    disks = [
        {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}},
    ]
    db_1 = _launch(
        region,
        60,
        "noble-24.04-amd64",
        "m6i.large or m5.large or m7i.large",
        region.zone_a,
        "ops",
        tags,
        BlockDeviceMappings=disks,
        DisableApiTermination=True,
        SecurityGroupIds=[group],
    )
    data = _volume(region, 60, 100, "gp3", _tags("db-1-data", "shop", "prod"))
    region.call(59.9, "AttachVolume", VolumeId=data, InstanceId=db_1, Device="/dev/sdf")
    return db_1, data


def _worker(region: Region) -> None:
    tags = _tags("worker", "data", "staging")
    worker = _launch(
        region,
        45,
        "noble-24.04-arm64",
        "c7g.large or c6g.large or t4g.large",
        region.zone_b,
        "deploy",
        tags,
    )
    region.call(9, "StopInstances", InstanceIds=[worker])


def _bastion(region: Region) -> None:
    tags = _tags("bastion", "platform", "prod")
    _launch(region, 30, "debian-12-amd64", "t3.micro or m5.large", region.zone_b, "ops", tags)


def _legacy(region: Region) -> None:
    """An instance-store-backed one, in the regions that still have a type for it."""
    kinds = "m3.medium or m3.large or d2.xlarge"
    if region.first_type(kinds) is not None:
        tags = _tags("legacy-batch", "data", "prod")
        _launch(region, 400, "hvm-instance", kinds, region.zone_a, "ops", tags)


def _left_over(region: Region) -> None:
    """Volumes that nothing uses: two that are kept, and one forgotten when its instance went."""
    _volume(region, 120, 500, "st1", _tags("reports-archive", "data", "prod"))
    _volume(region, 12, 100, "gp3", _tags("db-restore-test", "shop", "staging"))
    kept = [{"DeviceName": "/dev/xvda", "Ebs": {"DeleteOnTermination": False}}]
    runner = _launch(
        region,
        40,
        "debian-12-amd64",
        "t3.medium or m5.large",
        region.zone_b,
        "deploy",
        {"Name": "ci-runner", "team": "platform"},
        BlockDeviceMappings=kept,
    )
    region.call(33, "TerminateInstances", InstanceIds=[runner])


def _volume(region: Region, days: float, size: int, kind: str, tags: Tags) -> str:
    answer = region.call(
        days,
        "CreateVolume",
        AvailabilityZone=region.zone_a,
        Size=size,
        VolumeType=kind,
        TagSpecifications=_specified("volume", tags=tags),
    )
    return str(answer["VolumeId"])


def _root_volume(region: Region, instance_id: str) -> str:
    """The volume that the instance starts from."""
    filters = [{"Name": "attachment.instance-id", "Values": [instance_id]}]
    found = region.call(0, "DescribeVolumes", Filters=filters)["Volumes"]
    return str(found[0]["VolumeId"])


def _image(region: Region, days: float, instance_id: str, base: str, description: str) -> None:
    name = f"{base}-{region.moment(days):%Y-%m-%d}"
    region.call(
        days,
        "CreateImage",
        InstanceId=instance_id,
        Name=name,
        Description=description,
        NoReboot=True,
        TagSpecifications=_specified("image", "snapshot", tags={"Name": name, "team": "platform"}),
    )


def _snapshot(region: Region, days: float, volume_id: str, text: str, tags: Tags) -> str:
    answer = region.call(
        days,
        "CreateSnapshot",
        VolumeId=volume_id,
        Description=text,
        TagSpecifications=_specified("snapshot", tags=tags),
    )
    return str(answer["SnapshotId"])


def _snapshots(region: Region, web_1: str, data: str) -> None:
    """A history: weekly ones, some whose volume is gone, one that failed, one still pending."""
    from app.sandbox.ec2 import agenda, snapshots

    weekly = _tags("db-1-data weekly", "shop", "prod")
    for name, size, days in (("old-wiki", 40, 80), ("reports-2026-q2", 200, 75)):
        tags = _tags(name, "data", "prod")
        volume = _volume(region, days + 10, size, "gp2", tags)
        _snapshot(region, days, volume, f"{name}, last state before it was removed", tags)
        region.call(days - 1, "DeleteVolume", VolumeId=volume)
    for days in WEEKLY:
        _snapshot(region, days, data, "db-1-data weekly", weekly)
    root = _root_volume(region, web_1)
    _snapshot(region, 20, root, "web-1 before the update", _tags("web-1", "shop", "prod"))
    snapshots.fail_next(region.ec2, "The volume could not be read. Try again.")
    _snapshot(region, 3, data, "db-1-data before the schema change", weekly)
    with clock.at(region.now):
        agenda.settle(region.ec2)
        # Long enough that somebody who has just opened the page sees it move.
        seconds = 6 * region.settings.snapshot_pending
        volume = region.ec2.volumes[data]
        snapshots.start(region.ec2, volume, "db-1-data weekly", seconds, weekly)


def _topics(region: Region) -> None:
    sns, sqs = region.service("sns"), region.service("sqs")
    done = sns.create_topic("snapshots-done", {"DisplayName": "Snapshots"}, {"team": "platform"})
    sns.create_topic("alerts", {}, {"team": "platform"})
    queue = sqs.create_queue("ops-inbox", {"team": "platform"})
    sqs.set_queue_attributes("ops-inbox", {"Policy": _policy(queue.queue_arn, done.arn)})
    sns.subscribe(done.arn, queue.queue_arn, "sqs")


def _policy(queue_arn: str, topic_arn: str) -> str:

    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "snapshots-done",
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": queue_arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
                }
            ],
        }
    )
