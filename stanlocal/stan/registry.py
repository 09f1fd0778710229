"""The subscriptions of a client at its server: made, ended, made anew."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stanlocal.stan import wire
from stanlocal.stan._pb import stan_pb2 as pb
from stanlocal.stan.errors import (
    BadReply,
    CloseTimeout,
    ConnectionInterrupted,
    InvalidSubscription,
    ServerError,
    SubscribeTimeout,
    UnsubscribeTimeout,
    server_error,
)
from stanlocal.stan.link import log
from stanlocal.stan.names import is_subject
from stanlocal.stan.start import NewOnly, StartPosition, StartSequence, StartTime
from stanlocal.stan.subscription import Subscription

if TYPE_CHECKING:
    from stanlocal.stan.connection import Connection

PAUSE = 0.02
"""Seconds before a subscription whose request was cut off is asked for again."""


class Registry:
    """Who is subscribed, and the requests that change it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._link = connection.link
        self._options = connection.options
        self._loop = asyncio.get_running_loop()
        self._taken_back: list[asyncio.Future[bytes]] = []
        self.open: set[Subscription] = set()

    async def add(self, subscription: Subscription, start: StartPosition) -> None:
        """Register the subscription at the server and let it deliver."""
        deadline = self._connection.deadline()
        while True:
            await self._settle_taken_back(deadline)
            try:
                return await self._try(subscription, start, deadline)
            except ConnectionInterrupted:
                if not self._options.retry or self._loop.time() >= deadline:
                    raise
            await asyncio.sleep(PAUSE)

    async def _try(self, subscription: Subscription, start: StartPosition, deadline: float) -> None:
        connection, options = self._connection, subscription.options
        doing = f"subscribe to {options.channel!r}"
        # Deliveries can come before the answer: the inbox listens first.
        subscription.inbox = self._link.new_inbox()
        subscription.nats_subscription = await self._link.subscribe(subscription.inbox, subscription.receive)
        try:
            request = wire.subscription_request(
                client_id=connection.session.client_id,
                channel=options.channel,
                inbox=subscription.inbox,
                start=start,
                now=datetime.now(UTC),
                queue_group=options.queue_group,
                durable_name=options.durable_name,
                max_inflight=options.max_inflight,
                ack_wait=int(options.ack_wait),
            )
            subject = connection.session.sub_requests
            reply = await connection.ask(subject, request, doing, SubscribeTimeout, deadline)
            response = wire.decode(pb.SubscriptionResponse, reply)
            if not response.error and not is_subject(response.ack_inbox):
                raise BadReply(f"{doing}: the server's answer ({len(reply)} bytes) has no ack inbox")
        except BaseException:
            await self._take_back(subscription)
            raise
        if response.error:
            await self._link.unsubscribe(subscription.nats_subscription)
            raise server_error(response.error, doing)
        subscription.registered(response.ack_inbox)
        self.open.add(subscription)

    async def _take_back(self, subscription: Subscription) -> None:
        """The server may have the subscription although we never heard: it knows it by its inbox, too."""
        request = self._ending(subscription, subscription.inbox)
        if self._connection.session.sub_close_requests and self._link.connected:
            self._taken_back.append(
                self._connection.requests.post(self._connection.session.sub_close_requests, request)
            )
        if subscription.nats_subscription is not None:
            await self._link.unsubscribe(subscription.nats_subscription)

    async def _settle_taken_back(self, deadline: float) -> None:
        """The server handles a close behind later subscriptions; a durable would be refused as open still.

        A close that is never answered leaves the request that waits for it half of its time.
        """
        if self._taken_back:
            patience = (deadline - self._loop.time()) / 2
            _, unanswered = await asyncio.wait(self._taken_back, timeout=patience)
            for reply in unanswered:
                reply.cancel()
            self._taken_back.clear()

    def _ending(self, subscription: Subscription, inbox: str) -> bytes:
        return pb.UnsubscribeRequest(
            client_id=self._connection.session.client_id, subject=subscription.channel, inbox=inbox
        ).SerializeToString()

    async def end(self, subscription: Subscription, unsubscribe: bool) -> None:
        """Close it, or unsubscribe it, at the server, then here."""
        if self._connection.lost is not None:
            raise self._connection.lost
        doing = (
            f"{'unsubscribe from' if unsubscribe else 'close the subscription to'} {subscription.channel!r}"
        )
        subject = (
            self._connection.session.unsub_requests
            if unsubscribe
            else self._connection.session.sub_close_requests
        )
        if not subject:
            raise ServerError(
                f"{doing}: the server is too old to close a subscription; unsubscribe it", "not supported"
            )
        request = self._ending(subscription, subscription.ack_inbox)
        # An earlier call that was cancelled or timed out may have done it: then it is unknown now.
        how = "unsubscribe" if unsubscribe else "close"
        done_before = bool(subscription.end_asked & {"unsubscribe", how})
        subscription.end_asked.add(how)
        kind = UnsubscribeTimeout if unsubscribe else CloseTimeout
        reply = await self._connection.ask(subject, request, doing, kind, self._connection.deadline())
        self.open.discard(subscription)
        if subscription.nats_subscription is not None:
            await self._link.unsubscribe(subscription.nats_subscription)
        if error := wire.decode(pb.SubscriptionResponse, reply).error:
            refusal = server_error(error, doing)
            if not (done_before and isinstance(refusal, InvalidSubscription)):
                subscription.end(refusal)
                raise refusal

    async def renew(self, subscription: Subscription) -> None:
        """Go on after the last message that was processed."""
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
        except ServerError as error:
            log.error("subscription to %r not renewed: %s", subscription.channel, error)
            self.open.discard(subscription)
            subscription.end(error)
