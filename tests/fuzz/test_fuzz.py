"""The fuzzer's short form, for every run of the tests; `make fuzz` sends 20,000 requests."""

from __future__ import annotations

import pytest

from tests.fuzz.console import fuzzing, go
from tests.fuzz.fuzzer import Figures

REQUESTS = 1200
# werkzeug leaves the file of a form that ends in its middle to the garbage collector
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    """What came of it; the seed is fixed, so that a failure can be had again."""
    with fuzzing(tmp_path_factory.mktemp("fuzz"), seed=5) as fuzzer:
        go(fuzzer, REQUESTS)
        return fuzzer.figures


def test_nothing_that_is_sent_breaks_the_console(figures: Figures) -> None:
    assert not figures.failures, "\n\n".join(figures.failures)


def test_every_route_was_sent_to_and_forms_were_taken(figures: Figures) -> None:
    assert figures.missed == []
    assert figures.statuses[200] > 100  # pages were seen,
    assert figures.statuses[303] > 3  # something was done,
    assert figures.statuses[422] > 10  # and forms were looked into
