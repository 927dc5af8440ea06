"""The texts of a notice."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.resources import AWAITED
from app.watches.harmless import harmless
from app.watches.messages import (
    Message,
    Wording,
    by_protocol,
    message_of,
    notice_of,
    publish_parameters,
)
from tests.watches.desk import OUTCOMES
from tests.watches.fakes import ACCOUNT, REGION, START, TOPIC

ENDED = START + timedelta(hours=2, minutes=5)


def watch(**more: Any) -> dict[str, Any]:
    return {
        "id": "w-1",
        "kind": "snapshot",
        "occasion": "",
        "account": ACCOUNT,
        "region": REGION,
        "resource_id": "snap-1",
        "topic_arn": TOPIC,
        "source_id": "vol-1",
        "source_name": "lj_volume",
        "description": "lj_volumeSnap",
        "state_message": "",
        "started_at": START,
        "completed_at": ENDED,
        "absent_since": None,
        "size_gib": 8,
        "aws_state": "completed",
        "progress": "100%",
        "made_at": START,
        "last_polled_at": ENDED,
        "late_after": None,
        "expected": None,
        **more,
    }


def compose(watch: dict[str, Any], outcome: str, identity: str, now: datetime) -> str:
    return message_of(watch, outcome, identity, now, Wording()).message


def test_the_message_tells_everything() -> None:
    assert compose(watch(), "completed", "n-1", ENDED) == (
        "The snapshot snap-1 is completed.\n"
        "\n"
        "Snapshot: snap-1\n"
        "Volume: vol-1 (lj_volume)\n"
        "Description: lj_volumeSnap\n"
        "Started: 2026-03-01 12:00:00 UTC\n"
        "Completed: 2026-03-01 14:05:00 UTC\n"
        "Outcome: completed\n"
        "Size: 8 GiB\n"
        "Region: eu-central-1\n"
        "Account: 123456789012\n"
        "Notice: n-1\n"
    )


def test_the_message_leads_to_the_watch_where_it_is_known_how_people_open_the_console() -> None:
    home, wording = "https://console.example.com", Wording(text="${facts}", json_for=("sqs",))
    told = message_of(watch(), "completed", "n-1", ENDED, wording, home)
    assert "\nWatch: https://console.example.com/watches/w-1\n" in told.message
    assert _json(told)["link"] == "https://console.example.com/watches/w-1"


def test_without_that_there_is_no_link_in_text_or_json() -> None:
    wording = Wording(text="<${link}>", json_for=("sqs",))
    told = message_of(watch(), "completed", "n-1", ENDED, wording)
    assert told.message == "<>"
    assert _json(told)["link"] is None
    assert "/watches/" not in told.structure


def _json(told: Message) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(by_protocol(told.message, told.structure)["sqs"])
    return found


def test_what_aws_does_not_tell_is_said_so() -> None:
    bare = watch(source_name="", description="", started_at=None, completed_at=None, size_gib=None)
    message = compose(bare, "completed", "n-1", ENDED)
    assert "Volume: vol-1\nDescription: none\nStarted: not known\n" in message
    assert "Completed: seen at 2026-03-01 14:05:00 UTC\n" in message
    assert "Size: not known\n" in message


def test_a_failure_without_reason_says_so() -> None:
    message = compose(watch(completed_at=None), "failed", "n-1", ENDED)
    assert "State message: AWS gave no reason.\n" in message
    assert "Failed: seen at 2026-03-01 14:05:00 UTC\n" in message


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_subjects_are_as_sns_takes_them(outcome: str) -> None:
    assert re.fullmatch(r"[ -~]{1,99}", AWAITED["snapshot"].outcome(outcome).subject)


def test_the_subject_of_a_completed_snapshot_is_snapshot_done() -> None:
    assert AWAITED["snapshot"].outcome("completed").subject == "Snapshot done"


@given(text=st.text(st.characters(codec=None), max_size=300), outcome=st.sampled_from(OUTCOMES))
def test_no_text_can_forge_a_line_of_the_message(text: str, outcome: str) -> None:
    hostile = watch(description=text, source_name=text, state_message=text, absent_since=START)
    message = compose(hostile, outcome, "n-1", ENDED)
    plain = compose(watch(absent_since=START), outcome, "n-1", ENDED)
    assert _labels(message) == _labels(plain)
    assert "\x00" not in message
    assert len(message.encode()) < 256 * 1024


def _labels(message: str) -> list[str]:
    labels = [line.partition(":")[0] for line in message.splitlines()]
    return [label for label in labels if label != "State message"]  # which is there if AWS gives it


def test_reading_direction_cannot_be_turned() -> None:
    assert harmless("done \u202e eliaf") == "done  eliaf"


def test_other_scripts_and_emoji_stay_as_they_are() -> None:
    text = "Sicherung für 東京 👩\u200d💻 – nightly"
    assert harmless(text) == text


def test_long_texts_are_cut() -> None:
    assert len(harmless("x" * 5000)) == 1000
    assert harmless("x" * 1000) == "x" * 1000
    assert harmless("abcdef", 4) == "abc…"


def test_a_notices_id_is_always_the_same_and_never_anothers() -> None:
    ids = {notice_of(watch(), outcome) for outcome in OUTCOMES}
    ids |= {notice_of(watch(**{key: "x"}), "completed") for key in ("account", "region")}
    ids |= {notice_of(watch(**{key: "x"}), "completed") for key in ("resource_id", "topic_arn")}
    assert len(ids) == len(OUTCOMES) + 4
    assert notice_of(watch(), "completed") == notice_of(watch(description="x"), "completed")


def test_attributes_tell_machines_what_it_is() -> None:
    notice = {
        "id": "n-1",
        "outcome": "failed",
        "kind": "snapshot",
        "resource_id": "snap-1",
        "topic_arn": TOPIC,
        "subject": "s",
        "message": "m",
        "structure": "",
    }
    parameters = publish_parameters(notice)
    told = {name: one["StringValue"] for name, one in parameters["MessageAttributes"].items()}
    assert told == {
        "notice_id": "n-1",
        "outcome": "failed",
        "kind": "snapshot",
        "resource_id": "snap-1",
    }
    assert "MessageGroupId" not in parameters
