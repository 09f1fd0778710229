"""Delay between the stamp that a node writes into a line and that line, or its event, in the API."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stanlocal.engine.docker.engine import DockerEngine
from stanlocal.group.core import Group
from stanlocal.group.home import GroupHome
from stanlocal.lifecycle.engine_choice import choose_engine
from stanlocal.machine.user_dirs import cache_folder
from stanlocal.model.placement import plan_group
from stanlocal.settings import load
from tests.bench.group.rows import Row, median, p99
from tests.support.archives import load_image
from tests.support.ports import free_ports

_SOURCE = Path(__file__).parent / "flood"
_TIMEOUT_S = 120.0
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Flood:
    """The lines that one node writes."""

    rate: int
    """Lines a second."""
    lines: int
    problems: int
    """Interval of events, in lines."""

    @property
    def events(self) -> int:
        return -(-self.lines // self.problems)


def build() -> bytes:
    """The program that writes lines; kept in the user's cache folder."""
    source = (_SOURCE / "main.go").read_bytes()
    kept = cache_folder() / "flood" / hashlib.sha256(source).hexdigest()[:16]
    if not kept.exists():
        go = shutil.which("go")
        if go is None:
            raise RuntimeError("no go on PATH to build the program that writes lines")
        kept.parent.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "CGO_ENABLED": "0", "GO111MODULE": "off"}
        command = [go, "build", "-o", str(kept), str(_SOURCE / "main.go")]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    return kept.read_bytes()


@asynccontextmanager
async def flooding(
    folder: Path, name: str, floods: list[Flood], *, hold: bool = False
) -> AsyncIterator[Group]:
    """A group whose nodes write lines once they are started, or with `hold` once they get a SIGUSR1.

    It is removed at the end.
    """
    engine = choose_engine("docker")
    assert isinstance(engine, DockerEngine)
    image = f"localhost/{name}:1"
    load_image(engine.client, image, build())
    settings = load({"group": name}, {}, None, folder)
    ports = free_ports(2 * len(floods))
    plan = plan_group(
        group=name,
        image=image,
        ports=list(zip(ports[::2], ports[1::2], strict=True)),
        store_dir=str(folder / "store"),
        state_dir=str(folder / name),
        user="0:0",
        streaming=settings.streaming,
        nats=settings.nats,
    )
    home = GroupHome(folder / name)
    home.save_plan(plan)
    Path(plan.store_dir).mkdir(exist_ok=True)
    try:
        await engine.prepare(plan)
        for node, flood in zip(plan.nodes, floods, strict=True):
            told = {"rate": flood.rate, "lines": flood.lines, "problems": flood.problems, "hold": hold}
            home.write_conf(plan, node, json.dumps(told))
            await engine.create(plan, node, "bench")
        yield Group(engine, name, home)
    finally:
        for node in plan.nodes:
            await engine.remove(node.name)
        await engine.clean(name)
        engine.client.images.remove(image)
        await engine.close()


async def _start(group: Group) -> None:
    plan, instances = await group.find()
    for instance in instances:
        await group.engine.start(plan, instance.name)


async def _begin(group: Group) -> None:
    _, instances = await group.find()
    for instance in instances:
        await group.engine.signal(instance.name, "SIGUSR1")


async def lines(folder: Path, name: str, floods: list[Flood]) -> tuple[list[float], int]:
    """Return each line's milliseconds until the API reported it, and how many were lost or came twice."""
    lags: list[float] = []
    seen: list[str] = []
    expected = sum(flood.lines for flood in floods)
    async with flooding(folder, name, floods) as group:
        starting = asyncio.create_task(_start(group))
        async with asyncio.timeout(_TIMEOUT_S), aclosing(group.follow_logs()) as batches:
            async for batch in batches:
                now = datetime.now(UTC)
                lags += [(now - told.line.time) / _MS for told in batch]
                seen += [f"{told.node} {told.line.message}" for told in batch]
                if len(seen) >= expected:
                    break
        await starting
    return lags, expected - len(set(seen)) + len(seen) - len(set(seen))


async def events(folder: Path, name: str, floods: list[Flood]) -> list[float]:
    """Return each event's milliseconds from its line's stamp until the API reported it.

    The nodes write once they are watched: earlier events are reported in order, once all are read.
    """
    lags: list[float] = []
    expected = sum(flood.events for flood in floods)
    async with flooding(folder, name, floods, hold=True) as group:
        await _start(group)
        idle = {node.name for node in (await group.find())[0].nodes}
        async with asyncio.timeout(_TIMEOUT_S), aclosing(group.follow_events()) as stream:
            async for event in stream:
                if event.type == "problem":
                    lags.append((datetime.now(UTC) - event.time) / _MS)
                elif event.node in idle:
                    idle.remove(event.node)
                    if not idle:
                        await _begin(group)
                if len(lags) >= expected:
                    break
    return lags


def row(what: str, lags: list[float], lost: int | None) -> Row:
    """The limits: at most 5 ms at the median, 50 ms at the 99th percentile."""
    middle, slow = median(lags), p99(lags)
    losses = "" if lost is None else f", {lost} of {len(lags)} lost or told twice"
    demand = "median at most 5 ms, p99 at most 50 ms" + ("" if lost is None else ", none lost")
    holds = middle <= 5 and slow <= 50 and not lost
    return Row(what, f"median {middle:.1f} ms, p99 {slow:.1f} ms{losses}", "", "", demand, holds)
