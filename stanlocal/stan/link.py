"""One NATS connection, as the STAN client needs it: frames out, messages in, word of its state.

With `outbox` and `parser` the only module that knows nats-py, and more of it than its documented
surface, each for a reason:

- a stand-in for the `future` of `Client.subscribe`, and on our own connections `_ps` and the stream's
  reader: messages are handed to us as they are read, without a queue and a task for each subscription;
- `_transport` and, behind it, `_pending` and `_flush_queue`: see `outbox`;
- `_server_pool` and `abort()` of the stream's transport: to move to a chosen server, also off one
  that no longer reads;
- the callbacks `_disconnected_cb`, `_reconnected_cb`, `_closed_cb` of a connection that the caller
  opened: ours are put in front of the caller's and taken out again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlparse

from stanlocal.stan.errors import ConnectFailed, ConnectionInterrupted, InvalidOption, StanError, one_line
from stanlocal.stan.outbox import Outbox

if TYPE_CHECKING:
    from nats.aio.client import Client as NatsClient
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription as NatsSubscription

    from stanlocal.stan.parser import DirectParser, Handler

log = logging.getLogger(__name__)

RECONNECT_WAIT = 0.05
"""Seconds between two attempts at a server at first; then a twentieth of the time without a connection."""

RECONNECT_WAIT_MAX = 1.0

NO_RESPONDERS = "503"

AT_ONCE, IN_ORDER = 0.1, 2.0
"""Seconds that closing a NATS connection may take: one that never was, and one with frames to write."""


class _Sink:
    """Stands where nats-py takes a future for a single reply, and takes every message."""

    __slots__ = ("_handler",)

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def cancelled(self) -> bool:
        return False

    def set_result(self, message: Msg) -> None:
        nobody = bool(message.headers) and message.headers.get("Status") == NO_RESPONDERS  # type: ignore[union-attr]
        self._handler(message.subject.encode(), message.data, message.reply.encode(), nobody)


class Link:
    """A NATS connection, ours or the caller's.

    `on_up` and `on_down` are called when the connection comes back and when it drops, `on_closed`
    when it is closed for good by anyone but us. Handlers run in nats-py's read loop and must not raise.
    """

    def __init__(
        self, nats: NatsClient, owned: bool, urls: Sequence[str], options: Mapping[str, Any]
    ) -> None:
        self._nats = nats
        self._owned = owned
        self._given = tuple(urls)
        self._options = dict(options)
        self._loop = asyncio.get_running_loop()
        self._closing = False
        self._up = asyncio.Event()
        self._up.set()
        self._previous: dict[str, Callable[[], Awaitable[None]] | None] = {}
        self._down_since = 0.0
        self._parser: DirectParser | None = None
        self._subscriptions: list[NatsSubscription] = []
        self.outbox = Outbox(nats)
        self.last_error: Exception | None = None
        self.moving = False
        """Whether we have left a server ourselves and are not at another yet."""
        self.on_up: Callable[[], None] = _nothing
        self.on_down: Callable[[], None] = _nothing
        self.on_closed: Callable[[], None] = _nothing

    @classmethod
    async def open(
        cls, urls: Sequence[str], options: Mapping[str, Any], timeout: float, patient: bool
    ) -> Link:
        """Connect to the first of `urls` that lets us in.

        When each has refused once, `ConnectFailed` is raised; `patient` goes on until `timeout`.
        """
        from nats.errors import Error as NatsError

        from stanlocal.stan.nats_client import GuardedClient

        client = GuardedClient()
        link = cls(client, True, urls, options)
        link._parser = client.parser
        failures = 0

        async def failed_once(error: Exception) -> None:
            nonlocal failures
            failures += 1
            link.last_error = error
            if not patient and failures >= len(urls):
                raise link._connect_failed(error) from error

        settings: dict[str, Any] = {"connect_timeout": min(2.0, timeout), **options}
        settings |= {
            "servers": list(urls),
            "dont_randomize": True,
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": RECONNECT_WAIT,
            "pending_size": 0,  # what is published while disconnected must not be sent later, behind our back
            "error_cb": failed_once,
            "disconnected_cb": link._went_down,
            "reconnected_cb": link._came_up,
            "closed_cb": link._was_closed,
        }
        try:
            async with asyncio.timeout(timeout):
                await client.connect(**settings)
        except TimeoutError as error:
            await link._hang_up(AT_ONCE)
            raise link._connect_failed(link.last_error or error) from (link.last_error or error)
        except NatsError as error:
            await link._hang_up(AT_ONCE)
            raise InvalidOption(
                f"cannot use {link._shown}: {error}; give URLs like nats://127.0.0.1:4222"
            ) from error
        except BaseException:
            await link._hang_up(AT_ONCE)
            raise
        client._error_cb = link._note_error
        link._tap()
        return link

    @classmethod
    def borrow(cls, nats: NatsClient) -> Link:
        """Use a connection that the caller opened, and will close."""
        if not nats.is_connected:
            raise ConnectFailed("the given NATS connection is not connected; connect it first")
        link = cls(nats, False, (), {})
        for name, ours in link._callbacks().items():
            link._previous[name] = getattr(nats, name)
            setattr(nats, name, ours)
        return link

    def _callbacks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "_disconnected_cb": self._went_down,
            "_reconnected_cb": self._came_up,
            "_closed_cb": self._was_closed,
        }

    @property
    def _shown(self) -> str:
        """The URLs for an error message: without passwords."""
        return ", ".join(
            f"{url.partition('://')[0]}://{url.rpartition('@')[2]}" if "@" in url else url
            for url in self._given
        )

    def _connect_failed(self, error: Exception) -> StanError:
        reason = one_line(str(error).removeprefix("nats: ")) or type(error).__name__
        advice = "check that the server runs and the URL is right"
        info = self._nats._server_info
        if isinstance(info, dict) and info.get("auth_required"):
            # The server refuses and hangs up; whether its word or the hang-up is seen first is chance.
            advice = "the server asks for authorization: check user, password, token or key"
        return ConnectFailed(f"no NATS server at {self._shown}: {reason}; {advice}")

    @property
    def nats(self) -> NatsClient:
        """The nats-py client."""
        return self._nats

    @property
    def connected(self) -> bool:
        """Whether frames can be sent now."""
        return self._nats.is_connected

    @property
    def url(self) -> str:
        """The server we are connected to, or a word for the lack of one; without a password."""
        uri = self._nats.connected_url
        return f"{uri.scheme}://{uri.hostname}:{uri.port}" if uri is not None else "no server"

    @property
    def max_payload(self) -> int:
        """Bytes that the server takes in one NATS message."""
        return self._nats.max_payload

    @property
    def why_down(self) -> str:
        """What broke the connection last, in a few words."""
        reason = str(self.last_error or self._nats.last_error or "connection lost")
        return one_line(reason.removeprefix("nats: "))

    async def wait_up(self) -> None:
        """Return once the connection is there."""
        await self._up.wait()

    # Messages

    def publish(self, subject: str, payload: bytes, reply: str = "") -> None:
        """Send a NATS message."""
        head = f"PUB {subject} {reply} {len(payload)}\r\n" if reply else f"PUB {subject} {len(payload)}\r\n"
        self.outbox.send(b"%b%b\r\n" % (head.encode(), payload))

    async def drain(self) -> None:
        """Give the loop a turn, and wait while the server reads slower than we write."""
        try:
            await self.outbox.drain()
        except OSError as error:
            self.last_error = error  # the connection broke: `on_down` tells everyone

    async def subscribe(self, subject: str, handler: Handler) -> NatsSubscription:
        """Have `handler` called with each message, in order, as it is read."""
        from nats.errors import Error as NatsError

        try:
            subscription = await self._nats.subscribe(subject, future=cast(Any, _Sink(handler)))
        except NatsError as error:
            raise ConnectionInterrupted(
                f"cannot subscribe to {subject} at NATS: {error}; connect again"
            ) from error
        self._subscriptions.append(subscription)
        if self._parser is not None:
            self._parser.handlers[b"%d" % subscription._id] = handler
        return subscription

    async def unsubscribe(self, subscription: NatsSubscription) -> None:
        """Stop the messages; a connection that is gone has nothing to stop."""
        from nats.errors import BadSubscriptionError, ConnectionClosedError, ConnectionDrainingError

        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
        if self._parser is not None:
            self._parser.handlers.pop(b"%d" % subscription._id, None)
        try:
            await subscription.unsubscribe()
        except (BadSubscriptionError, ConnectionClosedError, ConnectionDrainingError) as error:
            self.last_error = error

    def new_inbox(self) -> str:
        """A subject of our own, with the connection's inbox prefix."""
        return self._nats.new_inbox()

    # Other servers

    def other_urls(self) -> list[str]:
        """The URLs of the pool that we are not connected to; none for a connection of the caller's."""
        if not self._owned:
            return []
        here = self._nats.connected_url
        return [
            server.uri.geturl()
            for server in self._nats._server_pool
            if here is None or server.uri.netloc != here.netloc
        ]

    async def ask_elsewhere(self, url: str, subject: str, payload: bytes, timeout: float) -> bool:
        """Whether somebody at that server answers a request, asked over a connection of its own."""
        from nats.errors import Error as NatsError

        from stanlocal.stan.nats_client import GuardedClient

        scout = Link(GuardedClient(), True, [url], {})
        settings = {
            **self._options,
            "connect_timeout": timeout,
            "name": f"{self._options.get('name')}-scout",
            "error_cb": scout._note_error,
        }
        try:
            async with asyncio.timeout(timeout):
                await scout.nats.connect(
                    servers=[url], allow_reconnect=False, max_reconnect_attempts=1, **settings
                )
                await scout.nats.request(subject, payload, timeout=timeout)
        except (NatsError, OSError, TimeoutError) as error:
            log.debug("no streaming server behind %s: %s", url, error)
            return False
        finally:
            await scout._hang_up(AT_ONCE)
        return True

    def move_to(self, url: str) -> None:
        """Leave the server we are connected to for that one; nats-py's own reconnecting does it."""
        pool, netloc = self._nats._server_pool, urlparse(url).netloc
        for index, server in enumerate(pool):
            if server.uri.netloc == netloc:
                pool.insert(0, pool.pop(index))
                server.last_attempt = None
                self.moving = True
                self._abort()
                return

    async def _hang_up(self, patience: float) -> None:
        """Close, but not for ever: that is how long nats-py waits after a TLS handshake that failed."""
        subscriptions = [*self._nats._subs.values()]
        try:
            async with asyncio.timeout(patience):
                await self._nats.close()
        except TimeoutError:
            self._abort()
        finally:
            for subscription in subscriptions:  # nats-py forgets them, and may not come to ending them
                subscription._stop_processing()

    def _abort(self) -> None:
        # Not close(): that first waits for a server which may never read again.
        writer = getattr(self._nats._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()

    # The connection's own state

    async def _note_error(self, error: Exception) -> None:
        self.last_error = error
        log.debug("nats: %s", error)
        if not self._nats.is_connected:
            away = self._loop.time() - self._down_since
            wait = min(RECONNECT_WAIT_MAX, max(RECONNECT_WAIT, away / 20))
            self._nats.options["reconnect_time_wait"] = wait
            self._abort()  # what took the connection and hung up: nats-py leaves it open

    async def _went_down(self) -> None:
        self._down_since = self._loop.time()
        self._up.clear()
        if self._owned:
            self._nats._pending.clear()
            self._nats._pending_data_size = 0
            if len(self._given) > 1:
                # Several given URLs are all the nodes there are; what a server in a container
                # advertises may be an address that hangs instead of refusing.
                pool = self._nats._server_pool
                pool[:] = [server for server in pool if not server.discovered]
        if not self._closing:
            self.on_down()
        await self._pass_on("_disconnected_cb")

    def _tap(self) -> None:
        reader = getattr(self._nats._transport, "_io_reader", None)
        if self._parser is not None and reader is not None:
            self._parser.tap(reader)

    async def _came_up(self) -> None:
        if self._owned:
            self._tap()
            self._nats.options["reconnect_time_wait"] = RECONNECT_WAIT
        self.moving = False
        self._up.set()
        self.on_up()
        await self._pass_on("_reconnected_cb")

    async def _was_closed(self) -> None:
        self._up.set()  # nobody has to wait for it any more
        if not self._closing:
            self.on_closed()
        await self._pass_on("_closed_cb")

    async def _pass_on(self, name: str) -> None:
        previous = self._previous.get(name)
        if previous is not None:
            await previous()

    async def close(self) -> None:
        """Write what is left; close the connection if it is ours, else leave it as it was."""
        self.outbox.flush()
        self._closing = True
        if self._owned:
            await self._hang_up(IN_ORDER)
            return
        for subscription in list(self._subscriptions):
            await self.unsubscribe(subscription)
        for name, ours in self._callbacks().items():
            if getattr(self._nats, name) == ours:
                setattr(self._nats, name, self._previous[name])


def _nothing() -> None:
    """Nobody asked to be told."""
