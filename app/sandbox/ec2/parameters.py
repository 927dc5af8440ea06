"""The parameters that the sandbox heeds, for each operation that changes something.

Any other parameter of AWS's is refused: ignoring it would make something else than was asked for.
"""

from __future__ import annotations

from app.sandbox.ec2.refusal import unsupported

_VOLUME = "Size VolumeType Iops Throughput"
KNOWN: dict[str, frozenset[str]] = {
    name: frozenset(f"{names} DryRun".split())
    for name, names in {
        "AttachVolume": "Device InstanceId VolumeId",
        "CreateImage": "BlockDeviceMappings Description InstanceId Name NoReboot TagSpecifications",
        "CreateKeyPair": "KeyFormat KeyName KeyType TagSpecifications",
        "CreateSnapshot": "Description TagSpecifications VolumeId",
        "CreateSnapshots": "CopyTagsFromSource Description InstanceSpecification TagSpecifications",
        "CreateTags": "Resources Tags",
        "CreateVolume": f"{_VOLUME} AvailabilityZone ClientToken Encrypted KmsKeyId SnapshotId "
        "TagSpecifications",
        "DeleteKeyPair": "KeyName KeyPairId",
        "DeleteSnapshot": "SnapshotId",
        "DeleteTags": "Resources Tags",
        "DeleteVolume": "VolumeId",
        "DeregisterImage": "DeleteAssociatedSnapshots ImageId",
        "DetachVolume": "Device Force InstanceId VolumeId",
        "ImportKeyPair": "KeyName PublicKeyMaterial TagSpecifications",
        "ModifyInstanceAttribute": "Attribute BlockDeviceMappings DisableApiStop "
        "DisableApiTermination EbsOptimized Groups InstanceId InstanceInitiatedShutdownBehavior "
        "InstanceType SourceDestCheck UserData Value",
        "ModifyInstanceMetadataOptions": "HttpEndpoint HttpProtocolIpv6 HttpPutResponseHopLimit "
        "HttpTokens InstanceId InstanceMetadataTags",
        "ModifySnapshotTier": "SnapshotId StorageTier",
        "ModifyVolume": f"{_VOLUME} VolumeId",
        "RebootInstances": "InstanceIds",
        "RegisterImage": "Architecture BlockDeviceMappings BootMode Description EnaSupport Name "
        "RootDeviceName TagSpecifications VirtualizationType",
        "RestoreSnapshotTier": "PermanentRestore SnapshotId TemporaryRestoreDays",
        "RunInstances": "BlockDeviceMappings ClientToken DisableApiStop DisableApiTermination "
        "EbsOptimized ImageId InstanceInitiatedShutdownBehavior InstanceType KeyName MaxCount "
        "MetadataOptions MinCount Monitoring NetworkInterfaces Placement PrivateIpAddress "
        "SecurityGroupIds SecurityGroups SubnetId TagSpecifications UserData",
        "StartInstances": "InstanceIds",
        "StopInstances": "Force Hibernate InstanceIds",
        "TerminateInstances": "Force InstanceIds",
    }.items()
}


def check(operation: str, params: dict[str, object]) -> None:
    """Refuse a parameter that has a value and would not be heeded."""
    for name, value in params.items():
        if operation in KNOWN and name not in KNOWN[operation] and value not in ("", False, [], {}):
            raise unsupported(f"The sandbox does not support the parameter {name} in {operation}")
