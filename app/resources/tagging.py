"""Editing the tags of any resource."""

from __future__ import annotations

from app.aws.call import Call, Plan
from app.aws.tags import ec2_tag_calls
from app.resources.fields import TagsField
from app.resources.forms import ActionForm, Answers, Desk, Done, Section, page_of
from app.resources.spec import Row


class TagsForm(ActionForm):
    """All tags of one resource, to add, change and remove; only what changed is sent.

    A kind that is not EC2's gives its own ``calls``.
    """

    title = "Edit tags"
    submit_label = "Save tags"
    sections = (Section("Tags", ("tags",)),)

    tags = TagsField("Tags")

    def prepare(self, desk: Desk) -> None:
        if not self.is_submitted():
            self.tags.process(None, own_tags(desk.row))

    def plan(self, desk: Desk) -> Plan:
        row = desk.row
        return Plan(f"Tags of {row.id}", self.calls(row, own_tags(row), self.tags.data))

    def calls(self, row: Row, old: dict[str, str], new: dict[str, str]) -> tuple[Call, ...]:
        """The calls that turn the ``old`` tags into ``new``."""
        return ec2_tag_calls(row.region, row.kind, row.id, old, new)

    def finish(self, desk: Desk, answers: Answers) -> Done:
        told = "The tags are saved." if answers else "The tags are as they were."
        return Done(told, page_of(_slug(desk.row), desk.row.id))


def own_tags(row: Row) -> dict[str, str]:
    """The tags of a resource that a person may change: not those that AWS reserves."""
    return {key: value for key, value in row.tags.items() if not key.startswith("aws:")}


def _slug(row: Row) -> str:
    from app.resources import RESOURCES

    return RESOURCES[row.kind].slug
