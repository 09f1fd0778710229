"""One NATS connection as the STAN client needs it: frames out, messages in, and changes of its state."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stanlocal.stan.errors import ConnectFailed, ConnectionInterrupted, InvalidOption, StanError
from stanlocal.stan.failure_text import failure_text
from stanlocal.stan.refusals import one_line
from stanlocal.stan.write_buffer import WriteBuffer

if TYPE_CHECKING:
    from stanlocal.stan.nats_adapter import Callbacks, NatsAdapter, NatsClient, NatsSubscription
    from stanlocal.stan.options import Addresses
    from stanlocal.stan.parser import Handler, RunReader

log = logging.getLogger(__name__)

RECONNECT_WAIT = 0.05
"""Seconds between two attempts at a server at first; then a twentieth of the time without a connection."""

RECONNECT_WAIT_MAX = 1.0

_REFUSED = "authorization violation"
"""Part of a server's text when it refuses a login, in small letters."""

_OTHER_NAME = (62, 64)
"""Codes of OpenSSL for a certificate of another host name, and of another address (x509_vfy.h)."""

AT_ONCE, IN_ORDER = 0.1, 2.0
"""Seconds that closing a NATS connection may take: one that was never used, and one with frames to write."""


class LinkListener:
    """Reactions to changes of a link; each does nothing unless a part overrides it."""

    def link_down(self) -> None:
        """The connection dropped."""

    def link_up(self) -> None:
        """The connection is back, perhaps to another server."""

    def link_closed(self) -> None:
        """The connection was closed for good, and not by `Link.close`."""


class Link:
    """A NATS connection, the client's own (`open`) or the caller's (`borrow`).

    Handlers of messages run in nats-py's read loop and must not raise.
    """

    def __init__(
        self,
        adapter: NatsAdapter,
        owned: bool,
        urls: Sequence[str],
        options: Mapping[str, Any],
        addresses: Addresses | None = None,
    ) -> None:
        self._adapter = adapter
        self._addresses = addresses
        self._owned = owned
        self._given = tuple(urls)
        self._options = dict(options)
        self._loop = asyncio.get_running_loop()
        self._closing = False
        self._up = asyncio.Event()
        self._up.set()
        self._listeners: list[LinkListener] = []
        self._previous: Callbacks = {}
        self._down_since = 0.0
        self._subscriptions: list[NatsSubscription] = []
        self.write_buffer = WriteBuffer(adapter)
        self.last_error: Exception | None = None
        self.moving = False
        """Whether the client has left a server on purpose and is not at another yet."""

    @classmethod
    async def open(
        cls,
        urls: Sequence[str],
        options: Mapping[str, Any],
        timeout: float,
        patient: bool,
        addresses: Addresses | None = None,
    ) -> Link:
        """Connect to the first of `urls` that accepts the client, at its own address or that in `addresses`.

        When each has failed once, `ConnectFailed` is raised; `patient` goes on until `timeout`, unless
        each has refused the login, or shown a certificate that is refused.
        """
        from stanlocal.stan.nats_adapter import NatsAdapter, NatsError

        link = cls(NatsAdapter.own(addresses), True, urls, options, addresses)
        failures = refusals = unproven = 0

        async def failed_once(error: Exception) -> None:
            nonlocal failures, refusals, unproven
            failures += 1
            refusals += _REFUSED in str(error).lower()
            unproven = unproven + 1 if isinstance(error, ssl.SSLCertVerificationError) else 0  # in a row
            link.last_error = error
            if (max(refusals, unproven) if patient else failures) >= len(urls):
                raise link._connect_failed(error) from error

        settings: dict[str, Any] = {"connect_timeout": min(2.0, timeout), **options}
        settings |= {
            "servers": list(urls),
            "dont_randomize": True,
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": RECONNECT_WAIT,
            "pending_size": 0,  # what is published while disconnected must not be sent later
            "error_cb": failed_once,
            "disconnected_cb": link._went_down,
            "reconnected_cb": link._came_up,
            "closed_cb": link._was_closed,
        }
        try:
            async with asyncio.timeout(timeout):
                await link._adapter.connect(**settings)
        except TimeoutError as error:
            await link._adapter.close(AT_ONCE)
            raise link._connect_failed(link.last_error or error) from (link.last_error or error)
        except NatsError as error:
            await link._adapter.close(AT_ONCE)
            raise InvalidOption(
                f"cannot use {link._shown}: {error}; give URLs like nats://127.0.0.1:4222"
            ) from error
        except BaseException:
            await link._adapter.close(AT_ONCE)
            raise
        link._adapter.set_error_callback(link._note_error)
        link._adapter.tap()
        return link

    @classmethod
    def borrow(cls, nats: NatsClient) -> Link:
        """Use a connection that the caller opened, and will close."""
        from stanlocal.stan.nats_adapter import NatsAdapter

        if not nats.is_connected:
            raise ConnectFailed("the given NATS connection is not connected; connect it first")
        link = cls(NatsAdapter(nats), False, (), {})
        link._previous = link._adapter.swap_callbacks(link._callbacks())
        return link

    def _callbacks(self) -> Callbacks:
        return {
            "_disconnected_cb": self._went_down,
            "_reconnected_cb": self._came_up,
            "_closed_cb": self._was_closed,
        }

    def listen(self, listener: LinkListener) -> None:
        """Have `listener` called at each change, after those that came before it."""
        self._listeners.append(listener)

    @property
    def _shown(self) -> str:
        """URLs for an error message, without passwords."""
        return ", ".join(
            f"{url.partition('://')[0]}://{url.rpartition('@')[2]}" if "@" in url else url
            for url in self._given
        )

    def _connect_failed(self, error: Exception) -> StanError:
        reason = one_line(failure_text(error)) or type(error).__name__
        advice = "check that the server runs and the URL is right"
        if isinstance(error, ssl.SSLCertVerificationError):
            advice = "check the CA that the client trusts ('--tls-ca'), and the server's certificate"
            if error.verify_code in _OTHER_NAME:
                advice = "give a name that the server's certificate has, with '--tls-name' or 'tls_hostname'"
        elif self._adapter.asks_for_authorization:
            # The server refuses and hangs up; which of the two is seen first is chance.
            advice = "the server asks for authorization: check user, password, token or key"
        return ConnectFailed(f"no NATS server at {self._shown}: {reason}; {advice}")

    @property
    def nats(self) -> NatsClient:
        """The nats-py client."""
        return self._adapter.client

    @property
    def connected(self) -> bool:
        """Whether frames can be sent now."""
        return self._adapter.connected

    @property
    def url(self) -> str:
        """The server that the client is connected to, without a password, or ``no server``."""
        uri = self.nats.connected_url
        return f"{uri.scheme}://{uri.hostname}:{uri.port}" if uri is not None else "no server"

    @property
    def max_payload(self) -> int:
        """Bytes that the server takes in one NATS message."""
        return self.nats.max_payload

    @property
    def why_down(self) -> str:
        """The last reason for a broken connection, in a few words."""
        reason = str(self.last_error or self.nats.last_error or "connection lost")
        return one_line(reason.removeprefix("nats: "))

    async def wait_up(self) -> None:
        """Return once the connection is there, or closed for good."""
        await self._up.wait()

    # Messages

    def publish(self, subject: str, payload: bytes, reply: str = "") -> None:
        """Send a NATS message."""
        head = f"PUB {subject} {reply} {len(payload)}\r\n" if reply else f"PUB {subject} {len(payload)}\r\n"
        self.write_buffer.send(b"%b%b\r\n" % (head.encode(), payload))

    async def drain(self) -> None:
        """Give the loop a turn, and wait while the server reads slower than the client writes."""
        try:
            await self.write_buffer.drain()
        except OSError as error:
            self.last_error = error  # the connection broke: `link_down` follows

    async def subscribe(
        self, subject: str, handler: Handler, run_reader: RunReader | None = None
    ) -> NatsSubscription:
        """Have `handler` called with each message, in order, as it is read; see `NatsAdapter.subscribe`."""
        from stanlocal.stan.nats_adapter import NatsError

        try:
            subscription = await self._adapter.subscribe(subject, handler, run_reader)
        except NatsError as error:
            raise ConnectionInterrupted(
                f"cannot subscribe to {subject} at NATS: {error}; connect again"
            ) from error
        self._subscriptions.append(subscription)
        return subscription

    async def unsubscribe(self, subscription: NatsSubscription) -> None:
        """Stop the messages; a connection that is gone has nothing to stop."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
        self.last_error = await self._adapter.unsubscribe(subscription) or self.last_error

    def new_inbox(self) -> str:
        """Return a new subject with the connection's inbox prefix."""
        return self.nats.new_inbox()

    # Other servers

    def other_urls(self) -> list[str]:
        """Return the URLs of other servers that the client may move to; none on the caller's connection."""
        return self._adapter.other_urls() if self._owned else []

    async def ask_elsewhere(self, url: str, subject: str, payload: bytes, timeout: float) -> bool:
        """Return whether a request is answered behind that server, asked over a connection of its own."""
        from stanlocal.stan.nats_adapter import NatsAdapter, NatsError

        scout = Link(NatsAdapter.own(self._addresses), True, [url], {}, self._addresses)
        settings = {
            **self._options,
            "connect_timeout": timeout,
            "name": f"{self._options.get('name')}-scout",
            "error_cb": scout._note_error,
        }
        try:
            async with asyncio.timeout(timeout):
                await scout._adapter.connect(
                    servers=[url], allow_reconnect=False, max_reconnect_attempts=1, **settings
                )
                await scout.nats.request(subject, payload, timeout=timeout)
        except (NatsError, OSError, TimeoutError) as error:
            log.debug("no streaming server behind %s: %s", url, error)
            return False
        finally:
            await scout._adapter.close(AT_ONCE)
        return True

    def move_to(self, url: str) -> None:
        """Leave the server for that one, by nats-py's own reconnecting."""
        if self._adapter.prefer(url):
            self.moving = True
            self._adapter.abort()  # a close would first wait for a server that may never read again

    # The connection's own state

    async def _note_error(self, error: Exception) -> None:
        self.last_error = error
        log.debug("nats: %s", error)
        if not self.connected:
            away = self._loop.time() - self._down_since
            self._adapter.set_reconnect_wait(min(RECONNECT_WAIT_MAX, max(RECONNECT_WAIT, away / 20)))
            self._adapter.abort()  # nats-py leaves the socket of a server that accepted and hung up open

    async def _went_down(self) -> None:
        self._down_since = self._loop.time()
        self._up.clear()
        if self._owned:
            self._adapter.drop_pending()
            if len(self._given) > 1:
                # Several given URLs are all the nodes there are; what a server in a container
                # advertises may be an address that hangs instead of refusing.
                self._adapter.forget_discovered()
        if not self._closing:
            for each in self._listeners:
                each.link_down()
        await self._pass_on("_disconnected_cb")

    async def _came_up(self) -> None:
        if self._owned:
            self._adapter.tap()
            self._adapter.set_reconnect_wait(RECONNECT_WAIT)
        self.moving = False
        self._up.set()
        for each in self._listeners:
            each.link_up()
        await self._pass_on("_reconnected_cb")

    async def _was_closed(self) -> None:
        self._up.set()  # waiting for it is over
        if not self._closing:
            for each in self._listeners:
                each.link_closed()
        await self._pass_on("_closed_cb")

    async def _pass_on(self, name: str) -> None:
        previous = self._previous.get(name)
        if previous is not None:
            await previous()

    async def close(self) -> None:
        """Write what is left; close the client's own connection, or leave the caller's as it was."""
        self.write_buffer.flush()
        self._closing = True
        if self._owned:
            await self._adapter.close(IN_ORDER)
            return
        for subscription in list(self._subscriptions):
            await self.unsubscribe(subscription)
        self._adapter.restore_callbacks(self._callbacks(), self._previous)
