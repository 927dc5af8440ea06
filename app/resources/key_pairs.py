"""Key pairs: columns, relations, forms, actions."""

from __future__ import annotations

from wtforms import RadioField, StringField
from wtforms.validators import InputRequired

from app.aws import key_pairs
from app.aws.call import Plan
from app.resources.fields import Ascii, OneLine, TagsField, options, strip
from app.resources.forms import (
    Answers,
    CreateForm,
    Desk,
    Done,
    Section,
    page_of,
)
from app.resources.removing import DeleteKeyPairForm
from app.resources.spec import Action, Column, Relation, Resource
from app.resources.tagging import TagsForm


class CreateKeyPairForm(CreateForm):
    """Make a key pair; its private key is shown once."""

    title = "Create key pair"
    submit_label = "Create key pair"
    sections = (
        Section("Key pair", ("account", "region", "key_name", "key_type")),
        Section("Tags", ("tags",)),
    )

    key_name = StringField(
        "Name", filters=[strip], validators=[InputRequired(), OneLine(255), Ascii()]
    )
    key_type = RadioField(
        "Type",
        choices=options(
            [
                ("ed25519", "ED25519: short and modern; not for Windows instances"),
                ("rsa", "RSA: for everything, Windows instances too"),
            ]
        ),
        default="ed25519",
    )
    tags = TagsField("Tags")

    def examine(self, desk: Desk) -> None:
        if desk.known.find("key_pair", "key_name", [self.key_name.data or ""], self.place):
            self.complain("key_name", f"{self.key_name.data!r} exists already in {self.place}.")

    def plan(self, desk: Desk) -> Plan:
        call = key_pairs.create_key_pair(
            self.place, self.key_name.data or "", self.key_type.data, self.tags.data
        )
        return Plan(self.title, (call,))

    def finish(self, desk: Desk, answers: Answers) -> Done:
        answer = answers[-1]
        told = f"Key pair {answer['KeyName']} is made. Save its private key now."
        url = page_of("key-pairs", answer.get("KeyPairId") or answer["KeyName"])
        return Done(told, url, secret=(f"{answer['KeyName']}.pem", answer["KeyMaterial"]))


KEY_PAIR = Resource(
    kind="key_pair",
    slug="key-pairs",
    title="Key pairs",
    one="key pair",
    group="Compute",
    icon="key_pair",
    prefix="key-",
    id_key="KeyPairId",
    listing=key_pairs.LISTING,
    name=lambda d: d.get("KeyName", ""),
    columns=(
        Column("key_name", "Key name", lambda d: d.get("KeyName"), shown=False),
        Column("key_type", "Type", lambda d: d.get("KeyType"), facet=True),
        Column("fingerprint", "Fingerprint", lambda d: d.get("KeyFingerprint"), "code"),
        Column("created", "Created", lambda d: d.get("CreateTime"), "time"),
    ),
    relations=(
        Relation(
            "Instances launched with it",
            "instance",
            "key_name",
            lambda row: [row.name],
            "on",
            near=True,
        ),
    ),
    actions=(
        Action("new", "Create key pair", CreateKeyPairForm, on="none"),
        Action("tags", "Edit tags", TagsForm),
        Action("delete", "Delete", DeleteKeyPairForm, on="many"),
    ),
    empty="A key pair is what one signs in to an instance with.",
)
