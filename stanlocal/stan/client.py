"""The STAN client that applications use."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from stanlocal.stan.ack import PublishAck
from stanlocal.stan.connection import Connection
from stanlocal.stan.errors import ConnectionClosed, ConnectionInterrupted, StanError
from stanlocal.stan.link import log
from stanlocal.stan.names import check_served
from stanlocal.stan.options import SubscriptionOptions
from stanlocal.stan.start import NEW_ONLY, StartPosition
from stanlocal.stan.state import Listener
from stanlocal.stan.subscription import Callback, Subscription

if TYPE_CHECKING:
    from nats.aio.client import Client as NatsClient


LostCallback = Callable[["Client", StanError], Awaitable[None] | None]
"""Called once, with the reason, when a client is lost; not for the owner's own `close()`."""


class _LossListener(Listener):
    """Listener that reports the loss of the client, so that `Client` itself needs no listener's methods."""

    def __init__(self, on_lost: Callable[[StanError], None]) -> None:
        self._on_lost = on_lost

    def lost(self, error: StanError) -> None:
        self._on_lost(error)


class Client:
    """A registered STAN client; `connect` makes it. For one event loop; not for several threads.

    ``async with`` closes it. After `close` every call raises `ConnectionClosed`; after the client is
    lost (see `connect`), `ConnectionLost` with the reason.
    """

    def __init__(self, connection: Connection, on_connection_lost: LostCallback | None) -> None:
        self._connection = connection
        self._state = connection.state
        self._on_connection_lost = on_connection_lost
        self._publisher = connection.publisher
        self._write_buffer = connection.link.write_buffer
        self._closing = asyncio.Lock()
        self._closed = False
        self._ending: asyncio.Task[None] | None = None
        self._state.listen(_LossListener(self._lost))

    # Properties

    @property
    def client_id(self) -> str:
        """The id by which the server knows the client."""
        return self._connection.options.client_id

    @property
    def cluster_id(self) -> str:
        """The cluster id of `connect`."""
        return self._connection.options.cluster_id

    @property
    def nats(self) -> NatsClient | None:
        """The nats-py client below; None once closed or lost."""
        return None if self._state.end_reason is not None else self._connection.link.nats

    @property
    def connected_url(self) -> str:
        """The NATS server of the connection, without a password; ``no server`` while there is none."""
        return self._connection.link.url

    @property
    def is_closed(self) -> bool:
        """Whether the client was closed or lost."""
        return self._state.end_reason is not None

    @property
    def unacknowledged(self) -> int:
        """Published messages without an answer yet."""
        return self._publisher.inflight

    def __repr__(self) -> str:
        state = "closed" if self._closed else "lost" if self.is_closed else self.connected_url
        return f"<stan.Client {self.client_id!r} {state}>"

    # Publishing

    async def publish(self, channel: str, data: bytes, *, timeout: float | None = None) -> str:
        """Publish and return the message's guid once the server has stored it.

        `timeout` in seconds, else `ack_timeout` of `connect`. Messages of one client to one channel
        are stored in the order of the calls.

        Without `retry`, the first failure is raised: `NoActiveServer` (certainly not stored),
        `ConnectionInterrupted` or `PublishTimeout` (stored or not). With `retry` the message is sent
        again until it is acknowledged or the time is up, so it is stored at least once, perhaps more
        often, and messages in flight together may be stored out of order around a failover.

        Raises `InvalidName`, `NoConfiguredChannel`, `PayloadTooLarge`, and the server's refusals as
        `ServerError`. Cancelled, it leaves the message stored or not.
        """
        if self._publisher.full:
            return await (await self._publisher.publish_in_turn(channel, data, timeout))
        return await self._publisher.publish(channel, data, timeout)

    async def publish_async(self, channel: str, data: bytes, *, timeout: float | None = None) -> PublishAck:
        """Publish without waiting for the ack: awaiting the result gives the guid, or raises as `publish`.

        Waits only while the window, `max_pub_acks_inflight` messages or 64 MiB, is full, or the
        server reads slower than this writes. An ack that fails and is never awaited is reported by
        asyncio's exception handler.
        """
        if self._publisher.full:
            ack = await self._publisher.publish_in_turn(channel, data, timeout)
        else:
            ack = self._publisher.publish(channel, data, timeout)
        if self._write_buffer.congested:
            await self._connection.link.drain()
        return ack

    async def publish_batch(
        self, channel: str, batch: Iterable[bytes], *, timeout: float | None = None
    ) -> list[str]:
        """Publish all, in order, and return their guids once all are stored.

        Every message gets its answer before this returns: when some failed, an `ExceptionGroup` of
        their errors is raised.
        """
        acks = [await self.publish_async(channel, data, timeout=timeout) for data in batch]
        answers = await asyncio.gather(*acks, return_exceptions=True)
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        if failures:
            raise BaseExceptionGroup(
                f"{len(failures)} of {len(acks)} messages to {channel!r} failed", failures
            )
        return [answer for answer in answers if isinstance(answer, str)]

    async def flush(self) -> None:
        """Return when every message published so far has its answer, be it an ack or an error."""
        self._write_buffer.flush()
        await self._publisher.settled()

    # Subscribing

    async def subscribe(
        self,
        channel: str,
        callback: Callback | None = None,
        *,
        start: StartPosition = NEW_ONLY,
        durable_name: str = "",
        queue_group: str = "",
        manual_ack: bool = False,
        ack_wait: int = 30,
        max_inflight: int = 1024,
        next_timeout: float | None = None,
    ) -> Subscription:
        """Subscribe and return once the server has the subscription.

        `callback` is a function or coroutine function of one `Message`; without it, iterate the
        subscription. `start` counts where the subscription is new to the server (see `stanlocal.stan.start`).
        `durable_name`: the server keeps the place when the subscription or client closes.
        `queue_group`: the group's members share the messages; with a durable name the group is
        durable. `ack_wait`: whole seconds until an unacknowledged message comes again.
        `max_inflight`: unacknowledged messages after which the server sends no new ones. `next_timeout`:
        seconds that its iteration waits for a message (`math.inf`: as long as it takes); else the client's.

        The server keeps the subscription through a failover; no action is needed then. Raises
        `InvalidName`, `InvalidOption`, `SubscribeTimeout`, `NoActiveServer`, and the server's
        refusals, such as `DuplicateDurable`. Cancelled, it leaves no subscription.
        """
        self._check_open()
        if next_timeout is None:
            next_timeout = self._connection.options.next_timeout
        options = SubscriptionOptions(
            channel, start, durable_name, queue_group, manual_ack, ack_wait, max_inflight, next_timeout
        )
        check_served(channel, self._connection.options.served_channels)
        subscription = Subscription(self._connection.subscriptions, self._connection.link, options, callback)
        try:
            await self._connection.subscriptions.add(subscription, start)
        except BaseException:
            subscription.cancel()
            raise
        return subscription

    # The end

    async def close(self, *, drain: bool = False) -> None:
        """Wait for outstanding acks, then have the server forget the client; its durables stay.

        Subscriptions end as by their own `close`. Each step has `request_timeout` seconds; acks that
        did not come by then fail with `ConnectionClosed`. The NATS connection is closed if `connect`
        made it. When the server does not answer, `CloseTimeout` or `NoActiveServer` is raised, and
        the client is closed none the less, unless `allow_close_retry` asked for another try. Closing
        again does nothing. Cancelled while it waits for acks or the server, it can be called again.

        A connection that drops meanwhile is waited for within that time, else `ConnectionInterrupted` is
        raised; but not when the client is just moving to another server: a warning is logged, and the server
        keeps the client until it misses its heartbeats, minutes by default. Until then its id is taken, and
        messages delivered to it and not acknowledged go to no other member of its queue groups.
        """
        async with self._closing:
            if self.is_closed:
                if self._ending is not None:
                    await asyncio.shield(self._ending)
                return
            failure = await self._say_goodbye(drain)
            if failure is not None and self._connection.options.allow_close_retry:
                raise failure
            self._closed = True
            self._state.end(ConnectionClosed(f"client {self.client_id!r} is closed; connect again"))
            self._ending = asyncio.create_task(self._connection.teardown(), name="stan-teardown")
            await asyncio.shield(self._ending)
            if failure is not None:
                raise failure

    async def _say_goodbye(self, drain: bool) -> StanError | None:
        connection = self._connection
        close_timeout = connection.options.close_timeout
        try:
            async with asyncio.timeout(close_timeout):
                await self.flush()
        except TimeoutError:
            log.warning("closing %r with %d messages unacknowledged", self.client_id, self.unacknowledged)
        waiting = [asyncio.ensure_future(each.settle(drain)) for each in connection.subscriptions.open]
        try:
            if waiting:
                await asyncio.wait(waiting, timeout=close_timeout)
        finally:
            for each in waiting:
                each.cancel()
        self._write_buffer.flush()
        try:
            await connection.say_goodbye()
        except ConnectionInterrupted as error:
            if connection.options.allow_close_retry or not connection.link.moving:
                return error
            log.warning("%s; the server keeps %r until it misses its heartbeats", error, self.client_id)
        except StanError as error:
            return error
        return None

    def _lost(self, error: StanError) -> None:
        self._ending = asyncio.create_task(self._after_loss(error), name="stan-lost")

    async def _after_loss(self, error: StanError) -> None:
        log.warning("client %r: %s", self.client_id, error)
        await self._connection.teardown()
        if self._on_connection_lost is not None:
            result = self._on_connection_lost(self, error)
            if inspect.isawaitable(result):
                await result

    def _check_open(self) -> None:
        if self._state.end_reason is not None:
            raise self._state.end_reason

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client; if that fails too, the block's own error is raised, with a note about it."""
        try:
            await self.close()
        except StanError as unclosed:
            if error is None:
                raise
            error.add_note(f"the client could not be closed either: {unclosed}")
