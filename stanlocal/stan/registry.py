"""The subscriptions of a client at its server: made, ended, made again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from stanlocal.stan import wire
from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.errors import (
    BadReply,
    CloseTimeout,
    ConnectionInterrupted,
    InvalidSubscription,
    ServerError,
    ServerShuttingDown,
    StanError,
    SubscribeTimeout,
    UnsubscribeTimeout,
)
from stanlocal.stan.link import Link, log
from stanlocal.stan.names import is_subject
from stanlocal.stan.options import ClientOptions
from stanlocal.stan.refusals import server_error
from stanlocal.stan.server_requests import ServerRequests
from stanlocal.stan.start import NewOnly, StartPosition, StartSequence, StartTime
from stanlocal.stan.state import ConnectionState, Listener
from stanlocal.stan.subscription import Subscription

PAUSE = 0.02
"""Seconds before a subscription whose request was cut off is asked for again."""


class Registry(Listener):
    """The open subscriptions, and the requests that change them."""

    def __init__(
        self, link: Link, server: ServerRequests, options: ClientOptions, state: ConnectionState
    ) -> None:
        self._link = link
        self._server = server
        self._options = options
        self._state = state
        self._loop = asyncio.get_running_loop()
        self._taken_back: list[asyncio.Future[bytes]] = []
        self.open: set[Subscription] = set()
        state.listen(self)

    def ended(self, reason: StanError) -> None:
        """End every subscription."""
        for subscription in self.open:
            subscription.end(reason)

    async def add(self, subscription: Subscription, start: StartPosition) -> None:
        """Register the subscription at the server and let it deliver."""
        deadline = self._server.deadline()
        while True:
            await self._settle_taken_back(deadline)
            try:
                return await self._try(subscription, start, deadline)
            except (ConnectionInterrupted, ServerShuttingDown) as error:
                if not self._options.retry or self._loop.time() >= deadline:
                    raise
                if isinstance(error, ServerShuttingDown):
                    self._state.suspect(lost=True)
            await asyncio.sleep(PAUSE)

    async def _try(self, subscription: Subscription, start: StartPosition, deadline: float) -> None:
        options, session = subscription.options, self._state.session
        doing = f"subscribe to {options.channel!r}"
        # Deliveries can come before the answer, so the inbox listens first.
        subscription.inbox = self._link.new_inbox()
        subscription.nats_subscription = await self._link.subscribe(
            subscription.inbox, subscription.buffer.receive, subscription.buffer.receive_run
        )
        try:
            request = wire.subscription_request(
                client_id=session.client_id,
                channel=options.channel,
                inbox=subscription.inbox,
                start=start,
                now=datetime.now(UTC),
                queue_group=options.queue_group,
                durable_name=options.durable_name,
                max_inflight=options.max_inflight,
                ack_wait=int(options.ack_wait),
            )
            reply = await self._server.ask(session.sub_requests, request, doing, SubscribeTimeout, deadline)
            response = wire.decode(pb.SubscriptionResponse, reply)
            if not response.error and not is_subject(response.ack_inbox):
                raise BadReply(f"{doing}: the server's answer ({len(reply)} bytes) has no ack inbox")
        except BaseException:
            await self._take_back(subscription)
            raise
        if response.error:
            await self._link.unsubscribe(subscription.nats_subscription)
            raise server_error(response.error, doing)
        if subscription.is_open:
            subscription.registered(response.ack_inbox)
            self.open.add(subscription)
        else:
            await self._take_back(subscription)  # it was closed while it was asked for again

    async def _take_back(self, subscription: Subscription) -> None:
        """Close a subscription that the server may have although it did not answer.

        The server knows it by its inbox, too.
        """
        subject = self._state.session.sub_close_requests
        if subject:
            reply = self._server.post(subject, self._ending(subscription, subscription.inbox))
            if reply is not None:
                self._taken_back.append(reply)
        if subscription.nats_subscription is not None:
            await self._link.unsubscribe(subscription.nats_subscription)

    async def _settle_taken_back(self, deadline: float) -> None:
        """Wait for closes under way: the server handles them late, and refuses a durable as still open.

        A close that is never answered leaves the request that waits for it half of its time.
        """
        if self._taken_back:
            half = (deadline - self._loop.time()) / 2
            _, unanswered = await asyncio.wait(self._taken_back, timeout=half)
            for reply in unanswered:
                reply.cancel()
            self._taken_back.clear()

    def _ending(self, subscription: Subscription, inbox: str) -> bytes:
        return pb.UnsubscribeRequest(
            client_id=self._state.session.client_id, subject=subscription.channel, inbox=inbox
        ).SerializeToString()

    async def end(self, subscription: Subscription, unsubscribe: bool) -> None:
        """Close or unsubscribe the subscription at the server, then in the client."""
        if self._state.end_reason is not None:
            raise self._state.end_reason
        doing = (
            f"{'unsubscribe from' if unsubscribe else 'close the subscription to'} {subscription.channel!r}"
        )
        # An earlier call that was cancelled or timed out may have ended it: then the server does not know it.
        how = "unsubscribe" if unsubscribe else "close"
        done_before = bool(subscription.end_asked & {"unsubscribe", how})
        subscription.end_asked.add(how)
        reply = await self._ask_to_end(subscription, unsubscribe, doing)
        self.open.discard(subscription)
        if subscription.nats_subscription is not None:
            await self._link.unsubscribe(subscription.nats_subscription)
        if error := wire.decode(pb.SubscriptionResponse, reply).error:
            refusal = server_error(error, doing)
            if not (done_before and isinstance(refusal, InvalidSubscription)):
                subscription.end(refusal)
                raise refusal

    async def _ask_to_end(self, subscription: Subscription, unsubscribe: bool, doing: str) -> bytes:
        """Return the server's answer, about the newest registration: a renewal meanwhile makes another."""
        kind = UnsubscribeTimeout if unsubscribe else CloseTimeout
        while True:
            session, inbox = self._state.session, subscription.ack_inbox
            subject = session.unsub_requests if unsubscribe else session.sub_close_requests
            if not subject:
                raise ServerError(
                    f"{doing}: the server is too old to close a subscription; unsubscribe it", "not supported"
                )
            request = self._ending(subscription, inbox)
            reply = await self._server.ask(subject, request, doing, kind, self._server.deadline())
            if subscription.ack_inbox == inbox:
                return reply

    async def renew(self, subscription: Subscription) -> None:
        """Subscribe again, from the first message that was not processed, unless it was closed meanwhile."""
        if subscription not in self.open:
            return
        if subscription.nats_subscription is not None:
            await self._link.unsubscribe(subscription.nats_subscription)
        subscription.forget_deliveries()
        start = subscription.options.start
        if subscription.last_sequence:
            start = StartSequence(subscription.resume_at)
        elif isinstance(start, NewOnly):
            start = StartTime(subscription.since)
        try:
            await self.add(subscription, start)
        except ServerShuttingDown:
            raise  # the next server may take it
        except ServerError as error:
            log.error("subscription to %r not renewed: %s", subscription.channel, error)
            self.open.discard(subscription)
            subscription.end(error)
