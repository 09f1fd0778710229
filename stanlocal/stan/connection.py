"""One registration of a client at a STAN server, kept alive: requests, heartbeats, pings, and its loss."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from stanlocal.stan import wire
from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.errors import (
    BadReply,
    ClientIDInUse,
    CloseTimeout,
    ConnectionInterrupted,
    ConnectionLost,
    NoActiveServer,
    RequestTimeout,
    ServerError,
    StanError,
    SubscribeTimeout,
    UnknownClient,
    server_error,
)
from stanlocal.stan.link import RECONNECT_WAIT, Link, log
from stanlocal.stan.options import ClientOptions
from stanlocal.stan.pings import Verdict
from stanlocal.stan.publisher import Publisher
from stanlocal.stan.recovery import Recovery
from stanlocal.stan.registration import Registration, nobody
from stanlocal.stan.registry import Registry
from stanlocal.stan.requests import Interrupted, NoResponders, Requests
from stanlocal.stan.session import Session

FT_PREFIX = "_STAN.ft"
"""Below it the active of an FT group says about once a second that it is there, and who it is."""


_ADVICE: dict[type[RequestTimeout], str] = {
    SubscribeTimeout: "try again; a server with partitioning never answers for a channel that it does not "
    "serve: name the channel in store_limits.channels"
}
"""What to do about a request without an answer, where that is more than to try again."""


class Connection:
    """A client's registration and everything that keeps it: the other classes' common ground."""

    def __init__(self, link: Link, options: ClientOptions) -> None:
        self.options = options
        self.link = link
        self.requests = Requests(link)
        self.publisher = Publisher(link, options, secrets.token_hex(6))
        self.recovery = Recovery(link, self.requests)
        self.registration = Registration(link, self.requests, options)
        self.subscriptions = Registry(self)
        self.session: Session
        self.lost: StanError | None = None
        self.on_lost: Callable[[StanError], None]
        self._active_id = ""
        self._pings_out = 0
        self._pinging: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self.publisher.on_no_active = lambda: self.recovery.suspect(lost=options.retry)
        self.publisher.on_stall = lambda: self.recovery.suspect(lost=False)
        self.publisher.on_unregistered = lambda: self.recovery.suspect(lost=options.reconnect)
        self.recovery.on_lost = self.publisher.interrupted
        self.recovery.on_active = self._active_found
        self.recovery.on_unknown = self._unknown
        self.recovery.on_end = self._must_not_fail

    # Connecting

    async def open(self) -> None:
        """Register, and start what keeps the registration."""
        self.link.on_down = self.requests.interrupt
        await self.requests.open()
        self._use(await self.registration.register(self.options.retry))
        await self.publisher.open(self.session)
        await self.link.subscribe(f"{FT_PREFIX}.{self.options.cluster_id}.>", self._active_spoke)
        self.link.on_down = self._went_down
        self.link.on_up = self._came_up
        self.link.on_closed = self._nats_closed
        if not self.link.connected:
            self._went_down()
        if self.session.pings:
            self._pinging = self._loop.create_task(self._ping(), name="stan-ping")
            self._pinging.add_done_callback(self._must_not_fail)

    def _use(self, session: Session) -> None:
        self.session = session
        self.recovery.session = session
        self._pings_out = 0

    # Requests

    async def ask(
        self, subject: str, payload: bytes, doing: str, kind: type[RequestTimeout], deadline: float
    ) -> bytes:
        """A reply, once NATS is connected.

        With `retry` it is asked for again while nobody listens: that surely had no effect.
        """
        while True:
            failure: StanError = ConnectionInterrupted(f"{doing}: not connected to NATS; try again")
            try:
                async with asyncio.timeout_at(deadline):
                    await self.link.wait_up()
                    if self.options.retry:
                        failure = nobody(doing, self.options, self.link)
                        await self.recovery.wait_active()
            except TimeoutError:
                raise failure from None
            if self.lost is not None:
                raise self.lost
            try:
                left = deadline - self._loop.time()
                return await self.requests.request(subject, payload, max(left, 0.001))
            except NoResponders:
                self.recovery.suspect(lost=True)
                if not self.options.retry:
                    raise nobody(doing, self.options, self.link) from None
            except TimeoutError as error:
                raise kind(
                    f"{doing}: no answer within {self.options.patience:g} s from {self.link.url}; "
                    f"it may have been done or not, {_ADVICE.get(kind, 'try again')}"
                ) from error
            except Interrupted as error:
                if self.lost is not None:
                    raise self.lost from error
                raise ConnectionInterrupted(
                    f"{doing}: the NATS connection dropped; it may have been done or not, try again"
                ) from error

    def deadline(self) -> float:
        """When a request that starts now has waited long enough."""
        return self._loop.time() + self.options.patience

    async def say_goodbye(self) -> None:
        """Have the server forget the client; its durables stay.

        When the connection drops meanwhile it is said again over the next one, as long as there is time.
        """
        doing = f"close {self.session.client_id!r}"
        request = pb.CloseRequest(client_id=self.session.client_id).SerializeToString()
        deadline = self._loop.time() + self.options.parting
        said_before = False
        while True:
            try:
                reply = await self.ask(self.session.close_requests, request, doing, CloseTimeout, deadline)
                break
            except ConnectionInterrupted:
                if self._loop.time() >= deadline:
                    raise
                said_before = True
                await asyncio.sleep(RECONNECT_WAIT)
        if error := wire.decode(pb.CloseResponse, reply).error:
            refusal = server_error(error, doing)
            if not (said_before and isinstance(refusal, UnknownClient)):
                raise refusal

    # Alive or not

    async def _ping(self) -> None:
        """Ping as agreed; a ping that is not answered starts the search for the active."""
        interval, most = self.session.ping_interval, self.session.ping_max_out
        due = self._loop.time()
        while self._pings_out <= most or self.options.reconnect:
            due += interval
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            if not self.recovery.in_doubt:
                verdict, _ = await self.recovery.ping()
                if verdict is Verdict.ACTIVE:
                    self._pings_out = 0
                    continue
                self.recovery.suspect(lost=verdict in (Verdict.NOBODY, Verdict.CUT))
            self._pings_out += 1
        self.lose(
            ConnectionLost(
                f"connection lost: {self._pings_out} pings in a row, one every {interval} s, had no "
                f"answer from cluster id {self.options.cluster_id!r}; connect again"
            )
        )

    def _active_spoke(self, subject: bytes, data: bytes, reply: bytes, nobody: bool) -> None:
        """Another active's beat: what was sent to the one before will not be answered."""
        try:
            server_id = wire.decode(pb.CtrlMsg, data).server_id
        except BadReply as error:
            log.debug("not an FT heartbeat: %s", error)
            return
        if server_id and server_id != self._active_id:
            changed, self._active_id = bool(self._active_id), server_id
            if changed:
                self.recovery.suspect(lost=True)

    def _went_down(self) -> None:
        self.requests.interrupt()
        self.recovery.suspect(lost=True)

    def _came_up(self) -> None:
        log.debug("connected to %s", self.link.url)
        self.publisher.forget_server()

    def _nats_closed(self) -> None:
        self.lose(ConnectionLost(f"connection lost: NATS closed it ({self.link.why_down}); connect again"))

    async def _active_found(self) -> None:
        self._pings_out = 0
        await self.publisher.resume()

    async def _unknown(self, refusal: ServerError) -> bool:
        """The server does not know us: register anew, if asked to, else we are lost."""
        while self.options.reconnect and self.lost is None:
            try:
                self._use(await self.registration.register(patient=True))
                self.publisher.use(self.session)
                self.recovery.active_again()
                for subscription in list(self.subscriptions.open):
                    await self.subscriptions.renew(subscription)
            except ClientIDInUse as error:
                refusal = error
                break
            except (NoActiveServer, RequestTimeout, ConnectionInterrupted) as error:
                log.debug("not registered again yet: %s", error)
                continue
            log.info("registered again as %r", self.session.client_id)
            return True
        lost = ConnectionLost(f"connection lost: {refusal.text.removeprefix('stan: ')}; connect again")
        lost.__cause__ = refusal
        self.lose(lost)
        return False

    # The end

    def _must_not_fail(self, task: asyncio.Task[None]) -> None:
        """A task that keeps the registration alive ended by an error nobody thought of: not in silence."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            lost = ConnectionLost(f"connection lost: {task.get_name()} failed: {error!r}; connect again")
            lost.__cause__ = error
            self.lose(lost)

    def lose(self, error: StanError) -> None:
        """The registration is gone and not by its owner's doing: everybody who waits is told why."""
        if self.lost is None:
            self.stop(error)
            self.on_lost(error)

    def stop(self, reason: StanError) -> None:
        """Nothing goes in or out from now on."""
        self.lost = reason
        self.publisher.close(reason)
        for subscription in self.subscriptions.open:
            subscription.end(reason)
        self.requests.interrupt()
        self.recovery.active_again()  # nobody has to wait for it any more

    async def teardown(self) -> None:
        """Free everything; returns when no task is left."""
        if self._pinging is not None and self._pinging is not asyncio.current_task():
            self._pinging.cancel()
            await asyncio.wait([self._pinging])
        await self.recovery.close()
        for subscription in self.subscriptions.open:
            await subscription.stopped()
        self.requests.interrupt()
        await self.link.close()
