"""The group's throughput and its last failovers in the left column."""

from __future__ import annotations

from stanlocal.group.resources import Counts, Resources
from stanlocal.tui.activity_view import Throughput, last_failovers, rates
from tests.support.facts import at
from tests.tui.test_failovers import failover


def measured(second: float, stored: int, sent: int) -> Resources:
    return Resources(counts=Counts(at(second), stored, sent))


def test_rates_are_those_between_two_measurements_of_the_node_that_serves() -> None:
    throughput = Throughput()
    throughput.learn({"stan-0": measured(0, 100, 0), "stan-1": Resources()})
    throughput.learn({"stan-0": measured(2, 300, 50), "stan-1": Resources()})
    assert ([*throughput.stored], [*throughput.sent]) == ([0, 100], [0, 25])
    stored, sent = rates(throughput).plain.splitlines()
    assert stored.split()[0] == "stored"
    assert stored.endswith(" 100/s")
    assert sent.endswith(" 25/s")
    assert len(stored) <= 34


def test_after_a_failover_or_without_a_node_nothing_is_counted_twice() -> None:
    throughput = Throughput()
    throughput.learn({"stan-0": measured(0, 100, 0)})
    throughput.learn({"stan-1": measured(2, 9000, 0)})
    throughput.learn({})
    throughput.learn({"stan-1": measured(6, 9100, 0)})
    assert [*throughput.stored] == [0, 0, 0, 0]
    throughput.learn({"stan-1": measured(6, 9900, 0)})
    assert len(throughput.stored) == 4, "the same answer again is no measurement"


def test_the_last_failovers_are_lines_with_bars_the_newest_first() -> None:
    found = [failover(number, 500 + 250 * number) for number in range(5)]
    lines = last_failovers(found, 3).plain.splitlines()
    assert [int(line.split()[2].replace(",", "")) for line in lines] == [1500, 1250, 1000]
    assert all(len(line) <= 34 for line in lines)
    assert len(lines[0].split()[3]) == 10
    assert last_failovers(found, 0).plain == ""
