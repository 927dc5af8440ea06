"""The lean parser gives what botocore's gives, as plain data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import OperationModel
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from app.aws import lean
from app.aws.call import plain
from app.aws.operations import OPERATIONS
from app.aws.shapes import time_text
from tests.aws.answers import (
    EC2,
    MOMENTS,
    QUERY,
    TEXT,
    agreed,
    by_botocore,
    by_lean,
    made_up,
    model,
    output,
    service,
    values,
    written,
)
from tests.recordings import needs_recordings, recordings

READS = sorted(
    key
    for key in OPERATIONS
    if key[1].startswith(("Describe", "Get", "List"))
    and service(key[0]).protocol in {"ec2", "query"}
)


def read(body: bytes, of: OperationModel) -> Any:
    """What the lean parser makes of a body, without any help of botocore's."""
    reader = lean.reader_of(of.name, of.output_shape)
    assert reader is not None
    return reader.read(body)


@needs_recordings
def test_every_recording_is_read_as_botocore_reads_it() -> None:
    count = 0
    for recording in recordings():
        if "Error" in recording.data:
            continue
        of = model(recording.service, recording.operation)
        data = {key: value for key, value in recording.data.items() if value is not None}
        body = written(data, of)
        assert agreed(body, of) == read(body, of) == plain(data), recording.name
        count += 1
    assert count > 100


@pytest.mark.parametrize(("service_name", "operation"), READS)
@given(data=st.data())
def test_generated_answers_are_read_as_botocore_reads_them(
    service_name: str, operation: str, data: st.DataObject
) -> None:
    of = model(service_name, operation)
    body = written(data.draw(values(output(of))), of)
    assert agreed(body, of) == read(body, of)


def test_the_names_of_an_operation_and_its_shape_tell_it_from_those_of_other_services() -> None:
    """The readers that are kept go by them."""
    keys = {(model(*key).name, output(model(*key)).name) for key in READS}
    assert len(keys) == len(READS) > 10


@pytest.fixture(autouse=True)
def no_readers_of_made_up_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lean, "_readers", {})


BOTH = pytest.mark.parametrize("of", [EC2, QUERY], ids=["ec2", "query"])


@BOTH
@given(data=st.data())
def test_every_form_that_the_protocols_have_is_read_as_botocore_reads_it(
    of: OperationModel, data: st.DataObject
) -> None:
    drawn = data.draw(values(output(of), most=8))
    drawn.pop("Header", None)
    body = written(drawn, of)
    reader = lean.Reader(output(of))
    assert agreed(body, of) == reader.read(body) == plain(drawn)


@BOTH
@given(
    data=st.data(),
    piece=st.integers(1, 40),
)
def test_it_does_not_matter_where_the_pieces_of_a_body_end(
    of: OperationModel, data: st.DataObject, piece: int
) -> None:
    drawn = data.draw(
        st.fixed_dictionaries({"Inners": values(of.service_model.shape_for("Inners"))})
    )
    body = written(drawn, of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lean, "PIECE", piece)
        assert lean.Reader(output(of)).read(body) == plain(drawn)


@pytest.mark.parametrize("output", ["Tree", "Union", "Attribute"])
def test_shapes_that_the_lean_parser_does_not_know_are_left_to_botocore(output: str) -> None:
    of = made_up("ec2", output)
    assert lean.reader_of(of.name, of.output_shape) is None
    body = b"<ListAllResponse><Below><Below/></Below><Text>x</Text></ListAllResponse>"
    if output != "Union":
        agreed(body, of)
    agreed(b"<ListAllResponse><Text>x</Text></ListAllResponse>", of)


@given(MOMENTS)
def test_times_of_awss_form_are_read_as_botocore_reads_them(moment: datetime) -> None:
    for text in (
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z",
        moment.isoformat(),
    ):
        assert time_text(text) == plain(parse_timestamp(text))


@given(st.from_regex(r"\A\d{4}-[01]\d-[0-3]\d[T ][0-2]\d:\d\d:\d\d(\.\d{1,8})?(Z|\+01:00|)\Z"))
def test_times_of_any_like_form_are_read_as_botocore_reads_them(text: str) -> None:
    try:
        expected = plain(parse_timestamp(text))
    except (ValueError, OverflowError, RuntimeError):
        with pytest.raises((ValueError, OverflowError, RuntimeError)):
            time_text(text)
    else:
        assert time_text(text) == expected


@given(TEXT)
def test_the_text_of_names_and_tags_is_read_to_the_letter(text: str) -> None:
    of = model("ec2", "DescribeVolumes")
    data = {"Volumes": [{"Tags": [{"Key": text, "Value": text}]}]}
    assert read(written(data, of), of) == data


def test_unknown_namespaces_without_end_fill_no_memory() -> None:
    reader = lean.Reader(output(EC2))
    for number in range(500):
        body = f'<ListAllResponse xmlns="{number}"><Text>x</Text></ListAllResponse>'
        assert reader.read(body.encode()) == {"Text": "x"}
    assert len(reader._structure._spelt) <= reader._structure._room < 200


def test_what_is_read_of_a_long_list_is_taken_out_of_the_tree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a page of a thousand instances would need its memory several times over."""
    of = model("ec2", "DescribeVolumes")
    data = {"Volumes": [{"VolumeId": f"vol-{number}"} for number in range(5000)]}
    body = written(data, of)
    assert len(body) > 3 * lean.PIECE
    left = []
    take = lean.Reader._take

    def noting(self: lean.Reader, root: Any, items: dict[str, list[Any]]) -> None:
        take(self, root, items)
        left.append(0 if root is None else sum(1 for _ in root.iter()))

    monkeypatch.setattr(lean.Reader, "_take", noting)
    assert read(body, of) == data
    assert max(left) < 10
    assert len(left) > 3


def test_requests_go_first_between_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(lean, "give_way", lambda: calls.append(1))
    of = model("ec2", "DescribeVolumes")
    read(written({"Volumes": [{"VolumeId": "x" * 1000}] * 300}, of), of)
    assert len(calls) > 5
    calls.clear()
    read(written({"Volumes": [{"VolumeId": "vol-1"}]}, of), of)
    assert calls == []  # what is short is not worth a wait


def test_actions_and_errors_are_botocores() -> None:
    of = model("ec2", "CreateSnapshot")
    body = written({"SnapshotId": "snap-1", "StartTime": datetime(2026, 1, 2, tzinfo=UTC)}, of)
    assert by_lean(body, of) == by_botocore(body, of)
