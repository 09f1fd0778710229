"""Measures groups of local processes, beside groups on Docker: ``python -m tests.bench.processes``.

Needs a Docker Engine, the server's image and a nats-streaming-server. Prints the table, writes it to
tests/bench/results/processes.md (or to `--out`), and exits with 1 when a row falls short.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from stanlocal import stan
from stanlocal.api import FTGroup
from stanlocal.history.occurrences import Outage
from stanlocal.model.states import GroupState
from tests.bench.group.ours import Command
from tests.bench.group.rows import Row, bounded, compared, median
from tests.bench.page import RESULTS, load_average, machine, page, publish
from tests.support.binary import find_server

PAYLOAD = b"x" * 128


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.processes", description=__doc__)
    parser.add_argument("--repeat", type=int, default=11, help="runs of each (11)")
    parser.add_argument("--publish", type=int, default=2000, help="messages of a run of publishing (2000)")
    parser.add_argument("--out", type=Path, default=RESULTS / "processes.md", help="the results file")
    options = parser.parse_args()
    binary = find_server()
    if binary is None:
        parser.error("no nats-streaming-server; 'python -m tests.support.binary' builds one")
    with tempfile.TemporaryDirectory(prefix="stanlocal-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        os.environ |= {"XDG_STATE_HOME": f"{folder}/state", "STANLOCAL_SERVER_BINARY": str(binary)}
        rows = [*up_and_down(folder, options.repeat), *asyncio.run(clients(options.repeat, options.publish))]
    publish(table(rows, options.repeat), options.out)
    return 0 if all(row.holds for row in rows) else 1


def up_and_down(folder: Path, repeat: int) -> Sequence[Row]:
    """The whole commands."""
    command = Command(folder, _name(), "process")
    command.env["STANLOCAL_SERVER_BINARY"] = os.environ["STANLOCAL_SERVER_BINARY"]
    with command.up():
        pass  # so that no run has its modules compiled
    up, down = [], []
    for _ in range(repeat):
        up.append(command.seconds("up"))
        down.append(command.seconds("down", "--timeout", "0"))
    command.purge()
    return [bounded("`up`", up, 1.6), bounded("`down --timeout 0`", down, 0.3)]


async def clients(repeat: int, count: int) -> Sequence[Row]:
    """Measure what a client of either engine's group sees; the engines take turns."""
    outages: dict[str, list[float]] = {"process": [], "docker": []}
    waits: dict[str, list[float]] = {"process": [], "docker": [], "past": []}
    async with AsyncExitStack() as stack:
        groups = {name: await stack.enter_async_context(_group(name)) for name in ("process", "docker")}
        for number in range(repeat):
            for name, group in groups.items():
                url = (await group.document())["client_urls"][await _active(group)]
                waits[name].append(await _publish(url, count, f"b{number}"))
            process = (await groups["process"].look()).plan
            inner = process.nodes[await _active(groups["process"])].listen.client
            waits["past"].append(await _publish(f"nats://127.0.0.1:{inner}", count, f"p{number}"))
        for name, group in groups.items():
            async with aclosing(group.probe()) as seen:
                for _ in range(repeat):
                    outages[name].append(await _outage(group, seen))
    return [
        compared("outage after `kill -9` of the active", outages["process"], outages["docker"], 1.0),
        _acks("synchronous publish", waits["process"], "Docker", waits["docker"], 1.0),
        _acks("synchronous publish", waits["process"], "past the relay", waits["past"], 1.5),
    ]


@asynccontextmanager
async def _group(engine: str) -> AsyncIterator[FTGroup]:
    group = FTGroup(group=_name(), engine=engine)
    try:
        await group.up()
        yield group
    finally:
        await group.down(timeout=0, purge=True)
        await group.close()


async def _active(group: FTGroup) -> int:
    look = await group.look()
    return look.status.node(str(look.status.active)).instance.index


async def _publish(url: str, count: int, client_id: str) -> float:
    """Seconds from one ack to the next, each message sent when the one before was acknowledged."""
    async with stan.connect(url, cluster_id="test-cluster", client_id=client_id) as client:
        await client.publish("bench", PAYLOAD)
        begin = perf_counter()
        for _ in range(count):
            await client.publish("bench", PAYLOAD)
        return (perf_counter() - begin) / count


async def _outage(group: FTGroup, seen: AsyncIterator[Outage]) -> float:
    """Seconds for which the probe's client got no ack."""
    told = asyncio.ensure_future(anext(seen))
    await asyncio.sleep(0.5)  # acks come meanwhile: the kill is to hit a group in use
    hit = datetime.now(UTC)
    fault = await group.kill("@active")
    assert fault is not None
    outage = await told
    while outage.first_ack < hit:  # a busy disk's
        outage = await anext(seen)
    await fault.heal()
    await group.wait_state(GroupState.HEALTHY)
    return (outage.first_ack - outage.last_ack).total_seconds()


def _acks(what: str, ours: Sequence[float], beside: str, peer: Sequence[float], at_most: float) -> Row:
    ratio = median(ours) / median(peer)
    return Row(
        f"{what}, beside {beside}",
        f"{1 / median(ours):,.0f}/s",
        f"{1 / median(peer):,.0f}/s",
        f"{ratio:.2f}",
        f"a message takes at most {at_most:g} times as long",
        ratio <= at_most,
    )


def _name() -> str:
    return f"bench-{secrets.token_hex(3)}"


def table(rows: Sequence[Row], repeat: int) -> str:
    """The whole page."""
    return page(
        "Groups of local processes, beside groups on Docker",
        bench="processes",
        how=f"medians of {repeat} runs, taken in turns; lowest and highest in brackets.",
        machine=f"{machine()}; {load_average()}",
        columns=("what", "processes", "beside", "ratio", "demanded", "verdict"),
        rows=(row.cells for row in rows),
    )


if __name__ == "__main__":
    sys.exit(main())
