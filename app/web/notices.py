"""The notices: what is to be published, what was, what needs a person; and tests of a topic."""

from __future__ import annotations

from datetime import datetime

from flask import Flask, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.aws import topics
from app.inventory import FilterError
from app.resources import AWAITED
from app.resources.forms import link
from app.watches import NoticeView, WatchError
from app.watches.decisions import WHY_CHARACTERS
from app.watches.messages import TEST, by_protocol
from app.watches.notices import FOR_A_PERSON, STATES, NoticeQuery
from app.web import polls, recording
from app.web.context import actor, house, inventory, watches
from app.web.errors import page as error_page

PER_PAGE = 50
MOST_AT_ONCE = 1000  # of one topic, by one button
PERSON = "person"  # in the address: those that wait for one
_BEFORE = "before"
_MOST_TOPICS = 500
_DEEDS = {
    "retry": "Try again",
    "settle": "Count as sent",
    "give_up": "Give up",
    "repeat": "Send once more",
}
_OF_MANY = {
    "retry": "are tried now",
    "settle": "count as sent",
    "give_up": "are given up",
}


def list_page() -> ResponseReturnValue:
    """Notices, newest first; polled by htmx, its body alone. Raises FilterError."""
    query, before = _asked()
    book = watches().notices
    found = book.page(query, PER_PAGE + 1, before)
    shown, more = found[:PER_PAGE], len(found) > PER_PAGE
    counts = book.counts()
    decided = {state: _all_of(query, state) for state in FOR_A_PERSON if query.topic_arn and counts}
    revision = polls.digest([repr(each) for each in shown], more, counts, decided)
    if same := polls.same(revision):
        return same
    given = {key: text for key, text in request.args.items() if text and key != _BEFORE}
    return polls.answer(
        "notices/list",
        revision,
        notices=shown,
        counts=counts,
        decided=decided,
        most=MOST_AT_ONCE,
        given=given,
        topic_arn=query.topic_arn,
        choices=_choices(query.topic_arn),
        topics=_topics(query.topic_arn),
        undecided=sum(counts.get(state, 0) for state in FOR_A_PERSON),
        first=before is None,
        newest=link("/notices", **given),
        older=link("/notices", **given, before=_place(shown[-1])) if more else "",
        awaited=AWAITED,
    )


def _asked() -> tuple[NoticeQuery, tuple[datetime, str] | None]:
    state, kind = request.args.get("state", ""), request.args.get("kind", "")
    topic = request.args.get("topic", "").strip()
    if state and state not in (*STATES, PERSON):
        told = ", ".join((*STATES, PERSON))
        raise FilterError("state", f"There is no state {state[:40]!r}; there are {told}.")
    if kind and kind not in (*AWAITED, TEST):
        told = ", ".join((*AWAITED, TEST))
        raise FilterError("kind", f"There is no kind {kind[:40]!r}; there are {told}.")
    states = FOR_A_PERSON if state == PERSON else (state,) if state else ()
    return NoticeQuery(states, topic, kind), _before(request.args.get(_BEFORE, ""))


def _before(text: str) -> tuple[datetime, str] | None:
    if not text:
        return None
    made_at, _, identity = text.partition("_")
    try:
        moment = datetime.fromisoformat(made_at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not identity:
        raise FilterError(_BEFORE, f"{text[:40]!r} is no place among the notices.")
    return moment, identity[:60]


def _place(notice: NoticeView) -> str:
    return f"{notice.made_at.isoformat()}_{notice.id}"


def _all_of(query: NoticeQuery, state: str) -> int:
    """How many of the topic are in that state; one more than a button does at once: too many."""
    wanted = NoticeQuery((state,), query.topic_arn)
    return len(watches().notices.ids(wanted, MOST_AT_ONCE + 1))


def _choices(topic_arn: str) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """What can be narrowed by: the key of the address, its title, and (value, label) of each."""
    states = [(PERSON, "Needs a person"), *((each, each.capitalize()) for each in STATES)]
    kinds = [(kind, kind.capitalize()) for kind in (*AWAITED, TEST)]
    return {
        "state": ("State", states),
        "topic": ("Topic", _topics(topic_arn)),
        "kind": ("Kind", kinds),
    }


def _topics(chosen: str) -> list[tuple[str, str]]:
    """The topics that are known, and the one that is asked for: ARN, and its name and place."""
    rows = inventory().all("topic", limit=_MOST_TOPICS)
    known = {row.id: f"{row.name} ({row.region})" for row in rows}
    if chosen:
        known.setdefault(chosen, chosen)
    return list(known.items())


def notice_page(notice_id: str) -> ResponseReturnValue:
    """One notice: what is sent to whom, what became of it, what can be done."""
    book = watches().notices
    notice = book.get(notice_id)
    if notice is None:
        return _unknown(notice_id)
    history = book.history(notice)
    topic = inventory().get("topic", notice.topic_arn)
    hears = topic and (topic.gone, topic.cells.get("confirmed"))
    kept_waiting = book.kept_waiting(notice) if notice.state == "waiting" else None
    revision = polls.digest(repr(notice), len(history), hears, kept_waiting)
    if same := polls.same(revision):
        return same
    return polls.answer(
        "notices/notice",
        revision,
        notice=notice,
        history=history,
        topic=topic,
        texts=_grouped(by_protocol(notice.message, notice.structure)),
        kept_waiting=kept_waiting,
        is_fifo=notice.topic_arn.endswith(".fifo"),
        awaited=AWAITED,
    )


def _unknown(notice_id: str) -> ResponseReturnValue:
    links = (("/notices", "All notices"),)
    return error_page(404, "There is no such notice", notice_id[:100], links=links)


def _grouped(texts: dict[str, str]) -> list[tuple[list[str], str]]:
    """The texts, each once, with the protocols that get it; first what all others get."""
    found: dict[str, list[str]] = {}
    for protocol, text in texts.items():
        found.setdefault(text, []).append(protocol)
    return [(protocols, text) for text, protocols in found.items()]


def act(notice_id: str, deed: str) -> ResponseReturnValue:
    """Do what a person decided of a notice: one of _DEEDS, with ``why`` in the form."""
    if watches("operator").notices.get(notice_id) is None:
        return _unknown(notice_id)
    try:
        title = f"{_DEEDS[deed]} the notice {notice_id[:100]}"
        with recording.deed(f"notices.{deed}", title, after=_why(deed)):
            told = _done(deed, notice_id)
        flash(told, "success")
    except WatchError as error:
        flash(str(error), "error")
    return redirect(f"/notices/{notice_id}", 303)


def _why(deed: str) -> dict[str, str]:
    """What a person says beside what they do, for the audit log."""
    return {"why": request.form.get("why", "")[:WHY_CHARACTERS]} if deed == "give_up" else {}


def _done(deed: str, notice_id: str) -> str:
    book = house().watches
    if deed == "settle":
        book.settle(notice_id, actor())
        return "It counts as sent; nothing more is published."
    if deed == "give_up":
        book.give_up(notice_id, actor(), request.form.get("why", ""))
        return "It is given up: nothing more is published, unless somebody tries it again."
    if deed == "repeat":
        book.repeat(notice_id, actor())
        return "It is sent once more, with the same id; this page shows what becomes of it."
    book.retry(notice_id)
    return "Trying now."


def act_on_all() -> ResponseReturnValue:
    """Do one of _OF_MANY with all notices of a topic that are in one state. Raises FilterError."""
    topic, state = request.form.get("topic", ""), request.form.get("state", "")
    deed = request.form.get("deed", "")
    if state not in FOR_A_PERSON or not topic or deed not in _OF_MANY:
        raise FilterError("state", "Choose a topic, and what is held or parked.")
    own = watches("operator").notices
    ids = own.ids(NoticeQuery((state,), topic), MOST_AT_ONCE)
    title = f"{_DEEDS[deed]} the {len(ids)} {state} notices of {topic}"
    after = {"notices": ids, "deed": deed, **_why(deed)}
    with recording.deed("notices.all", title, after=after):
        failed = [told for notice_id in ids if (told := _problem(deed, notice_id))]
    done = len(ids) - len(failed)
    told = f"{done:,} notice{'s' if done != 1 else ''} {_OF_MANY[deed]}."
    flash(told, "success" if done else "info")
    if failed:
        flash(failed[0], "error")
    return redirect(link("/notices", topic=topic), 303)


def _problem(deed: str, notice_id: str) -> str:
    try:
        _done(deed, notice_id)
    except WatchError as error:  # somebody was faster
        return str(error)
    return ""


def test_publish() -> ResponseReturnValue:
    """Owe a topic a test; then its page tells what becomes of it. Raises FilterError."""
    arn = request.form.get("topic", "").strip()
    topic = inventory("operator").get("topic", arn)
    if topic is None or topic.gone:
        raise FilterError("topic", f"The topic {arn[:100]!r} is not known here.")
    account, region = topics.account_of(arn), topics.region_of(arn)
    with recording.deed("notices.test", f"Test the topic {topic.name}", row=topic):
        notice_id = house().watches.test(arn, account, region)
    flash("The test goes the way of every notice; this page shows what becomes of it.", "success")
    return redirect(f"/notices/{notice_id}", 303)


def register(app: Flask) -> None:
    """The pages of the notices."""
    app.add_url_rule("/notices", "notices", list_page)
    app.add_url_rule("/notices/all", "notices_all", act_on_all, methods=["POST"])
    app.add_url_rule("/notices/test", "notices_test", test_publish, methods=["POST"])
    app.add_url_rule("/notices/<notice_id>", "notice", notice_page)
    app.add_url_rule(
        "/notices/<notice_id>/<any(retry, settle, give_up, repeat):deed>",
        "notice_act",
        act,
        methods=["POST"],
    )
