"""What volumes there can be: sizes, IOPS and throughput by type.

Limits: docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html
"""

from __future__ import annotations

from dataclasses import dataclass

from app.sandbox.ec2.refusal import bad_combination, bad_value, missing


@dataclass(frozen=True)
class Limits:
    """Inclusive ranges; sizes in GiB, throughput in MiB/s. None: the type does not take it."""

    size: tuple[int, int]
    iops: tuple[int, int] | None = None
    iops_per_gib: int = 0
    throughput: tuple[int, int] | None = None
    needs_iops: bool = False


LIMITS = {
    "gp3": Limits((1, 65_536), (3_000, 80_000), 500, (125, 2_000)),
    "gp2": Limits((1, 16_384)),
    "io1": Limits((4, 16_384), (100, 64_000), 50, None, needs_iops=True),
    "io2": Limits((4, 65_536), (100, 256_000), 1_000, None, needs_iops=True),
    "st1": Limits((125, 16_384)),
    "sc1": Limits((125, 16_384)),
    "standard": Limits((1, 1_024)),
}


def check(kind: str, size: int, iops: int | None, throughput: int | None) -> None:
    """Refuse a volume that EBS does not offer. The size is in GiB, the throughput in MiB/s."""
    limits = LIMITS.get(kind)
    if limits is None:
        raise bad_value(f"Value ({kind}) for parameter volumeType is invalid. Invalid volume type.")
    _between("size", size, limits.size, "GiB", kind)
    _check_iops(kind, limits, size, iops)
    if throughput is None:
        return
    if limits.throughput is None:
        raise bad_combination(f"The parameter throughput is not supported for {kind} volumes.")
    _between("throughput", throughput, limits.throughput, "MiB/s", kind)
    if throughput * 4 > max(iops or 0, 3_000):
        raise bad_value(
            f"Throughput (MiBps) to iops ratio of {throughput / max(iops or 0, 3_000):f} "
            "is too high; maximum is 0.250000 MiBps per iops"
        )


def _check_iops(kind: str, limits: Limits, size: int, iops: int | None) -> None:
    if iops is None:
        if limits.needs_iops:
            raise missing("iops")
        return
    if limits.iops is None:
        raise bad_combination(f"The parameter iops is not supported for {kind} volumes.")
    _between("iops", iops, limits.iops, "", kind)
    # gp3 has 3,000 IOPS at any size.
    most = max(limits.iops_per_gib * size, 3_000 if kind == "gp3" else 0)
    if iops > most:
        raise bad_value(
            f"Iops to volume size ratio of {iops / size:f} is too high; "
            f"maximum is {limits.iops_per_gib:f} iops per GiB"
        )


def _between(what: str, value: int, limits: tuple[int, int], unit: str, kind: str) -> None:
    low, high = limits
    if value < low:
        raise bad_value(
            f"Volume {what} of {value}{unit} is too low; minimum is {low}{unit} ({kind})"
        )
    if value > high:
        raise bad_value(
            f"Volume {what} of {value}{unit} is too high; maximum is {high}{unit} ({kind})"
        )


def baseline_iops(kind: str, size: int) -> int | None:
    """The IOPS that DescribeVolumes tells for a volume that was not given any."""
    if kind == "gp3":
        return 3_000
    if kind == "gp2":
        return min(max(100, 3 * size), 16_000)
    return None
