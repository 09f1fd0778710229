"""The phases of a rehearsal under load: the way to JetStream, and the way back.

Load a copy, have a relay follow, move the subscribers with their positions, pause the publishers until the
last sequences are equal, move them. The way back is the same in the other direction. Each phase is a note
`phase` in the drill's ledger, with its seconds; what differs between channel and stream is a note `problem`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stanlocal.access.group_access import connect_options
from stanlocal.drill.runner import Stage
from stanlocal.errors import JetStreamError, StoreRefused, WaitTimeout
from stanlocal.migrate.inventory import take_inventory
from stanlocal.migrate.jetstream.connection import JetStream, connected
from stanlocal.migrate.live.comparison import compare, compare_back
from stanlocal.migrate.live.jetstream_site import JetStreamSite, consumer_of
from stanlocal.migrate.live.kills import Kills
from stanlocal.migrate.live.relay_back import RelayBack
from stanlocal.migrate.load import load
from stanlocal.migrate.naming import Names, stream_name
from stanlocal.migrate.pack import pack
from stanlocal.migrate.pack_folder import read_pack
from stanlocal.migrate.plan import MigrationPlan, make_plan
from stanlocal.migrate.positions import move_to_consumers, move_to_durable, position_of
from stanlocal.migrate.relay.channel_relay import first_available
from stanlocal.migrate.relay.relay import CLIENT_ID, Relay, stan_source
from stanlocal.model.plan import GroupPlan
from stanlocal.outages import probe
from stanlocal.stan.start import LastReceived
from stanlocal.store.local import local_store

if TYPE_CHECKING:
    from stanlocal.stan.client import Client

_KILLS = ("publishers", "subscribers", "follow", "copy")
_KILLS_BACK = (
    *("publishers", "publishers back", "subscribers", "subscribers back"),
    *("follow", "relay back", "copy"),
)
"""Phases in which nodes are killed, in turn."""
_IN_STEP_S = 60.0
"""Seconds in which a relay catches up, and in which messages flow."""
_FLOW = 100
"""Messages acknowledged and delivered between two phases."""
_LOOK_S = 0.002
_ATTEMPTS, _PAUSE_S = 5, 0.2
"""Attempts at a store or a server that changes meanwhile, and seconds between two."""


@dataclass(slots=True)
class _Phase:
    """The part of a phase's note that the phase itself knows."""

    detail: str = ""
    pause_s: float | None = None
    """Seconds for which publishers had no acknowledgement."""


async def play(
    stage: Stage, url: str, site: JetStreamSite, folder: Path, *, seed: int, kills: int, back: bool
) -> None:
    """Move a drill's load to the JetStream server at `url`, and with `back` home again; the drill's script.

    `kills` active nodes are killed meanwhile. Raises `StanlocalError`.
    """
    plan = (await stage.group.look()).plan
    lasting = stage.lasting  # a drill that is stopped on the way has its relays until all is delivered
    server = await lasting.enter_async_context(connected(url))
    name = f"migrate-{secrets.token_hex(4)}"
    client = await lasting.enter_async_context(stage.group.connect(name, reconnect=True))
    planned = Kills(stage.group, kills, _KILLS_BACK if back else _KILLS, seed)
    cutover = Cutover(stage, plan, client, url, server, site, folder, planned)
    lasting.push_async_callback(cutover.end_relays)
    await cutover.flows()
    last = await cutover.there()
    await cutover.flows()
    if back:
        connecting = stage.group.connect(f"{name}-back", retry=False, reconnect=True)
        publisher = await lasting.enter_async_context(connecting)
        lasting.push_async_callback(cutover.end_relays)
        await cutover.back(publisher, last)
        await cutover.flows()


class Cutover:
    """The phases on one drill, with what they share."""

    def __init__(
        self,
        stage: Stage,
        plan: GroupPlan,
        client: Client,
        url: str,
        server: JetStream,
        site: JetStreamSite,
        folder: Path,
        kills: Kills,
    ) -> None:
        self._stage, self._load = stage, stage.load
        self._channels = stage.ledger.header.load.channels
        self._plan = plan
        self._store = local_store(plan)
        self._client = client
        self._url = url
        self._server = server
        self._site = site
        self._folder = folder
        self._kills = kills
        self._failing: list[asyncio.Task[None]] = []
        """Tasks that relay, whose failure ends the phase that waits for them."""

    # The way there

    async def there(self) -> Mapping[str, int]:
        """Move everything to JetStream; return the last sequence of each channel."""
        async with self._phase("copy") as phase:
            count, version = await self._copy(), ".".join(map(str, self._server.version))
            phase.detail = f"{count:,} messages into nats-server {version}"
        source = stan_source(_endpoint(self._plan), CLIENT_ID)
        relay = Relay(source, self._url, report=self._stage.report)
        relaying = self._begin(relay.run())
        async with self._phase("follow") as phase:
            for channel, last in (await self._last_sequences()).items():
                await self._in_step(relay.reached(channel, last))
            phase.detail = f"{sum(each.relayed for each in relay.progress):,} messages relayed"
        await self._load.prepare(self._site)
        async with self._phase("subscribers") as phase:

            async def positions() -> None:
                for stream in (await self._planned()).streams:
                    for consumer in stream.consumers:
                        await self._in_step(relay.reached(stream.subject, consumer.delivered))
                    await move_to_consumers(stream, self._server)

            await self._load.move_subscribers(self._site, positions)
        await self.flows()
        async with self._phase("publishers", kill_first=True) as phase, self._pause(phase):
            await self._load.stop_publishers()
            last_sequences = await self._last_sequences()
            for channel, last in last_sequences.items():
                await self._in_step(relay.reached(channel, last))
                self._compare_last(channel, last, await self._last_of_stream(channel))
            relaying.cancel()
            await self._load.move_publishers(self._site)
        async with self._phase("verify") as phase:
            equal = await compare(await self._planned(), self._server, last_sequences, self._problem)
            phase.detail = f"{equal:,} messages equal"
        return last_sequences

    async def _copy(self) -> int:
        """Pack what the store has now, and load it; return the number of messages."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                plan = await self._planned()
                packed = await asyncio.to_thread(pack, plan, self._folder / "pack")
                break
            except StoreRefused:  # its last record was just being written
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(_PAUSE_S)
        await load(read_pack(packed.folder), self._server)
        return sum(int(each["messages"]) for each in packed.streams)

    async def _planned(self) -> MigrationPlan:
        """Return the plan for what the store has now, without the channel of the drill's probe."""
        limits = self._plan.streaming.get("store_limits", {})
        plan = make_plan(await asyncio.to_thread(take_inventory, self._store, limits))
        kept = tuple(stream for stream in plan.streams if stream.subject != probe.CHANNEL)
        return replace(plan, streams=kept)

    # The way back

    async def back(self, publisher: Client, last: Mapping[str, int]) -> None:
        """Move everything back, with what was published since the cut-over."""
        source = await self._site.client("relay-back")
        relays = {
            channel: RelayBack(publisher, source, channel, sequence) for channel, sequence in last.items()
        }
        tasks = [self._begin(relay.run()) for relay in relays.values()]
        async with self._phase("relay back") as phase:
            for channel, relay in relays.items():
                await self._in_step(relay.reached(await self._last_of_stream(channel)))
            count = sum(relay.last - last[channel] for channel, relay in relays.items())
            phase.detail = f"{count:,} messages relayed"
        async with self._phase("subscribers back"):

            async def positions() -> None:
                for _ in range(_ATTEMPTS):  # a kill meanwhile may cost acknowledgements
                    if not await self._positions_back(relays):
                        return

            await self._load.move_subscribers(self._load.home, positions)
        await self.flows()
        async with self._phase("publishers back", kill_first=True) as phase, self._pause(phase):
            await self._load.stop_publishers()
            for channel, relay in relays.items():
                end = await self._last_of_stream(channel)
                await self._in_step(relay.reached(end))
                self._compare_last(channel, (await self._last_sequences())[channel], end)
            for task in tasks:
                task.cancel()
            await self._load.move_publishers(self._load.home)
        async with self._phase("verify back") as phase:
            equal = await compare_back(await self._planned(), self._server, last, self._problem)
            phase.detail = f"{equal:,} messages equal"

    async def _positions_back(self, relays: Mapping[str, RelayBack]) -> bool:
        """Bring the load's durables to the positions of their consumers; return whether any was elsewhere."""
        moved = False
        clients = {client.client_id: client for client in self._load.home.clients.values()}
        for stream in (await self._planned()).streams:
            for consumer in stream.consumers:
                durable = consumer.durable
                client = self._client if durable.queue_group else clients.get(durable.client_id)
                if stream.subject not in relays or client is None:  # not the load's
                    continue
                name = consumer_of(
                    stream.subject, durable.client_id, durable.durable_name, durable.queue_group
                )
                position = await position_of(self._server, stream.name, name)
                await self._in_step(relays[stream.subject].reached(position.delivered))
                moved |= await move_to_durable(client, stream.subject, durable, position)
        return moved

    # What both have

    @asynccontextmanager
    async def _phase(self, name: str, *, kill_first: bool = False) -> AsyncIterator[_Phase]:
        """Time a phase and note it, while active nodes are killed; what the kills take longer does not count.

        With `kill_first` the phase begins just after a kill, and has to wait for the failover.
        """
        clock, phase = asyncio.get_running_loop().time, _Phase()
        self._stage.report(name)
        async with self._kills.during_phase(name, first=kill_first):
            began = clock()
            yield phase
            seconds = round(clock() - began, 3)
        fields: dict[str, Any] = {"name": name, "seconds": seconds, "detail": phase.detail}
        if phase.pause_s is not None:
            fields["pause_s"] = round(phase.pause_s, 3)
        self._stage.ledger.note("phase", datetime.now(UTC), **fields)

    @asynccontextmanager
    async def _pause(self, phase: _Phase) -> AsyncIterator[None]:
        """Time the publishers' pause: from their stop in the block to the first ack after it."""
        clock = asyncio.get_running_loop().time
        began = clock()
        yield
        acked = self._load.stats().acked
        self._load.start_publishers()
        await self._in_step(self._acked(acked + 1))
        phase.pause_s = clock() - began
        phase.detail = f"publishers paused for {phase.pause_s:.2f} s"

    async def flows(self) -> None:
        """Wait until messages have been acknowledged and delivered where the load is now."""
        stats = self._load.stats()
        await self._in_step(self._acked(stats.acked + _FLOW, stats.delivered + _FLOW))

    async def _acked(self, acked: int, delivered: int = 0) -> None:
        while self._load.stats().acked < acked or self._load.stats().delivered < delivered:
            if self._load.failure is not None:
                raise self._load.failure
            await asyncio.sleep(_LOOK_S)

    def _begin(self, relaying: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(relaying)
        self._failing.append(task)
        return task

    async def _in_step(self, waiting: Awaitable[None]) -> None:
        """Wait, until that takes too long, or a relay fails; then raises `StanlocalError`."""
        task = asyncio.ensure_future(waiting)
        try:
            relays = {each for each in self._failing if not each.cancelling()}
            await asyncio.wait({task, *relays}, timeout=_IN_STEP_S, return_when=asyncio.FIRST_COMPLETED)
            for relay in relays:
                if relay.done():
                    relay.result()
            if not task.done():
                raise WaitTimeout(f"the other side is not in step after {_IN_STEP_S:g} s", {})
            task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def end_relays(self) -> None:
        for task in self._failing:
            task.cancel()
        await asyncio.gather(*self._failing, return_exceptions=True)

    async def _last_sequences(self) -> dict[str, int]:
        """Return the last sequence of each of the load's channels."""
        found = {
            channel: await first_available(self._client, channel, LastReceived())
            for channel in self._channels
        }
        return {channel: last.sequence if last else 0 for channel, last in found.items()}

    async def _last_of_stream(self, channel: str) -> int:
        name = stream_name(channel, Names())
        info = await self._server.stream(name)
        if info is None:
            raise JetStreamError(f"{self._url} has no stream {name} any more; see its log")
        return int(info["state"]["last_seq"])

    def _compare_last(self, channel: str, of_channel: int, of_stream: int) -> None:
        if of_channel != of_stream:
            self._problem(f"channel {channel} ends at {of_channel}, and its stream at {of_stream}")

    def _problem(self, text: str) -> None:
        self._stage.report(text)
        self._stage.ledger.note("problem", datetime.now(UTC), text=text)


def _endpoint(plan: GroupPlan) -> dict[str, Any]:
    """Return the arguments of `stan.connect` for a group."""
    return {"servers": list(plan.client_urls), "cluster_id": plan.cluster_id, **connect_options(plan, {})}
