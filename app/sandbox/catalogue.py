"""The public images: a small catalogue in the place of moto's 1,301, in every region.

Ids differ from region to region, as in AWS, but are the same in every sandbox: they are made from
the region and the image's name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.sandbox import patching

CANONICAL = "099720109477"
DEBIAN = "136693071363"
AMAZON = "137112412989"


@dataclass(frozen=True)
class PublicImage:
    """One image that everybody may launch from; `size` in GiB, 0 for instance-store-backed."""

    name: str
    description: str
    owner_id: str
    architecture: str
    root_device_name: str
    size: int
    created: str
    owner_alias: str | None = None
    volume_type: str = "gp3"
    virtualization_type: str = "hvm"
    location: str | None = None

    def image_id(self, region: str) -> str:
        """Its id in a region."""
        return f"ami-{_digits(region, self.name)}"

    def snapshot_id(self, region: str) -> str:
        """The id, in a region, of the snapshot that its root volumes are made from."""
        return f"snap-{_digits(region, self.name + ' snapshot')}"

    @property
    def created_at(self) -> datetime:
        """When it was published: UTC without a zone, as moto keeps times."""
        return datetime.fromisoformat(self.created)


def _digits(region: str, name: str) -> str:
    return "0" + hashlib.sha256(f"{region} {name}".encode()).hexdigest()[:16]


def _ubuntu(name: str, version: str, arch: str, serial: str, made: str, gp3: bool) -> PublicImage:
    disk = "hvm-ssd-gp3" if gp3 else "hvm-ssd"
    aws_arch = {"amd64": "x86_64"}.get(arch, arch)
    return PublicImage(
        name=f"ubuntu/images/{disk}/ubuntu-{name}-{version}-{arch}-server-{serial}",
        description=f"Canonical, Ubuntu, {version}, {arch} {name} image",
        owner_id=CANONICAL,
        architecture=aws_arch,
        root_device_name="/dev/sda1",
        size=8,
        created=made,
        volume_type="gp3" if gp3 else "gp2",
    )


def _debian(version: str, code: str, arch: str, serial: str, made: str) -> PublicImage:
    return PublicImage(
        name=f"debian-{version}-{arch}-{serial}",
        description=f"Debian {version} ({code}, {serial})",
        owner_id=DEBIAN,
        architecture={"amd64": "x86_64"}.get(arch, arch),
        root_device_name="/dev/xvda",
        size=8,
        created=made,
    )


def _amazon(name: str, description: str, arch: str, made: str, kind: str) -> PublicImage:
    return PublicImage(
        name=name,
        description=description,
        owner_id=AMAZON,
        architecture=arch,
        root_device_name="/dev/xvda",
        size=8,
        created=made,
        owner_alias="amazon",
        volume_type=kind,
    )


_AL2023 = "Amazon Linux 2023 AMI 2023.9.20260914.0"
_AL2 = "Amazon Linux 2 Kernel 5.10 AMI 2.0.20260608.0"

IMAGES = (
    _ubuntu("noble", "24.04", "amd64", "20260901", "2026-09-01T07:14:05", gp3=True),
    _ubuntu("noble", "24.04", "arm64", "20260901", "2026-09-01T07:16:41", gp3=True),
    _ubuntu("jammy", "22.04", "amd64", "20260827", "2026-08-27T05:40:12", gp3=False),
    _ubuntu("jammy", "22.04", "arm64", "20260827", "2026-08-27T05:42:58", gp3=False),
    _debian("13", "trixie", "amd64", "20260905-2591", "2026-09-05T18:22:31"),
    _debian("13", "trixie", "arm64", "20260905-2591", "2026-09-05T18:24:02"),
    _debian("12", "bookworm", "amd64", "20260811-2562", "2026-08-11T09:03:47"),
    _debian("12", "bookworm", "arm64", "20260811-2562", "2026-08-11T09:05:20"),
    _amazon(
        "al2023-ami-2023.9.20260914.0-kernel-6.12-x86_64",
        f"{_AL2023} x86_64 HVM kernel-6.12",
        "x86_64",
        "2026-09-14T21:30:08",
        "gp3",
    ),
    _amazon(
        "al2023-ami-2023.9.20260914.0-kernel-6.12-arm64",
        f"{_AL2023} arm64 HVM kernel-6.12",
        "arm64",
        "2026-09-14T21:31:55",
        "gp3",
    ),
    _amazon(
        "amzn2-ami-kernel-5.10-hvm-2.0.20260608.0-x86_64-gp2",
        f"{_AL2} x86_64 HVM gp2",
        "x86_64",
        "2026-06-08T19:12:26",
        "gp2",
    ),
    _amazon(
        "amzn2-ami-kernel-5.10-hvm-2.0.20260608.0-arm64-gp2",
        f"{_AL2} arm64 HVM gp2",
        "arm64",
        "2026-06-08T19:13:49",
        "gp2",
    ),
    PublicImage(
        name="ubuntu/images/hvm-instance/ubuntu-xenial-16.04-amd64-server-20210928",
        description="Canonical, Ubuntu, 16.04 LTS, amd64 xenial image build on 2021-09-28 "
        "(instance-store-backed)",
        owner_id=CANONICAL,
        architecture="x86_64",
        root_device_name="/dev/sda1",
        size=0,
        created="2021-09-28T14:07:33",
        location="ubuntu-images-us/hvm-instance/ubuntu-xenial-16.04-amd64-server-20210928",
    ),
)


def install() -> None:
    """Have every new EC2 backend of moto start with these images."""
    from moto.ec2.models.amis import AmiBackend

    patching.replace(AmiBackend, "_load_amis", lambda _: _load)


def find(name: str) -> PublicImage:
    """The first image whose name contains `name`; LookupError when none does."""
    for image in IMAGES:
        if name in image.name:
            return image
    raise LookupError(f"the catalogue has no image {name!r}")


def _load(backend: Any) -> None:
    for image in IMAGES:
        _put(backend, image)


def _put(backend: Any, public: PublicImage) -> None:
    from moto.ec2.models.amis import Ami

    image_id = public.image_id(backend.region_name)
    image: Any = Ami(
        backend,
        image_id,
        name=public.name,
        description=public.description,
        owner_id=public.owner_id,
        owner_alias=public.owner_alias,
        public=True,
        virtualization_type=public.virtualization_type,
        architecture=public.architecture,
        hypervisor="xen",
        creation_date=public.created_at,
        image_location=public.location,
        root_device_type="ebs" if public.size else "instance-store",
        root_device_name=public.root_device_name,
        region_name=f"{backend.region_name}a",
    )
    # moto has made a snapshot of its own choice: it becomes the published one, or goes.
    snapshot = backend.snapshots.pop(image.ebs_snapshot.id)
    image.ebs_snapshot = None
    image._encante_devices = []
    if public.size:
        _publish(backend, snapshot, public)
        image._encante_devices = [_root_device(public, snapshot.id)]
    backend.amis[image_id] = image


def _publish(backend: Any, snapshot: Any, public: PublicImage) -> None:
    snapshot.id = public.snapshot_id(backend.region_name)
    snapshot.description = f"Created for {public.name}"
    snapshot.start_time = public.created_at
    snapshot.status = "completed"
    # What AWS shows for the volume of a snapshot that was copied to a region.
    snapshot.volume.id = "vol-ffffffff"
    snapshot.volume.size = public.size
    snapshot.volume.volume_type = public.volume_type
    snapshot._encante_size = public.size
    snapshot._encante_due = snapshot._encante_completed = public.created_at
    backend.snapshots[snapshot.id] = snapshot


def _root_device(public: PublicImage, snapshot_id: str) -> dict[str, Any]:
    ebs: dict[str, Any] = {
        "SnapshotId": snapshot_id,
        "VolumeSize": public.size,
        "VolumeType": public.volume_type,
        "DeleteOnTermination": True,
        "Encrypted": False,
    }
    if public.volume_type == "gp3":
        ebs |= {"Iops": 3000, "Throughput": 125}
    return {"DeviceName": public.root_device_name, "Ebs": ebs}
