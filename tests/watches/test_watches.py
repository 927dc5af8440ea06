"""The walk of a watch: from the form to the message."""

from __future__ import annotations

from datetime import timedelta

from tests.watches.desk import Desk
from tests.watches.fakes import START, TOPIC, FakeAws


def test_a_completed_snapshot_is_told_of_once(desk: Desk, aws: FakeAws) -> None:
    watch = desk.waiting()
    desk.tick()
    assert aws.published == []
    desk.aws.finish(watch.snapshot_id or "", CompletionTime=START + timedelta(minutes=3))
    for _ in range(5):
        desk.tick()
    (message,) = aws.published
    assert message["Subject"] == "Snapshot done"
    assert message["TopicArn"] == TOPIC
    view = desk.view(watch.id)
    (notice,) = view.notices
    assert (view.state, notice.state, notice.sns_message_id) == ("completed", "sent", "m-1")
    assert view.polls == 2
    assert [event.kind for event in view.events] == ["made", "bound", "state", "owed", "sent"]
    assert not view.is_open
    assert desk.watches.open_count() == 0
