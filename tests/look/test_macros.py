"""The macros: cells, badges, fields, tables."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from wtforms import BooleanField, Form, IntegerField, RadioField, SelectChoice, StringField
from wtforms.validators import InputRequired, Optional

from app.resources.fields import PickerField, TagsField
from app.resources.forms import Section
from app.resources.spec import Cell, Column, Row, StateClass
from tests.look.conftest import Draw

HOSTILE = "<script>alert('\"1\"')</script>"


def row(state: str = "running", state_class: StateClass = "ok", **cells: Any) -> Row:
    """An instance with these cells."""
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    return Row(
        "instance", "i-1", HOSTILE, "1", "us-east-1", state, state_class, {}, cells, dict, moment
    )


def column(cell: Cell, of: str = "") -> Column:
    """A column that is drawn so."""
    return Column("it", "It", lambda description: None, cell, of)


@pytest.mark.parametrize(
    ("cell", "value", "shown"),
    [
        ("text", HOSTILE, "&lt;script&gt;alert(&#x27;&quot;1&quot;&#x27;)&lt;/script&gt;"),
        ("text", None, "–"),
        ("text", "", "–"),
        ("ids", [], "–"),
        ("number", 0, "0"),
        ("number", 345600, "345,600"),
        ("size", 16384, "16,384 GiB"),
        ("flag", False, "No"),
        ("flag", True, "Yes"),
        ("percent", "42%", "42%"),
        ("time", "2026-11-23T08:47:12Z", "2026-11-23 08:47 UTC"),
        ("time", "not a time", "not a time"),
        ("state", "running", "running"),
        ("id", "vol-1", "vol-1"),
        ("ids", ["vol-1", "vol-2", "vol-3", "vol-4"], "vol-1, vol-2, vol-3 +1"),
    ],
)
def test_a_cell_says(draw: Draw, cell: Cell, value: Any, shown: str) -> None:
    column_of = column(cell, "volume" if cell.startswith("id") else "")
    drawn = draw("{{ ui.cell(row, column) }}", row=row(it=value), column=column_of)
    assert "<script" not in drawn
    assert shown in re.sub(r"<[^>]*>", "", drawn)


def test_an_id_leads_to_its_page_and_an_arn_goes_by_its_name(draw: Draw) -> None:
    drawn = draw("{{ ui.id_link('volume', 'vol-1') }}")
    assert 'href="/volumes/vol-1"' in drawn
    drawn = draw("{{ ui.id_link('topic', 'arn:aws:sns:us-east-1:1:done') }}")
    assert ">done<" in drawn
    assert 'title="arn:aws:sns:us-east-1:1:done"' in drawn


def test_progress_is_a_bar_only_while_something_changes(draw: Draw) -> None:
    source = "{{ ui.cell(row, column) }}"
    pending = row("pending", "changing", it="23%")
    assert 'value="23"' in draw(source, row=pending, column=column("percent"))
    failed = row("error", "failed", it="23%")
    assert "<progress" not in draw(source, row=failed, column=column("percent"))


@pytest.mark.parametrize("state_class", ["ok", "off", "changing", "failed", "gone"])
def test_a_state_is_an_icon_and_a_word(draw: Draw, state_class: StateClass) -> None:
    drawn = draw("{{ ui.badge(row) }}", row=row("shutting-down", state_class))
    assert re.search(rf"icons\.svg\?v=\w+#{state_class}\"", drawn)
    assert ">shutting-down<" in drawn


class Sample(Form):  # type: ignore[misc]
    """One field of each sort."""

    name = StringField("Name", validators=[InputRequired()], description="What it is called.")
    size = IntegerField("Size", validators=[Optional()])
    image_id = PickerField("Image", "/pick/images")
    on = BooleanField("Protect")
    kind = RadioField(
        "Kind", choices=[SelectChoice("a", "One: explained"), SelectChoice("b", "Other")]
    )
    tags = TagsField("Tags")


def test_a_field_that_is_wrong_says_so_to_everybody(draw: Draw) -> None:
    form = Sample()
    form.name.errors = ["Too long."]
    drawn = draw("{{ fields.field(form.name) }}", form=form)
    assert 'aria-invalid="true"' in drawn
    described = re.search(r'aria-describedby="([^"]*)"', drawn)
    assert described is not None
    for part in described[1].split():
        assert f'id="{part}"' in drawn
    assert "Too long." in drawn


def test_what_follows_a_colon_explains_a_choice(draw: Draw) -> None:
    drawn = draw("{{ fields.field(form.kind) }}", form=Sample())
    assert "<small>Explained</small>" in drawn
    assert drawn.count('type="radio"') == 2


def test_a_picker_asks_for_what_fits(draw: Draw) -> None:
    drawn = draw("{{ fields.field(form.image_id) }}", form=Sample())
    assert 'hx-get="/pick/images"' in drawn
    assert 'list="image_id-list"' in drawn
    assert '<datalist id="image_id-list">' in drawn


def test_the_tag_editor_holds_the_tags_and_a_row_to_copy(draw: Draw) -> None:
    form = Sample()
    form.tags.rows = [("Name", HOSTILE), ("env", "")]
    drawn = draw("{{ fields.field(form.tags) }}", form=form)
    assert "<script" not in drawn
    for name in ("tags-0-key", "tags-1-value", "tags-#-key"):
        assert f'name="{name}"' in drawn
    without_script = drawn.partition("<noscript>")[2].partition("</noscript>")[0]
    assert without_script.count("-key") == 5


def test_a_folded_section_opens_when_something_in_it_is_wrong(draw: Draw) -> None:
    form = Sample()
    part = Section("More", ("size",), collapsed=True)
    source = "{{ fields.section(form, part) }}"
    assert '<details class="box">' in draw(source, form=form, part=part)
    form.size.errors = ["Too large."]
    assert '<details class="box" open>' in draw(source, form=form, part=part)
