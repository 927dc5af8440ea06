from __future__ import annotations

from tests.bench.timing import Samples, Way, in_turns


def test_of_a_hundred_the_second_slowest_is_the_99th_percentile() -> None:
    samples = Samples([number / 1000 for number in range(1, 101)], [0.002])
    told = samples.told()
    assert told == {"median_ms": 50.5, "p99_ms": 99.0, "own_cpu_ms": 2.0, "samples": 100}


def test_of_a_few_the_slowest_is_the_99th_percentile() -> None:
    assert Samples([0.003, 0.001, 0.002], [0.0]).told()["p99_ms"] == 3.0


def test_what_is_compared_is_measured_in_turns() -> None:
    done: list[str] = []
    ways = [Way("a", lambda: done.append("a"), 2), Way("b", lambda: done.append("b"))]
    found = in_turns(ways, 2)
    assert "".join(done) == "ab" + "aab" + "aab"
    assert [len(found[name].wall) for name in "ab"] == [4, 2]
