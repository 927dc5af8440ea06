"""One resource as the XML of its Describe answer, made from its number and its version.

The same number and version give the same text; the fields and their order are those of EC2's
answers of 2016-11-15.
"""

from __future__ import annotations

from dataclasses import dataclass

_MIX = 0x9E3779B97F4B  # odd: numbers and ids are in one-to-one correspondence
_SPACE = 1 << 48
_BACK = pow(_MIX, -1, _SPACE)
JOBS = ("web", "db", "worker", "cache", "build", "batch", "proxy", "queue")
TEAMS = ("shop", "data", "platform", "search", "billing")
TYPES = ("t3.micro", "t3.small", "t3.medium", "m5.large", "c6i.xlarge", "r6g.large")
SNAPSHOTS_OF_A_VOLUME = 2


@dataclass(frozen=True)
class Place:
    """A scope, with its place in the order of all scopes."""

    number: int
    account: str
    region: str


def make_id(prefix: str, place: Place, number: int) -> str:
    """An id of AWS's form whose hexadecimal digits look random."""
    return f"{prefix}-0{place.number:04x}{number * _MIX % _SPACE:012x}"


def number_of(resource_id: str) -> int:
    """The number that ``make_id`` was given. Raises ValueError for an id of another form."""
    digits = resource_id.partition("-")[2]
    if len(digits) != 17:
        raise ValueError(resource_id)
    return int(digits[5:], 16) * _BACK % _SPACE


def _day(number: int) -> str:
    return f"2026-{number % 10 + 1:02d}-{number % 28 + 1:02d}T{number % 24:02d}:{number % 60:02d}"


def _tags(pairs: dict[str, str]) -> str:
    inside = "".join(
        f"<item><key>{key}</key><value>{value}</value></item>" for key, value in pairs.items()
    )
    return f"<tagSet>{inside}</tagSet>"


def _named(number: int, version: int, **more: str) -> str:
    job = JOBS[number % len(JOBS)]
    pairs = {
        "Name": f"{job}-{number // len(JOBS)}",
        "team": TEAMS[number % len(TEAMS)],
        "env": "prod" if number % 3 else "dev",
        **more,
    }
    if version:
        pairs["revised"] = str(version)
    return _tags(pairs)


def instance(place: Place, number: int, version: int) -> str:
    """An instance with its network interface and one volume."""
    me, volume = make_id("i", place, number), make_id("vol", place, number)
    zone = f"{place.region}{'abc'[number % 3]}"
    state = ("80", "stopped") if (number + version) % 7 == 0 else ("16", "running")
    ip = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    vpc, subnet = make_id("vpc", place, 1), make_id("subnet", place, number % 3)
    group = make_id("sg", place, number % 20)
    launched = f"{_day(number)}:09.000Z"
    groups = (
        f"<groupSet><item><groupId>{group}</groupId><groupName>group-{number % 20}</groupName>"
        "</item></groupSet>"
    )
    dns = f"ip-{ip.replace('.', '-')}.{place.region}.compute.internal"
    return (
        f"<item><reservationId>{make_id('r', place, number)}</reservationId>"
        f"<ownerId>{place.account}</ownerId><groupSet/><instancesSet><item>"
        f"<instanceId>{me}</instanceId>"
        f"<imageId>{make_id('ami', place, number % 100)}</imageId>"
        f"<instanceState><code>{state[0]}</code><name>{state[1]}</name></instanceState>"
        f"<privateDnsName>{dns}</privateDnsName><dnsName/><reason/>"
        f"<keyName>key-{number % 5}</keyName><amiLaunchIndex>0</amiLaunchIndex><productCodes/>"
        f"<instanceType>{TYPES[number % len(TYPES)]}</instanceType>"
        f"<launchTime>{launched}</launchTime><placement><availabilityZone>{zone}"
        "</availabilityZone><groupName/><tenancy>default</tenancy></placement>"
        "<monitoring><state>disabled</state></monitoring>"
        f"<subnetId>{subnet}</subnetId><vpcId>{vpc}</vpcId>"
        f"<privateIpAddress>{ip}</privateIpAddress><sourceDestCheck>true</sourceDestCheck>{groups}"
        "<architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType>"
        "<rootDeviceName>/dev/sda1</rootDeviceName><blockDeviceMapping><item>"
        f"<deviceName>/dev/sda1</deviceName><ebs><volumeId>{volume}</volumeId>"
        f"<status>attached</status><attachTime>{launched}</attachTime>"
        "<deleteOnTermination>true</deleteOnTermination></ebs></item></blockDeviceMapping>"
        f"<virtualizationType>hvm</virtualizationType><clientToken>token-{number}</clientToken>"
        f"{_named(number, version)}<hypervisor>xen</hypervisor><networkInterfaceSet><item>"
        f"<networkInterfaceId>{make_id('eni', place, number)}</networkInterfaceId>"
        f"<subnetId>{subnet}</subnetId><vpcId>{vpc}</vpcId><description/>"
        f"<ownerId>{place.account}</ownerId><status>in-use</status>"
        f"<macAddress>02:{number >> 24 & 255:02x}:{number >> 16 & 255:02x}:"
        f"{number >> 8 & 255:02x}:{number & 255:02x}:01</macAddress>"
        f"<privateIpAddress>{ip}</privateIpAddress><privateDnsName>{dns}</privateDnsName>"
        f"<sourceDestCheck>true</sourceDestCheck>{groups}<attachment>"
        f"<attachmentId>{make_id('eni-attach', place, number)}</attachmentId>"
        f"<deviceIndex>0</deviceIndex><status>attached</status><attachTime>{launched}</attachTime>"
        "<deleteOnTermination>true</deleteOnTermination><networkCardIndex>0</networkCardIndex>"
        f"</attachment><privateIpAddressesSet><item><privateIpAddress>{ip}</privateIpAddress>"
        f"<privateDnsName>{dns}</privateDnsName><primary>true</primary></item>"
        "</privateIpAddressesSet><ipv6AddressesSet/><interfaceType>interface</interfaceType>"
        "</item></networkInterfaceSet><ebsOptimized>false</ebsOptimized><cpuOptions>"
        "<coreCount>1</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>"
        "<capacityReservationSpecification><capacityReservationPreference>open"
        "</capacityReservationPreference></capacityReservationSpecification>"
        "<hibernationOptions><configured>false</configured></hibernationOptions>"
        "<enclaveOptions><enabled>false</enabled></enclaveOptions><metadataOptions>"
        "<state>applied</state><httpTokens>required</httpTokens>"
        "<httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint>"
        "<httpProtocolIpv6>disabled</httpProtocolIpv6>"
        "<instanceMetadataTags>disabled</instanceMetadataTags></metadataOptions>"
        "<platformDetails>Linux/UNIX</platformDetails><usageOperation>RunInstances"
        f"</usageOperation><usageOperationUpdateTime>{launched}</usageOperationUpdateTime>"
        "<privateDnsNameOptions><hostnameType>ip-name</hostnameType>"
        "<enableResourceNameDnsARecord>true</enableResourceNameDnsARecord>"
        "<enableResourceNameDnsAAAARecord>false</enableResourceNameDnsAAAARecord>"
        "</privateDnsNameOptions><maintenanceOptions><autoRecovery>default</autoRecovery>"
        "</maintenanceOptions><currentInstanceBootMode>legacy-bios</currentInstanceBootMode>"
        "</item></instancesSet></item>"
    )


def volume(place: Place, number: int, version: int, instances: int) -> str:
    """A volume; those with an instance's number are attached to it."""
    created = f"{_day(number)}:10.123Z"
    attached = (
        f"<attachmentSet><item><volumeId>{make_id('vol', place, number)}</volumeId>"
        f"<instanceId>{make_id('i', place, number)}</instanceId><device>/dev/sda1</device>"
        f"<status>attached</status><attachTime>{created}</attachTime>"
        "<deleteOnTermination>true</deleteOnTermination></item></attachmentSet>"
        if number < instances
        else "<attachmentSet/>"
    )
    return (
        f"<item><volumeId>{make_id('vol', place, number)}</volumeId>"
        f"<size>{8 + number % 200}</size><snapshotId>{make_id('snap', place, number % 50)}"
        f"</snapshotId><availabilityZone>{place.region}{'abc'[number % 3]}</availabilityZone>"
        f"<status>{'in-use' if number < instances else 'available'}</status>"
        f"<createTime>{created}</createTime>{attached}{_named(number, version)}"
        "<volumeType>gp3</volumeType><iops>3000</iops><encrypted>true</encrypted>"
        f"<kmsKeyId>arn:aws:kms:{place.region}:{place.account}:key/0d1e2f3a</kmsKeyId>"
        "<multiAttachEnabled>false</multiAttachEnabled><throughput>125</throughput></item>"
    )


def snapshot(place: Place, number: int, version: int) -> str:
    """A completed snapshot of a volume."""
    volume_id = make_id("vol", place, number // SNAPSHOTS_OF_A_VOLUME)
    job = JOBS[number // SNAPSHOTS_OF_A_VOLUME % len(JOBS)]
    return (
        f"<item><snapshotId>{make_id('snap', place, number)}</snapshotId>"
        f"<volumeId>{volume_id}</volumeId><status>completed</status>"
        f"<startTime>{_day(number)}:11.456Z</startTime><progress>100%</progress>"
        f"<ownerId>{place.account}</ownerId><volumeSize>{8 + number % 200}</volumeSize>"
        f"<description>Nightly backup of {volume_id} ({job})</description>"
        f"{_named(number, version, Backup='nightly')}<encrypted>true</encrypted>"
        f"<kmsKeyId>arn:aws:kms:{place.region}:{place.account}:key/0d1e2f3a</kmsKeyId>"
        f"<storageTier>standard</storageTier><completionTime>{_day(number)}:55.456Z"
        f"</completionTime><fullSnapshotSizeInBytes>{(number % 900 + 1) << 20}"
        "</fullSnapshotSizeInBytes></item>"
    )


def image(place: Place, number: int, version: int) -> str:
    """An image of our own, with one snapshot."""
    return (
        f"<item><imageId>{make_id('ami', place, number)}</imageId>"
        f"<imageLocation>{place.account}/base-{number}</imageLocation>"
        f"<imageState>available</imageState><imageOwnerId>{place.account}</imageOwnerId>"
        f"<creationDate>{_day(number)}:00.000Z</creationDate><isPublic>false</isPublic>"
        "<architecture>x86_64</architecture><imageType>machine</imageType>"
        f"<name>base-{number}</name><description>Base image {number}</description>"
        "<rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/sda1</rootDeviceName>"
        "<blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs>"
        f"<snapshotId>{make_id('snap', place, number)}</snapshotId><volumeSize>8</volumeSize>"
        "<deleteOnTermination>true</deleteOnTermination><volumeType>gp3</volumeType>"
        "<encrypted>false</encrypted></ebs></item></blockDeviceMapping>"
        f"<virtualizationType>hvm</virtualizationType>{_named(number, version)}"
        "<hypervisor>xen</hypervisor><platformDetails>Linux/UNIX</platformDetails>"
        "<enaSupport>true</enaSupport></item>"
    )
