"""Background work gives way to requests, and always gets on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from app.aws import turns
from app.aws.turns import Turns

LONG = 30.0  # seconds; no test waits so long


def run(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


class Request:
    """A request under way in a thread of its own, until ``end``."""

    def __init__(self, of: Turns) -> None:
        self._of = of
        self._begun, self._over = threading.Event(), threading.Event()
        self._thread = run(self._serve)
        assert self._begun.wait(LONG)

    def _serve(self) -> None:
        with self._of.serving():
            self._begun.set()
            self._over.wait(LONG)

    def end(self) -> None:
        self._over.set()
        self._thread.join(LONG)


@pytest.fixture
def patient() -> Turns:
    """Turns whose background waits as long as there are requests."""
    return Turns(wait=LONG)


def test_without_requests_nobody_waits(patient: Turns) -> None:
    patient.give_way()
    Request(patient).end()
    patient.give_way()


def test_the_background_waits_while_a_request_is_under_way(patient: Turns) -> None:
    request = Request(patient)
    background = run(patient.give_way)
    background.join(0.05)
    assert background.is_alive()
    request.end()
    background.join(LONG)
    assert not background.is_alive()


def test_it_waits_for_the_last_of_several_requests(patient: Turns) -> None:
    first, second = Request(patient), Request(patient)
    background = run(patient.give_way)
    first.end()
    background.join(0.05)
    assert background.is_alive()
    second.end()
    background.join(LONG)
    assert not background.is_alive()


def test_requests_without_end_do_not_starve_the_background() -> None:
    impatient = Turns(wait=0.001, work=0.0)
    request = Request(impatient)

    def work() -> None:
        for _ in range(5):
            impatient.give_way()

    several = [run(work) for _ in range(4)]
    for thread in several:
        thread.join(LONG)
    assert not any(thread.is_alive() for thread in several)
    request.end()


def test_after_its_wait_the_background_works_for_a_while_without_waiting() -> None:
    turns = Turns(wait=0.001, work=LONG)
    request = Request(turns)
    turns.give_way()
    turns.give_way()  # would wait without end otherwise: the next turn is LONG away
    request.end()


def test_a_second_thread_of_the_background_has_its_turn_after_the_first() -> None:
    turns = Turns(wait=0.001, work=LONG)
    request = Request(turns)
    turns.give_way()
    second = run(turns.give_way)
    second.join(0.05)
    assert second.is_alive()
    request.end()
    second.join(LONG)
    assert not second.is_alive()


def test_short_waits_add_up_to_a_turn() -> None:
    """Else a thread that is woken between any two requests would do next to nothing."""
    turns = Turns(wait=0.05, work=LONG)
    worked = threading.Event()

    def background() -> None:
        while not worked.is_set():
            turns.give_way()
            if turns._mine.until:
                worked.set()

    thread = run(background)
    while not worked.is_set():
        request = Request(turns)
        worked.wait(0.02)
        request.end()
    thread.join(LONG)
    assert not thread.is_alive()


def test_a_request_does_not_give_way_to_itself(patient: Turns) -> None:
    with patient.serving():
        patient.give_way()


def test_a_request_that_waits_for_aws_keeps_nobody_waiting(patient: Turns) -> None:
    with patient.serving():
        with patient.away():
            background = run(patient.give_way)
            background.join(LONG)
            assert not background.is_alive()
        background = run(patient.give_way)
        background.join(0.05)
        assert background.is_alive()
    background.join(LONG)
    assert not background.is_alive()


def test_away_without_a_request_changes_nothing(patient: Turns) -> None:
    with patient.away():
        patient.give_way()
    patient.give_way()


def application(turns: Turns, seen: list[int]) -> Flask:
    app = Flask(__name__)

    @app.get("/")
    def page() -> Iterator[str]:
        seen.append(turns._under_way)

        def pieces() -> Iterator[str]:
            for piece in "ab":
                seen.append(turns._under_way)
                yield piece

        return pieces()

    app.wsgi_app = turns.around(app.wsgi_app)  # type: ignore[method-assign]
    return app


def test_a_request_counts_while_it_is_answered_and_its_pieces_are_made() -> None:
    turns = Turns()
    seen: list[int] = []
    answer = application(turns, seen).test_client().get("/", buffered=False)
    pieces = answer.iter_encoded()
    assert [next(pieces), turns._under_way, next(pieces), turns._under_way] == [b"a", 0, b"b", 0]
    answer.close()
    assert seen == [1, 1, 1]
    assert turns._under_way == 0


def test_a_request_that_fails_is_over_too() -> None:
    turns = Turns()

    def broken(environ: object, start_response: object) -> list[bytes]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        turns.around(broken)({}, None)
    assert turns._under_way == 0


def test_a_body_is_closed_with_what_it_holds() -> None:
    closed = []

    class Body(list[bytes]):
        def close(self) -> None:
            closed.append(True)

    body = Turns().around(lambda environ, start_response: Body([b"x"]))({}, None)
    assert list(body) == [b"x"]
    body.close()
    assert closed == [True]


def test_the_process_has_one_for_all(patient: Turns) -> None:
    with turns.serving():
        assert turns._turns._under_way == 1
        turns.give_way()
    assert turns._turns._under_way == 0


def test_a_thread_knows_whether_it_serves_a_request(patient: Turns) -> None:
    told = [patient.is_serving()]
    with patient.serving():
        told.append(patient.is_serving())
        thread = run(lambda: told.append(patient.is_serving()))
        thread.join(LONG)
    assert [*told, patient.is_serving()] == [False, True, False, False]
