"""Measures clients of a group on the cluster of the tests: ``python -m tests.bench.kubernetes.forward``.

Deletes the active pod by force again and again while a client publishes, and compares the throughput through
ports of stanlocal with that of `kubectl port-forward`. Needs the cluster, up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stanlocal.api import FTGroup
from stanlocal.history.occurrences import Outage
from stanlocal.model.states import GroupState
from tests.bench.page import load_average
from tests.kubernetes.cluster.layout import Paths
from tests.kubernetes.cluster.locks import in_use
from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.cluster.sources import Built
from tests.kubernetes.guides_group import healthy, opened
from tests.kubernetes.real_site import RealSite
from tests.kubernetes.volumes import remove_volumes

_READY = "Streaming Server is ready"
_PORT = 14222
_SETTLED_S = 1.0
"""Seconds in which a client has an ack again after the group is healthy."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """What a publishing client saw of one deletion, in milliseconds."""

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


@asynccontextmanager
async def sites() -> AsyncIterator[RealSite]:
    """A namespace of its own on the cluster, which no test uses meanwhile."""
    paths = Paths()
    with in_use(paths), tempfile.TemporaryDirectory(prefix="stanlocal-bench-") as folder:
        os.environ["XDG_STATE_HOME"] = f"{folder}/state"
        cluster, namespace = Cluster(paths), f"b-{secrets.token_hex(4)}"
        cluster.api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
        try:
            yield RealSite(Path(folder), cluster, namespace)
        finally:
            cluster.kubectl("delete", "namespace", namespace, "--timeout=90s")
            remove_volumes(cluster, namespace)


async def measure(count: int) -> None:
    async with sites() as site, healthy(site) as (group, active):
        rates = await throughput(site, active)
        found = await deletions(site, group, count)
    _show("outage, ms", [each.outage for each in found])
    _show("beyond the servers' own, ms", [each.beyond for each in found])
    for way, rate in rates.items():
        sys.stdout.write(f"published through {way}: {rate:,.0f}/s\n")
    sys.stdout.write(f"{load_average()}\n")


def _show(what: str, values: Sequence[float]) -> None:
    ordered = sorted(values)
    sys.stdout.write(f"{what}: median {ordered[len(ordered) // 2]}, largest {ordered[-1]}, all {values}\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.kubernetes.forward", description=__doc__)
    parser.add_argument("--count", type=int, default=10, help="deletions (10)")
    asyncio.run(measure(parser.parse_args().count))
    return 0


if __name__ == "__main__":
    sys.exit(main())
