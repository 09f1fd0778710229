"""Clients of a group on a cluster, through forwarded ports.

The active pod is deleted by force again and again while a client publishes; throughput is compared with that
through `kubectl port-forward`.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from stanlocal.api import FTGroup
from stanlocal.history.occurrences import Outage
from stanlocal.model.states import GroupState
from tests.bench.group.rows import Row, median
from tests.bench.kubernetes.site import sites
from tests.kubernetes.cluster.sources import Built
from tests.kubernetes.guides_group import healthy, opened
from tests.kubernetes.real_site import RealSite

_READY = "Streaming Server is ready"
_PORT = 14222
MOST_BEYOND_MS = 200
_SETTLED_S = 1.0
"""Seconds in which a client has an ack again after the group is healthy."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """One deletion as a publishing client saw it, in milliseconds."""

    outage: float
    """Longest time without an ack."""
    beyond: float
    """From the moment a server is ready to that first ack: what the way to it adds."""


async def deletions(site: RealSite, group: FTGroup, count: int) -> list[Deletion]:
    """Delete the active pod `count` times under a probe."""
    seen: list[Outage] = []

    async def probe() -> None:
        async with opened(site) as watched, aclosing(watched.probe()) as outages:
            async for outage in outages:
                seen.append(outage)

    found = []
    probing = asyncio.create_task(probe())
    try:
        for _ in range(count):
            await group.wait_state(GroupState.HEALTHY, timeout=site.timeout)
            await asyncio.sleep(_SETTLED_S)
            seen.clear()
            active = (await group.look()).status.active
            assert active is not None
            before = await _last_ready(group)
            await site.delete(active)
            while (ready := await _last_ready(group)) <= before:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
            await group.wait_state(GroupState.HEALTHY, timeout=site.timeout)
            await asyncio.sleep(_SETTLED_S)
            found.append(_deletion(seen, ready))
            sys.stderr.write(f"{found[-1]}\n")
    finally:
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)
    return found


def _deletion(seen: Sequence[Outage], ready: datetime) -> Deletion:
    """Return the longest outage, and how much longer than until `ready` the one lasted that was under way."""
    longest = max((_ms(each.last_ack, each.first_ack) for each in seen), default=0.0)
    under_way = (each for each in seen if each.last_ack <= ready <= each.first_ack)
    return Deletion(longest, max((_ms(ready, each.first_ack) for each in under_way), default=0.0))


async def _last_ready(group: FTGroup) -> datetime:
    """Return when a server was ready last, as far as the pods that are there tell."""
    ready = (line.line.time for line in await group.logs() if _READY in line.line.text)
    return max(ready, default=datetime.fromtimestamp(0, UTC))


def _ms(begin: datetime, end: datetime) -> float:
    return round((end - begin).total_seconds() * 1000, 1)


async def throughput(site: RealSite, active: str) -> dict[str, float]:
    """Return messages a second, published and acknowledged, by the way to the active pod."""
    bench = ("bench", "throughput", "--count", "20000", "--size", "128", "--json")
    found = {}
    done = await asyncio.to_thread(site.cli().ok, *bench)
    found["stanlocal"] = float(json.loads(done)["publish"]["rate"])
    with _forwarded_by_kubectl(site, active) as peer:
        assert peer.stdout is not None
        await asyncio.to_thread(peer.stdout.readline)
        done = await asyncio.to_thread(site.cli().ok, *bench, "--url", f"nats://127.0.0.1:{_PORT}")
        found["kubectl"] = float(json.loads(done)["publish"]["rate"])
    return found


@contextmanager
def _forwarded_by_kubectl(site: RealSite, pod: str) -> Iterator[subprocess.Popen[str]]:
    command = [str(Built.kept().kubectl), f"--kubeconfig={site.kubeconfig}", "--namespace", site.namespace]
    command += ["port-forward", pod, f"{_PORT}:4222"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def rows(count: int) -> list[Row]:
    """Measure both; `count` deletions."""
    async with sites() as site, healthy(site) as (group, active):
        rates = await throughput(site, active)
        found = await deletions(site, group, count)
    outages, beyond = [each.outage for each in found], [each.beyond for each in found]
    return [
        Row(
            f"outage of `pub` when the active pod is deleted by force, {count} times",
            f"median {median(outages):.0f} ms, longest {max(outages):.0f} ms",
            "",
            "",
            "",
            True,
        ),
        Row(
            "the same, beyond the servers' own time",
            f"median {median(beyond):.0f} ms, longest {max(beyond):.0f} ms",
            "",
            "",
            f"at most {MOST_BEYOND_MS} ms",
            max(beyond) <= MOST_BEYOND_MS,
        ),
        Row(
            "asynchronous publish through the ports",
            f"{rates['stanlocal']:,.0f}/s",
            f"{rates['kubectl']:,.0f}/s",
            f"{rates['stanlocal'] / rates['kubectl']:.2f}",
            "",
            True,
        ),
    ]
