"""The forms that take volumes, snapshots, images and key pairs away."""

from __future__ import annotations

from dataclasses import replace

from wtforms import BooleanField

from app.aws import images, key_pairs, snapshots, volumes
from app.aws.call import Call, Plan
from app.aws.volumes import attached_to
from app.resources.danger import DangerForm, DeleteForm, Effect, hanging, known_or_not, waiting
from app.resources.forms import Answers, Desk, Done, Section, listed, page_of
from app.resources.spec import Row


class DetachForm(DangerForm):
    """Detach a volume from its instance."""

    title = "Detach volume"
    submit_label = "Detach"
    sections = (Section("How", ("force",)),)

    force = BooleanField(
        "Force",
        description="Only when it hangs: the instance has no chance to write what it holds, "
        "and the file system may be damaged.",
    )

    def plan(self, desk: Desk) -> Plan:
        calls = tuple(
            volumes.detach_volume(desk.row.region, desk.row.id, instance, bool(self.force.data))
            for instance in attached_to(desk.row.description)
        )
        return Plan(self.title, calls)

    def effects(self, desk: Desk) -> list[Effect]:
        return [known_or_not(desk, "instance", "Lose it", attached_to(desk.row.description))]

    def consequences(self, desk: Desk) -> list[str]:
        return ["Unmount it there first, so that nothing is lost."]

    def finish(self, desk: Desk, answers: Answers) -> Done:
        return Done(f"{desk.row.id} is being detached.", page_of("volumes", desk.row.id))


class DeleteVolumeForm(DeleteForm):
    """Delete volumes."""

    title = "Delete volumes"
    slug = "volumes"

    def call(self, row: Row) -> Call:
        return volumes.delete_volume(row.region, row.id)

    def effects(self, desk: Desk) -> list[Effect]:
        copies = hanging(desk, "snapshot", "volume_id")
        resting = desk.inventory.find("image", "snapshot_ids", [row.id for row in copies])
        return [
            Effect("No completed snapshot of them is known", _unsaved(desk)),
            Effect("Snapshots of them, which stay", copies, binding=False),
            Effect("Images of those snapshots, which stay", resting, binding=False),
            waiting(desk),
        ]

    def consequences(self, desk: Desk) -> list[str]:
        return ["What is on a deleted volume cannot be brought back."]


def _unsaved(desk: Desk) -> list[Row]:
    """The volumes among the rows that have no completed snapshot."""
    left = {row.id: row for row in desk.rows}
    while left:  # the inventory does not find all at once where there are many
        found = desk.inventory.find("snapshot", "volume_id", list(left))
        saved = {row.cells.get("volume_id") for row in found if row.state == "completed"}
        if not saved & left.keys():
            break
        left = {each: row for each, row in left.items() if each not in saved}
    return list(left.values())


class DeleteSnapshotForm(DeleteForm):
    """Delete snapshots."""

    title = "Delete snapshots"
    slug = "snapshots"

    def call(self, row: Row) -> Call:
        return snapshots.delete_snapshot(row.region, row.id)

    def effects(self, desk: Desk) -> list[Effect]:
        return [
            Effect("Images that use them: AWS will refuse", _images_of(desk)),
            Effect("Volumes made from them, which stay", hanging(desk, "volume", "snapshot_id")),
            Effect("Copies, which stay", hanging(desk, "snapshot", "source_snapshot_id")),
            waiting(desk),
        ]

    def consequences(self, desk: Desk) -> list[str]:
        told = ["What is in a deleted snapshot cannot be brought back."]
        if _images_of(desk):
            told.append(
                "Deregister an image that uses a snapshot first: its page offers to delete its "
                "snapshots with it."
            )
        return told


def _images_of(desk: Desk) -> list[Row]:
    return hanging(desk, "image", "snapshot_ids")


class DeregisterForm(DangerForm):
    """Deregister images, and on request delete their snapshots."""

    title = "Deregister images"
    submit_label = "Deregister"
    sections = (Section("Snapshots", ("delete_snapshots",)),)

    delete_snapshots = BooleanField(
        "Delete their snapshots too",
        description="Otherwise they stay, and go on costing.",
    )

    def _own(self, desk: Desk) -> dict[str, Row]:
        """The snapshots that no other image uses, each with an image of the rows that does."""
        used = {each: row for row in desk.rows for each in row.cells.get("snapshot_ids") or []}
        leaving = {row.id for row in desk.rows}
        staying = [
            user
            for user in desk.inventory.find("image", "snapshot_ids", list(used))
            if user.id not in leaving
        ]
        kept = {each for user in staying for each in user.cells.get("snapshot_ids") or []}
        return {each: row for each, row in used.items() if each not in kept}

    def plan(self, desk: Desk) -> Plan:
        calls = [images.deregister_image(row.region, row.id) for row in desk.rows]
        if self.delete_snapshots.data:
            calls += [
                replace(snapshots.delete_snapshot(row.region, each), of=row.id)
                for each, row in self._own(desk).items()
            ]
        return Plan(self.title, tuple(calls))

    def effects(self, desk: Desk) -> list[Effect]:
        own = list(self._own(desk))
        used = [each for row in desk.rows for each in row.cells.get("snapshot_ids") or []]
        shared = [each for each in dict.fromkeys(used) if each not in own]
        return [
            Effect(
                "Launched from them: they go on, no further ones can be launched",
                hanging(desk, "instance", "image_id"),
            ),
            known_or_not(
                desk, "snapshot", "Snapshots of theirs, deleted only if you choose so below", own
            ),
            known_or_not(desk, "snapshot", "Snapshots that other images use, which stay", shared),
            Effect("Copies, which stay", hanging(desk, "image", "source_image_id"), binding=False),
            waiting(desk),
        ]

    def consequences(self, desk: Desk) -> list[str]:
        return [
            "A deregistered image cannot be brought back. Launch templates and Auto Scaling groups "
            "that name it, which are not known here, can launch no more."
        ]

    def finish(self, desk: Desk, answers: Answers) -> Done:
        ids = [row.id for row in desk.rows]
        gone = len(answers) - len(ids)
        extra = f" {gone} snapshot{'s' if gone != 1 else ''} deleted." if gone else ""
        return Done(f"Deregistered: {listed(ids)}.{extra}", "/images")


class DeleteKeyPairForm(DeleteForm):
    """Delete key pairs."""

    title = "Delete key pairs"
    slug = "key-pairs"
    named = True

    def call(self, row: Row) -> Call:
        return key_pairs.delete_key_pair(row.region, row.id)

    def effects(self, desk: Desk) -> list[Effect]:
        going = {(row.name, row.account, row.region) for row in desk.rows}
        users = [
            row
            for row in desk.inventory.find("instance", "key_name", [row.name for row in desk.rows])
            if (row.cells.get("key_name"), row.account, row.region) in going
            and row.state_class != "gone"
        ]
        return [Effect("Launched with them: they keep the public key", users)]

    def consequences(self, desk: Desk) -> list[str]:
        return [
            "New instances cannot be launched with a deleted key pair. Whoever has the private key "
            "can still sign in where the public one is."
        ]
