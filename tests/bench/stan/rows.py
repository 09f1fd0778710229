"""The rows of the table: what is measured, and what each must reach."""

from __future__ import annotations

import asyncio
import secrets
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stanlocal import stan
from tests.bench.stan import ours, peers
from tests.bench.stan.runtimes import OWN, Runtime
from tests.integration.stan.ft_processes import Group
from tests.integration.stan.load import Ledger, Load

SIZE = 128
"""Bytes of a message."""

_NAMES = {
    "async": "asynchronous publish, window 16,384",
    "subscribe": "subscribe from the beginning, max in flight 1,024",
    "sync": "synchronous publish, one at a time",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    figures: dict[str, str]
    ratios: str
    demand: str
    holds: bool


def throughput(
    group: Group, tools: peers.Tools, others: Sequence[Runtime], rounds: int, count: int
) -> list[Row]:
    """Publishing and delivery rates of the three clients, and of stanlocal's on other runtimes."""
    node, go, mine = "node-nats-streaming", "stan.go", "stanlocal"
    rates: dict[tuple[str, str], list[float]] = {}
    url, cluster_id = group.urls[0], group.cluster_id
    kinds = {"async": count, "subscribe": count, "sync": 5000}
    for _ in range(rounds):
        for kind, messages in kinds.items():
            channel = f"bench.{kind}.{secrets.token_hex(4)}"
            if kind == "subscribe":
                ours.rate(OWN, url, cluster_id, "async", channel, messages, SIZE)  # what all then read
            measure: dict[str, Callable[..., float]] = {
                mine: partial(ours.rate, OWN),
                node: partial(peers.node, tools),
                go: partial(peers.go, tools),
                **{each.name: partial(ours.rate, each) for each in others},
            }
            for number, (name, rate_of) in enumerate(measure.items()):
                own = channel if kind == "subscribe" else f"{channel}.{number}"
                rate = rate_of(url, cluster_id, kind, own, messages, SIZE)
                rates.setdefault((kind, name), []).append(rate)
    middle = {key: statistics.median(values) for key, values in rates.items()}

    def row(kind: str, of_node: float, of_go: float) -> Row:
        to_node = middle[kind, mine] / middle[kind, node]
        to_go = middle[kind, mine] / middle[kind, go]
        return Row(
            _NAMES[kind],
            {name: f"{middle[kind, name]:,.0f}/s" for name in (mine, node, go)},
            f"{to_node:.2f} x {node}, {to_go:.2f} x {go}",
            f"at least {of_node:g} x {node} and {of_go:g} x {go}",
            to_node >= of_node and to_go >= of_go,
        )

    def beside(other: Runtime, kind: str) -> Row:
        rate = middle[kind, other.name]
        ratio = f"{rate / middle[kind, mine]:.2f} x stanlocal's own, {rate / middle[kind, go]:.2f} x {go}"
        return Row(f"{_NAMES[kind]}, {other.name}", {mine: f"{rate:,.0f}/s"}, ratio, "", holds=True)

    return [
        row("async", 1.5, 0.75),
        row("subscribe", 1.1, 0.8),
        row("sync", 1.0, 0.8),
        *(beside(other, kind) for other in others for kind in kinds),
    ]


def memory(folder: Path, count: int = 1_000_000) -> Row:
    """Growth of the process's memory while a million messages go through one subscription."""
    with Group(folder) as group:
        command = [
            sys.executable,
            "-m",
            "tests.bench.stan.memory",
            group.urls[0],
            group.cluster_id,
            str(count),
        ]
        out = subprocess.run(command, cwd=ours.ROOT, stdout=subprocess.PIPE, check=True, timeout=300).stdout
    grown = float(out)
    return Row(
        f"memory for {count:,} messages through one subscription",
        {"stanlocal": f"{grown:.0f} MB above the start"},
        "",
        "at most 60 MB above the start",
        grown <= 60,
    )


async def outage(folder: Path, kills: int) -> Row:
    """Outages of a synchronous publisher when the active is killed, beside the server's own time."""
    group = Group(folder)
    await asyncio.to_thread(group.start)
    ledger = Ledger()
    outages: list[float] = []
    servers: list[float] = []
    try:
        async with stan.connect(
            group.urls, cluster_id=group.cluster_id, client_id="outage", retry=True
        ) as client:
            await client.subscribe("outage", ledger.deliver, durable_name="d", ack_wait=1)
            load = Load(client, "outage", ledger)
            publishing = asyncio.ensure_future(load.synchronous())
            for number in range(kills):
                await ledger.until_acked(len(ledger.acked) + 200)
                await asyncio.sleep(number % 5 * 0.25)  # kills at different moments of the server's own beat
                _, killed = await asyncio.to_thread(group.kill_active)
                ready = await asyncio.to_thread(group.wait_ready)
                first = await ledger.first_ack_after(killed + 0.02)
                outages.append(first - killed)
                servers.append(ready - killed)
                await asyncio.to_thread(group.restore)
            load.stop()
            await publishing
            await ledger.until_delivered(30)
    finally:
        await asyncio.to_thread(group.stop)
    client_ms, server_ms = statistics.median(outages) * 1000, statistics.median(servers) * 1000
    worst = max(seen - own for seen, own in zip(outages, servers, strict=True)) * 1000
    return Row(
        f"outage when the active is killed with -9 under synchronous publishing, {kills} times",
        {"stanlocal": f"median {client_ms:.0f} ms, {len(ledger.failed)} failed, {len(ledger.missing)} lost"},
        f"server's own time: median {server_ms:.0f} ms; worst difference {worst:.0f} ms; "
        f"{len(ledger.acked)} acknowledged, {ledger.duplicates} delivered twice",
        "median at most the server's own + 50 ms, none failed, none lost",
        client_ms <= server_ms + 50 and not ledger.failed and not ledger.missing,
    )
