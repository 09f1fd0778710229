"""One registration of a client at a STAN server, and the parts that keep it alive."""

from __future__ import annotations

import asyncio
import secrets

from stanlocal.stan import wire
from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.active_search import ActiveSearch
from stanlocal.stan.errors import (
    BadReply,
    CloseTimeout,
    ConnectionInterrupted,
    ConnectionLost,
    StanError,
    UnknownClient,
)
from stanlocal.stan.link import RECONNECT_WAIT, Link, LinkListener, log
from stanlocal.stan.options import ClientOptions
from stanlocal.stan.pinger import Pinger
from stanlocal.stan.publisher import Publisher
from stanlocal.stan.refusals import server_error
from stanlocal.stan.registration import Registration
from stanlocal.stan.registry import Registry
from stanlocal.stan.renewal import Renewal
from stanlocal.stan.requests import Requests
from stanlocal.stan.server_requests import ServerRequests
from stanlocal.stan.session import Session
from stanlocal.stan.state import ConnectionState, Listener

FT_PREFIX = "_STAN.ft"
"""Subject prefix at which the active of an FT group sends its server id about once a second."""


class Connection(Listener, LinkListener):
    """A client's registration and everything that keeps it. `open` makes it."""

    def __init__(
        self,
        link: Link,
        requests: Requests,
        registration: Registration,
        options: ClientOptions,
        session: Session,
    ) -> None:
        self.link = link
        self.options = options
        self.state = state = ConnectionState(session)
        self._requests = requests
        self._server = ServerRequests(link, requests, options, state)
        self.publisher = Publisher(link, options, state, secrets.token_hex(6))
        self.subscriptions = Registry(link, self._server, options, state)
        renewal = Renewal(registration, self.subscriptions, options, state)
        self._active_search = ActiveSearch(link, requests, state, renewal)
        self._pinger = Pinger(options, state, self._active_search)
        self._active_id = ""
        self._loop = asyncio.get_running_loop()
        state.listen(self)

    @classmethod
    async def open(cls, link: Link, options: ClientOptions) -> Connection:
        """Register over `link`; when that fails, the link is closed."""
        requests = Requests(link)
        registration = Registration(link, requests, options)
        try:
            await requests.open()
            session = await registration.register(options.retry)
        except BaseException:
            await link.close()
            raise
        connection = cls(link, requests, registration, options, session)
        try:
            await connection._start()
        except BaseException:
            if link.connected:
                goodbye = pb.CloseRequest(client_id=options.client_id)
                link.publish(session.close_requests, goodbye.SerializeToString())
            await connection.teardown()
            raise
        return connection

    async def _start(self) -> None:
        await self.publisher.open()
        await self.link.subscribe(f"{FT_PREFIX}.{self.options.cluster_id}.>", self._active_spoke)
        self.link.listen(self)
        if not self.link.connected:
            self.link_down()
        self._pinger.start()

    # Reactions

    def _active_spoke(self, subject: bytes, data: bytes, reply: bytes, no_responders: bool) -> None:
        """Handle an active's heartbeat: if it is another active, nothing sent to the old one is answered."""
        try:
            server_id = wire.decode(pb.CtrlMsg, data).server_id
        except BadReply as error:
            log.debug("not an FT heartbeat: %s", error)
            return
        if server_id and server_id != self._active_id:
            changed, self._active_id = bool(self._active_id), server_id
            if changed:
                self.state.suspect(lost=True)

    def link_down(self) -> None:
        """Look for the active."""
        self.state.suspect(lost=True)

    def link_up(self) -> None:
        """Note the server; the search for the active is under way."""
        log.debug("connected to %s", self.link.url)

    def link_closed(self) -> None:
        """Lose the client."""
        why = self.link.why_down
        self.state.lose(ConnectionLost(f"connection lost: NATS closed it ({why}); connect again"))

    def ended(self, reason: StanError) -> None:
        """Fail the requests that wait."""
        self._requests.interrupt()

    # The end

    async def say_goodbye(self) -> None:
        """Have the server forget the client; its durables stay.

        When the connection drops meanwhile the request is sent again over the next one, while there is time.
        """
        session = self.state.session
        doing = f"close {session.client_id!r}"
        request = pb.CloseRequest(client_id=session.client_id).SerializeToString()
        deadline = self._loop.time() + self.options.close_timeout
        said_before = False
        while True:
            try:
                reply = await self._server.ask(session.close_requests, request, doing, CloseTimeout, deadline)
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

    async def teardown(self) -> None:
        """Free everything; returns when no task is left."""
        await self._pinger.close()
        await self._active_search.close()
        for subscription in self.subscriptions.open:
            await subscription.stopped()
        self._requests.interrupt()
        await self.link.close()
