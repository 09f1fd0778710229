"""A rehearsal of a migration against a server of its own: everything but the cut-over, with a verdict."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stanlocal.migrate.jetstream.connection import connected
from stanlocal.migrate.jetstream.rehearsal_server import RehearsalServer, rehearsal_server
from stanlocal.migrate.load import load
from stanlocal.migrate.pack import Packed, pack
from stanlocal.migrate.pack_folder import read_pack
from stanlocal.migrate.plan import MigrationPlan
from stanlocal.migrate.redelivery import Redelivery, check_redelivery
from stanlocal.migrate.verify import Verification, verify
from stanlocal.util.tasks import together
from stanlocal.util.timestamps import rfc3339

Report = Callable[[str], None]
"""Callback that takes a line on what is being done."""

LONGEST_ACK_WAIT_S = 60.0
"""Consumers with a longer ack wait are not waited for."""


@dataclass(slots=True)
class Step:
    """One step of a rehearsal."""

    name: str
    seconds: float = 0.0
    detail: str = ""

    def document(self) -> dict[str, Any]:
        return {"name": self.name, "seconds": round(self.seconds, 3), "detail": self.detail}


@dataclass(slots=True)
class Rehearsal:
    """The result of a rehearsal."""

    plan: MigrationPlan
    started: datetime
    steps: list[Step] = field(default_factory=list)
    version: str = ""
    """Version of the JetStream server."""
    packed: Packed | None = None
    verifications: list[Verification] = field(default_factory=list)
    """After loading, and after a restart of the server."""
    redeliveries: list[Redelivery] = field(default_factory=list)
    not_waited_for: list[str] = field(default_factory=list)
    """Consumers whose ack wait is too long."""

    @property
    def ok(self) -> bool:
        return (
            len(self.verifications) == 2
            and all(verification.ok for verification in self.verifications)
            and not any(redelivery.problems for redelivery in self.redeliveries)
        )

    def problems(self) -> list[str]:
        """Return a line for each thing that is not as it has to be."""
        found = []
        for when, verification in zip(
            ("after loading", "after the restart"), self.verifications, strict=False
        ):
            for stream in verification.streams:
                found += [f"{when}: {stream.stream}: {each.detail}" for each in stream.differences.listed]
        for redelivery in self.redeliveries:
            found += [f"{redelivery.stream} {redelivery.consumer}: {each}" for each in redelivery.problems]
        return found

    def document(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "started": rfc3339(self.started),
            "server_version": self.version,
            "problems": self.problems(),
            "steps": [step.document() for step in self.steps],
            "plan": self.plan.document(),
            "lost": [loss.document() for loss in self.packed.lost] if self.packed else [],
            "verifications": [verification.document() for verification in self.verifications],
            "redeliveries": [redelivery.document() for redelivery in self.redeliveries],
            "not_waited_for": self.not_waited_for,
        }


async def rehearse(
    plan: MigrationPlan,
    folder: Path,
    *,
    engine: str = "auto",
    salvage: bool = False,
    report: Report = lambda line: None,
) -> Rehearsal:
    """Pack, load, verify, restart the server, verify again, and have what is unacknowledged delivered again.

    Works in the folder, which the caller removes. The server, on the engine of that name, is ended however
    this ends. Raises what the steps raise.
    """
    work = _Rehearsing(Rehearsal(plan, datetime.now(UTC)), report)
    result = work.result
    async with work.step("pack", "packing the store") as step:
        result.packed = pack(plan, folder / "pack", salvage=salvage)
        step.detail = f"{sum(each['messages'] for each in result.packed.streams):,} messages"
    async with rehearsal_server(engine, folder / "jetstream", report) as server:
        async with work.step("load", "loading the pack"), connected(server.url) as client:
            result.version = ".".join(map(str, client.version))
            await load(read_pack(folder / "pack"), client)
        await work.verify(server, "verify", salvage)
        async with work.step("restart", "restarting the JetStream server"):
            await server.stop()
            await server.start()
        await work.verify(server, "verify again", salvage)
        await work.redeliver(server)
    return result


class _Rehearsing:
    def __init__(self, result: Rehearsal, report: Report) -> None:
        self.result = result
        self._report = report

    @asynccontextmanager
    async def step(self, name: str, line: str) -> AsyncIterator[Step]:
        self._report(line)
        step, began = Step(name), time.monotonic()
        yield step
        step.seconds = time.monotonic() - began
        self.result.steps.append(step)

    async def verify(self, server: RehearsalServer, name: str, salvage: bool) -> None:
        line = "comparing every message and every durable"
        async with self.step(name, line) as step, connected(server.url) as client:
            verification = await verify(self.result.plan, client, salvage=salvage)
            self.result.verifications.append(verification)
            compared = sum(stream.equal for stream in verification.streams)
            step.detail = f"{compared:,} messages equal"

    async def redeliver(self, server: RehearsalServer) -> None:
        every = [(stream, consumer) for stream in self.result.plan.streams for consumer in stream.consumers]
        waits = {consumer.name: consumer.durable.ack_wait / 1e9 for _, consumer in every}
        chosen = [pair for pair in every if waits[pair[1].name] <= LONGEST_ACK_WAIT_S]
        self.result.not_waited_for = [each.name for _, each in every if waits[each.name] > LONGEST_ACK_WAIT_S]
        if not chosen:
            return
        longest = max((waits[each.name] for _, each in chosen if each.pending), default=0.0)
        line = f"waiting {longest:.0f} s for the ack wait, then for what is delivered again"
        async with self.step("redeliver", line) as step, connected(server.url) as client:
            self.result.redeliveries = await together(
                *(check_redelivery(stream, consumer, client) for stream, consumer in chosen)
            )
            count = sum(redelivery.unacknowledged for redelivery in self.result.redeliveries)
            step.detail = f"{count:,} unacknowledged messages"
