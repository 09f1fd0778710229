"""Metrics that only stanlocal has: states, the lock, failovers, faults, the store. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from stanlocal.history.failovers import Failover
from stanlocal.metrics.scrape import NodeScrape
from stanlocal.model.fault_record import FaultRecord
from stanlocal.model.states import GroupState, GroupStatus, NodeState

EXITS = ("exit 0", "exit 1", "exit 2", "exit 137", "exit 143", "unknown")
"""Causes of failovers without a fault: the servers' exit codes."""
BUCKETS_S = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)
"""Bucket bounds for outages; most failovers take 0.3 to 1.5 seconds, because of the server's own waits."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about a group besides the monitors' answers."""

    group: str
    status: GroupStatus | None
    """The current status; None while the group cannot be watched, as an older one may be wrong."""
    failovers: Sequence[Failover]
    faults: Sequence[FaultRecord]
    """Faults in force."""
    store_bytes: int | None
    """Size of the store's files; None if the store cannot be read from here."""
    store_free_bytes: int | None
    causes: Sequence[str] = ()
    """Names of the faults that may cause a failover."""


def families(facts: Facts, scrapes: Sequence[NodeScrape]) -> Iterator[Metric]:
    """Yield the metric families of the group."""
    up = _gauge("up", "1 while the group is watched; else states are left out.")
    up.add_metric((facts.group,), facts.status is not None)
    yield up
    if facts.status is not None:
        yield from _states(facts.group, facts.status)
    yield from _faults(facts)
    yield from _failovers(facts)
    yield from _store(facts)
    yield from _scrapes(facts, scrapes)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"stanlocal_{name}", text, labels=("group", *labels))


def _states(name: str, status: GroupStatus) -> Iterator[Metric]:
    group = _gauge("group_state", "1 for the state that the group is in.", "state")
    for state in GroupState:
        group.add_metric((name, state.value), status.state is state)
    yield group
    node = _gauge("node_state", "1 for the state that the node is in.", "node", "state")
    paused = _gauge("node_paused", "1 while the node's process is frozen.", "node")
    cut = _gauge("node_partitioned", "1 while the node is cut off from the others or from clients.", "node")
    holder = _gauge("store_lock_holder", "1 for the node that holds the store's lock.", "node")
    for each in status.nodes:
        for kind in NodeState:
            node.add_metric((name, each.name, kind.value), each.state is kind)
        paused.add_metric((name, each.name), each.paused)
        cut.add_metric((name, each.name), each.partitioned)
        holder.add_metric((name, each.name), status.lock_holder == each.name)
    yield from (node, paused, cut, holder)


def _faults(facts: Facts) -> Iterator[Metric]:
    faults = _gauge("faults_in_force", "Faults that are not healed, by name.", "fault")
    for name in sorted({fault.name for fault in facts.faults}):
        faults.add_metric((facts.group, name), sum(fault.name == name for fault in facts.faults))
    yield faults


def _failovers(facts: Facts) -> Iterator[Metric]:
    count = CounterMetricFamily(
        "stanlocal_failovers", "Failovers that were observed, by cause.", labels=("group", "cause")
    )
    # A series that begins at 1 hides its first failover from increase(), so every cause begins at 0.
    for cause in sorted({*facts.causes, *EXITS, *(failover.cause for failover in facts.failovers)}):
        count.add_metric((facts.group, cause), sum(each.cause == cause for each in facts.failovers))
    yield count
    seconds = [failover.server_ms / 1000 for failover in facts.failovers]
    ready = "From the fault to the next node's being ready, by the servers' own clocks."
    yield _histogram("failover_seconds", ready, facts.group, seconds)
    seen = [each.outage_ms / 1000 for each in facts.failovers if each.outage_ms is not None]
    felt = "From the fault to the first acknowledged publish, where a client saw it."
    yield _histogram("outage_seconds", felt, facts.group, seen)


def _histogram(name: str, text: str, group: str, seconds: Sequence[float]) -> Metric:
    family = HistogramMetricFamily(f"stanlocal_{name}", text, labels=("group",))
    buckets = [(str(bound), float(sum(each <= bound for each in seconds))) for bound in BUCKETS_S]
    family.add_metric((group,), [*buckets, ("+Inf", float(len(seconds)))], sum(seconds))
    return family


def _store(facts: Facts) -> Iterator[Metric]:
    for name, text, value in (
        ("store_bytes", "Bytes of the store's files on disk.", facts.store_bytes),
        ("store_free_bytes", "Bytes that are free on the store's file system.", facts.store_free_bytes),
    ):
        family = _gauge(name, text)
        if value is not None:
            family.add_metric((facts.group,), value)
        yield family


def _scrapes(facts: Facts, scrapes: Sequence[NodeScrape]) -> Iterator[Metric]:
    answers = ("answered", "not-ready", "silent", "refused", "strange")
    up = _gauge("monitor_up", "1 when the node's monitor answered this scrape.", "node")
    outcome = _gauge(
        "monitor_outcome", "1 for how the node's monitor answered this scrape.", "node", "outcome"
    )
    took = _gauge("monitor_seconds", "How long the node's monitor took.", "node")
    for scrape in scrapes:
        up.add_metric((facts.group, scrape.node), scrape.outcome == "answered")
        for answer in answers:
            outcome.add_metric((facts.group, scrape.node, answer), scrape.outcome == answer)
        took.add_metric((facts.group, scrape.node), scrape.seconds)
    yield from (up, outcome, took)
