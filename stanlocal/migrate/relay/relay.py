"""The relay of many channels: connects to both servers, and goes on after whatever ends a connection.

A connection that fails ends everything that used it, and the next attempt begins from what the streams have.
So a relay that was killed, a server that was killed, and a network that broke are one case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from stanlocal import stan
from stanlocal.errors import JetStreamError, RelayBlocked, StanError, StanlocalError
from stanlocal.migrate.jetstream.connection import JetStream, connected
from stanlocal.migrate.naming import Names, cleaned, stream_name
from stanlocal.migrate.relay.channel_relay import ChannelRelay, Progress, Report, first_sequence
from stanlocal.util.printable import printable
from stanlocal.util.tasks import together

if TYPE_CHECKING:
    from stanlocal.stan.client import Client, LostCallback
    from stanlocal.stan.connecting import Connecting

CLIENT_ID = "stanlocal-relay"
"""Client id at the STAN server: always the same one, as durables belong to it."""
CHANNEL = "stan_channel"
"""Key of a stream's metadata that names its channel."""
_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0

ConnectStan: TypeAlias = "Callable[[LostCallback], Connecting]"
"""Connects to the STAN server as a client that calls back once it is lost."""


def stan_source(endpoint: Mapping[str, Any], client_id: str) -> ConnectStan:
    """Return how to connect to a STAN server; `endpoint` has arguments of `stan.connect`."""

    def connect(lost: LostCallback) -> Connecting:
        return stan.connect(
            **endpoint, client_id=client_id, retry=True, reconnect=True, on_connection_lost=lost
        )

    return connect


class Relay:
    """A relay from one STAN server to one JetStream server.

    `channels` are relayed, and their streams made where there are none; without any, every channel with a
    stream that a pack made. `connect` connects to STAN; `login` are the options of the connection to `url`.
    """

    def __init__(
        self,
        connect: ConnectStan,
        url: str,
        *,
        login: Mapping[str, Any] | None = None,
        channels: Sequence[str] = (),
        names: Names | None = None,
        report: Report = lambda line: None,
    ) -> None:
        self._connect = connect
        self._url = url
        self._login = login
        self._channels = channels
        self._names = names or Names()
        self._report = report
        self._relays: dict[str, ChannelRelay] = {}
        self._begun = asyncio.Event()
        self._said = ""
        self.connected = False
        """Whether both servers are connected now."""
        self.interruptions = 0
        """Times that a connection failed."""

    @property
    def progress(self) -> list[Progress]:
        """The progress of each channel, in the order of their names."""
        return [self._relays[name].progress for name in sorted(self._relays)]

    async def run(self, *, once: bool = False) -> None:
        """Relay until cancelled, or with `once` until the streams have all that the channels have now.

        Raises what keeps it from beginning, and `RelayBlocked` when going on would lose a message; whatever
        else ends a connection later is reported, and tried again.
        """
        pause = _PAUSE_S
        while True:
            try:
                await self._session(once)
                return
            except RelayBlocked:
                raise
            except (JetStreamError, StanError, OSError) as error:
                if not self._begun.is_set():
                    raise
                pause = _PAUSE_S if self.connected else min(2 * pause, _LONGEST_PAUSE_S)
                self.interruptions += 1
                self._say_once(f"{error}; the relay tries again until that is fixed")
            finally:
                self.connected = False
            await asyncio.sleep(pause)

    async def _session(self, once: bool) -> None:
        """Relay over one connection to each server."""
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def fail(client: Client, error: StanError) -> None:
            if not lost.done():
                lost.set_exception(error)

        async with connected(self._url, self._login) as server, self._connect(fail) as client:
            await self._find(client, server)
            self.connected = True
            self._said = ""
            self._begun.set()
            works = [relay.follow(client, server, once=once) for relay in self._relays.values()]
            relaying = asyncio.ensure_future(together(*works))
            losing = asyncio.ensure_future(server.until_lost())
            ends: set[asyncio.Future[Any]] = {relaying, lost, losing}
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                for each in ends:
                    if each.done():
                        each.result()
            finally:
                losing.cancel()
                relaying.cancel()
                if not lost.cancel():
                    lost.exception()  # else asyncio logs it as never retrieved
                await _ended(relaying)

    def _say_once(self, line: str) -> None:
        """Report why a connection failed, but not again while each attempt fails for the same reason."""
        if line != self._said:
            self._report(line)
        self._said = line

    async def _find(self, client: Client, server: JetStream) -> None:
        """Find the stream of each channel, or make it; keep the progress of those that are known."""
        found: dict[str, str] = {}
        for stream in await server.streams():
            if (of := _channel_of(stream)) is not None:
                found[of] = stream["config"]["name"]
        for channel in self._channels:
            if channel not in found:
                found[channel] = await self._make(client, server, channel)
        wanted = self._channels or found
        if not wanted:
            raise JetStreamError(
                f"{server.url} has no stream that was made of a channel; load a pack first, or name channels"
            )
        for channel in wanted:
            if channel not in self._relays:
                self._relays[channel] = ChannelRelay(channel, found[channel], self._report)

    async def _make(self, client: Client, server: JetStream, channel: str) -> str:
        """Make the stream of a channel, beginning at the channel's first sequence."""
        name = stream_name(channel, self._names)
        if not name or cleaned(name) != name:
            raise JetStreamError(
                f"channel {printable(channel)} has no stream, and none can be made under the name "
                f"'{printable(name)}'; choose one with '--names'"
            )
        config = {
            "name": name,
            "subjects": [channel],
            "retention": "limits",
            "storage": "file",
            "discard": "old",
            "num_replicas": 1,
            "allow_direct": True,
            "first_seq": await first_sequence(client, channel),
            "metadata": {CHANNEL: channel},
        }
        await server.ask(f"STREAM.CREATE.{name}", config)
        self._report(f"stream {name} is made for channel {printable(channel)}, without limits")
        return name

    async def begun(self) -> None:
        """Wait until it has connected to both servers for the first time."""
        await self._begun.wait()

    async def reached(self, channel: str, sequence: int) -> None:
        """Wait until a channel's stream has everything up to a sequence."""
        await self._begun.wait()
        await self._relays[channel].reached(sequence)


async def _ended(cancelled: asyncio.Future[Any]) -> None:
    """Wait for the end of what was cancelled; raise its defect, but not why a connection failed."""
    await asyncio.wait([cancelled])  # a cancellation of the caller passes
    failed = None if cancelled.cancelled() else cancelled.exception()
    if failed is not None and not isinstance(failed, StanlocalError):
        raise failed


def _channel_of(stream: Mapping[str, Any]) -> str | None:
    """Return the channel that a stream was made of; None for any other, and for one with more subjects."""
    config = stream.get("config") or {}
    channel = (config.get("metadata") or {}).get(CHANNEL)
    return channel if isinstance(channel, str) and config.get("subjects") == [channel] else None
