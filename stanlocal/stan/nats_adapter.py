"""Everything of nats-py that is private and that the STAN client relies on, in one place.

nats-py is pinned below its next minor version in `pyproject.toml`, and a test names each private thing below
and what it is needed for. The reasons, one by one:

- the parser `_ps` and the reader of a TCP transport: messages are handed over as they are read, without a
  queue and a task for each subscription;
- a stand-in for the `future` of `Client.subscribe`: the same on a connection of the caller's;
- `_transport`, `_pending` and `_flush_queue`: frames are written without nats-py's own queue, in order with
  what nats-py has still to write;
- asyncio's `max_size` of a TCP transport: the bytes that are read at once;
- `_server_pool` and the transport of the stream writer: to move to a chosen server, also off one that no
  longer reads;
- `_disconnected_cb`, `_reconnected_cb`, `_closed_cb`: a connection of the caller's keeps its own callbacks
  behind the STAN client's;
- `_process_connect_init`, `_process_info`, `_attempt_reconnect`: a server that sends an unusable INFO would
  end them in silence, or with an error of Python's own;
- `_connect_to_server` and `Srv`: a server may be reached at another address than its URL's;
- `_transport` and the stream writer of it: after a TLS handshake that failed, nats-py alone would try no
  other server; and asyncio's `_over_ssl`, which nats-py does not set, keeps a warning away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast
from urllib.parse import urlparse

from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription
from nats.errors import (
    BadSubscriptionError,
    ConnectionClosedError,
    ConnectionDrainingError,
    NoRespondersError,
)
from nats.errors import Error as NatsError

from stanlocal.stan.guarded_client import GuardedClient, RawHandler
from stanlocal.stan.options import Addresses
from stanlocal.stan.parser import DirectParser, Handler, RunReader

_READ_BYTES = 120 << 10
"""Limit on one read. The C library returns larger blocks, such as the 256 KiB that asyncio reads, to the
kernel at once: with messages of 4 KiB the new pages of each read take longer than everything else."""

NO_RESPONDERS = "503"

Callbacks = Mapping[str, Callable[[], Awaitable[None]] | None]
"""A client's callbacks by their private names; `CALLBACKS` says which."""

CALLBACKS = ("_disconnected_cb", "_reconnected_cb", "_closed_cb")

__all__ = ["Callbacks", "NatsAdapter", "NatsClient", "NatsError", "NatsSubscription"]


class _Sink:
    """Stand-in for the future of a single reply in nats-py, which receives every message."""

    __slots__ = ("_handler",)

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def cancelled(self) -> bool:
        return False

    def set_result(self, message: Msg) -> None:
        no_responders = bool(message.headers) and message.headers.get("Status") == NO_RESPONDERS  # type: ignore[union-attr]
        self._handler(message.subject.encode(), message.data, message.reply.encode(), no_responders)


class NatsAdapter:
    """One nats-py client, the STAN client's own (`NatsAdapter.own`) or one of the caller's."""

    def __init__(self, client: NatsClient, parser: DirectParser | None = None) -> None:
        self.client = client
        self._parser = parser
        self._loop = asyncio.get_running_loop()

    @classmethod
    def own(cls, addresses: Addresses | None = None) -> NatsAdapter:
        """Return an adapter of a new client, which `connect` connects; see `Addresses`."""
        client = GuardedClient(addresses or {})
        return cls(client, client.parser)

    async def connect(self, **settings: Any) -> None:
        """Connect as nats-py does, with its settings."""
        await self.client.connect(**settings)

    # State

    @property
    def connected(self) -> bool:
        """Whether frames can be sent now."""
        return self.client.is_connected

    @property
    def asks_for_authorization(self) -> bool:
        """Whether the server that was reached last lets no one in without credentials."""
        info = self.client._server_info
        return isinstance(info, dict) and bool(info.get("auth_required"))

    def set_error_callback(self, callback: Callable[[Exception], Awaitable[None]]) -> None:
        """Have `callback` called with each error from now on."""
        self.client._error_cb = callback

    def swap_callbacks(self, own: Callbacks) -> Callbacks:
        """Replace the callbacks; returns those that were there."""
        previous = {name: getattr(self.client, name) for name in CALLBACKS}
        for name, callback in own.items():
            setattr(self.client, name, callback)
        return previous

    def restore_callbacks(self, own: Callbacks, previous: Callbacks) -> None:
        """Put back the callbacks that were there, except where someone has replaced them since."""
        for name, callback in own.items():
            if getattr(self.client, name) == callback:
                setattr(self.client, name, previous[name])

    # Messages

    async def subscribe(
        self, subject: str, handler: Handler, run_reader: RunReader | None = None
    ) -> NatsSubscription:
        """Have `handler` called with each message, in order, as it is read.

        On a connection of stanlocal's own, `run_reader` may take what follows.
        """
        subscription = await self.client.subscribe(subject, future=cast(Any, _Sink(handler)))
        if self._parser is not None:
            self._parser.attach(subscription._id, handler, run_reader)
        return subscription

    async def subscribe_raw(
        self, subject: str, handler: RawHandler, run_reader: RunReader | None = None
    ) -> NatsSubscription:
        """Do as `subscribe`, headers included; only on a connection of stanlocal's own."""
        assert isinstance(self.client, GuardedClient)
        made = await self.client.subscribe(subject)
        self.client.raw_handlers[made._id] = handler
        self.client.parser.attach(made._id, lambda s, data, r, _: handler(s, data, r, b""), run_reader)
        return made

    async def request(self, subject: str, payload: bytes, timeout: float) -> bytes | None:
        """Return the answer to a request; None if no one serves the subject. Raises `TimeoutError`."""
        try:
            return (await self.client.request(subject, payload, timeout)).data
        except NoRespondersError:
            return None

    async def unsubscribe(self, subscription: NatsSubscription) -> Exception | None:
        """Stop the messages; returns the error of a connection that is gone, and has nothing to stop."""
        if self._parser is not None:
            self._parser.detach(subscription._id)
        if isinstance(self.client, GuardedClient):
            self.client.raw_handlers.pop(subscription._id, None)
        try:
            await subscription.unsubscribe()
        except (BadSubscriptionError, ConnectionClosedError, ConnectionDrainingError) as error:
            return error
        return None

    def write(self, data: bytes, count: int) -> None:
        """Write `count` frames to the transport, behind whatever nats-py has still to write itself.

        On a WebSocket they go the way of nats-py's own frames. What is written while there is no connection
        is dropped.
        """
        nats = self.client
        transport = nats._transport
        if not nats.is_connected:
            return
        nats.stats["out_msgs"] += count
        nats.stats["out_bytes"] += len(data)
        if nats._pending or type(transport).__name__ != "TcpTransport":
            nats._pending.append(data)
            nats._pending_data_size += len(data)
            if nats._flush_queue is not None and nats._flush_queue.empty():
                nats._flush_queue.put_nowait(self._loop.create_future())
        elif transport is not None:
            transport.write(data)

    async def drain(self) -> None:
        """Wait while the server reads slower than the client writes; `OSError` when the connection breaks."""
        if self.client._transport is not None and self.client.is_connected:
            await self.client._transport.drain()  # type: ignore[no-untyped-call]

    def drop_pending(self) -> None:
        """Drop what nats-py would write once it is connected again."""
        self.client._pending.clear()
        self.client._pending_data_size = 0

    def tap(self) -> None:
        """Have the parser see bytes as they come, one turn of the loop before nats-py reads them."""
        transport: Any = self.client._transport
        reader, writer = (getattr(transport, name, None) for name in ("_io_reader", "_io_writer"))
        if self._parser is None or reader is None:
            return
        self._parser.tap(reader)
        if writer is not None and hasattr(writer.transport, "max_size"):  # asyncio's own, without TLS
            writer.transport.max_size = _READ_BYTES

    # Servers

    def other_urls(self) -> list[str]:
        """Return the URLs of the known servers except the one that the client is connected to."""
        here = self.client.connected_url
        return [
            server.uri.geturl()
            for server in self.client._server_pool
            if here is None or server.uri.netloc != here.netloc
        ]

    def prefer(self, url: str) -> bool:
        """Have that server tried first when the connection drops; False when it is not known."""
        pool, netloc = self.client._server_pool, urlparse(url).netloc
        for index, server in enumerate(pool):
            if server.uri.netloc == netloc:
                pool.insert(0, pool.pop(index))
                server.last_attempt = None
                return True
        return False

    def forget_discovered(self) -> None:
        """Forget the servers that were not given but named by a server."""
        pool = self.client._server_pool
        pool[:] = [server for server in pool if not server.discovered]

    def set_reconnect_wait(self, seconds: float) -> None:
        """Set the pause between two attempts at one server."""
        self.client.options["reconnect_time_wait"] = seconds

    # The end

    async def close(self, timeout: float) -> None:
        """Close within `timeout`: nats-py alone waits for ever after a TLS handshake that failed."""
        subscriptions = [*self.client._subs.values()]
        try:
            async with asyncio.timeout(timeout):
                await self.client.close()
        except TimeoutError:
            self.abort()
        finally:
            for subscription in subscriptions:  # nats-py forgets them, and may not get to ending them
                subscription._stop_processing()

    def abort(self) -> None:
        """Cut the socket off, without waiting for a server that may never read again."""
        writer = getattr(self.client._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()
