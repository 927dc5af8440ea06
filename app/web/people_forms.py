"""The forms in which people are added and given roles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from flask_wtf import FlaskForm
from wtforms import RadioField, SelectMultipleField, StringField, ValidationError
from wtforms.validators import DataRequired

from app.people.grants import GrantError
from app.people.users import MAX_FULL_NAME, UserError
from app.people.who import Grant, Limits
from app.resources.fields import MAX_KEY, MAX_VALUE, OneLine, options, strip, tag_problem
from app.resources.forms import Section

NO_ROLE = "none"
_ROLES = (
    ("viewer", "Viewer: sees everything, changes nothing"),
    ("operator", "Operator: acts on resources as well"),
    ("admin", "Admin: manages people, rules and settings as well"),
)
_NARROWED = Section(
    "What it is narrowed to",
    ("accounts", "regions", "tag_key", "tag_value"),
    "What is left empty does not narrow. A viewer sees, and an operator acts on, only what fits "
    "all of it. An admin is never narrowed.",
)
_IAM = Section("In AWS", ("aws_role",))
_IAM_ROLE = re.compile(
    r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,300}|[\w+=,.@-][\w+=,.@/-]{0,299}", re.ASCII
)


class RoleForm(FlaskForm):  # type: ignore[misc]
    """A role, and what it is narrowed to."""

    sections: ClassVar[tuple[Section, ...]] = (Section("Role", ("role",)), _NARROWED, _IAM)
    narrowing = "role=viewer operator"
    when: ClassVar[Mapping[str, str]] = dict.fromkeys((*_NARROWED.fields, "aws_role"), narrowing)

    role = RadioField("Role", choices=options(_ROLES), default="viewer")
    accounts = SelectMultipleField("Only these accounts")
    regions = SelectMultipleField("Only these regions")
    tag_key = StringField(
        "Only resources with the tag",
        filters=[strip],
        validators=[OneLine(MAX_KEY)],
        description="The key, such as team.",
    )
    tag_value = StringField(
        "Its value", validators=[OneLine(MAX_VALUE)], description="Such as web; exactly this one."
    )
    aws_role = StringField(
        "IAM role to act through",
        filters=[strip],
        validators=[OneLine(400)],
        description="Its name, the same in every account, or an ARN. Calls are then made as this "
        "role, in a session of the person's name, which CloudTrail tells. Empty: the console's "
        "own credentials.",
    )

    def prepare(self, accounts: Mapping[str, str], regions: list[str]) -> None:
        """Offer the accounts (number to name) and regions of this console."""
        named = [(number, f"{name} ({number})") for number, name in accounts.items()]
        self.accounts.choices = options(named)
        self.regions.choices = options((region, region) for region in regions)
        if len(accounts) < 2:
            del self.accounts

    def validate_tag_value(self, field: StringField) -> None:
        """A tag has a key, and is one that AWS would take."""
        key, value = self.tag_key.data or "", field.data or ""
        problem = tag_problem(key, value) if key or value else None
        if problem:
            self.complain("tag_key", problem)

    def validate_aws_role(self, field: StringField) -> None:
        """The name or the ARN of a role."""
        if field.data and not _IAM_ROLE.fullmatch(field.data):
            raise ValidationError(
                "This is neither the name of an IAM role nor an ARN such as "
                "arn:aws:iam::123456789012:role/web.",
            )

    def examine(self) -> bool:
        """Whether all is right; errors stand at the fields."""
        return bool(self.validate()) and not self.errors

    def complain(self, name: str, message: str) -> None:
        """Put an error at a field."""
        target = self._fields.get(name) or self._fields["role"]
        target.errors = [*target.errors, message]

    def refused(self, error: GrantError | UserError) -> None:
        """Put a refusal of the store at its field."""
        self.complain(error.field, str(error))

    @property
    def grant(self) -> Grant | None:
        """The role that the form gives; None: none."""
        role = self.role.data
        if role == NO_ROLE:
            return None
        if role == "admin":  # the fields that narrow are not shown then
            return Grant("admin")
        accounts = self.accounts.data if "accounts" in self else None
        limits = Limits(
            tuple(accounts or ()),
            tuple(self.regions.data or ()),
            self.tag_key.data or "",
            self.tag_value.data or "" if self.tag_key.data else "",
        )
        return Grant(role, limits, self.aws_role.data or "")


class GroupForm(RoleForm):
    """A role for everybody in a group."""

    sections: ClassVar[tuple[Section, ...]] = (Section("Group", ("group",)), *RoleForm.sections)

    group = StringField(
        "Group",
        filters=[strip],
        validators=[DataRequired(), OneLine(255)],
        description="As the OpenID provider calls it, exactly. Some send ids instead of names.",
    )


class PersonForm(RoleForm):
    """A new user, and their first role."""

    sections: ClassVar[tuple[Section, ...]] = (
        Section("Who it is", ("name", "full_name")),
        *RoleForm.sections,
    )

    name = StringField(
        "Name to sign in with",
        filters=[strip],
        validators=[DataRequired(), OneLine(64)],
        description="It stands beside what they do, for ever: it cannot be changed, or given to "
        "somebody else later.",
        render_kw={"autocapitalize": "off", "spellcheck": "false"},
    )
    full_name = StringField("Full name", filters=[strip], validators=[OneLine(MAX_FULL_NAME)])
    role = RadioField(
        "Role", choices=options((*_ROLES, (NO_ROLE, "None yet: gets in nowhere"))), default="viewer"
    )
