"""Registration at a STAN server: the connect request, and the answers to the server's heartbeats."""

from __future__ import annotations

import asyncio
import secrets

from stanlocal.stan.errors import ConnectionInterrupted, ConnectTimeout, ServerShuttingDown, StanError
from stanlocal.stan.link import Link
from stanlocal.stan.options import ClientOptions
from stanlocal.stan.requests import Interrupted, NoResponders, Requests
from stanlocal.stan.server_requests import no_active_server
from stanlocal.stan.session import Session, connect_request, read_connect_response

TRY = 1.0
"""Seconds one server has for the answer to a connect request while there are others to try."""

PAUSE = 0.02
"""Seconds between two connect requests."""


class Registration:
    """Registration of the client at whichever server reaches the active."""

    def __init__(self, link: Link, requests: Requests, options: ClientOptions) -> None:
        self._link = link
        self._requests = requests
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._tries = 0

    async def register(self, patient: bool) -> Session:
        """Try each server once, or with `patient` one after the other until `request_timeout` is up."""
        link = self._link
        deadline = self._loop.time() + self._options.request_timeout
        untried = link.other_urls()
        while True:
            left = deadline - self._loop.time()
            wait = min(left, TRY) if untried or patient else left
            outcome = await self._try(max(wait, 0.001))
            if isinstance(outcome, Session):
                return outcome
            left = deadline - self._loop.time()
            if left <= 0 or not (untried or patient):
                raise outcome
            untried = untried or link.other_urls()
            if untried and link.connected:
                link.move_to(untried.pop(0))
            try:
                async with asyncio.timeout(left):
                    await asyncio.sleep(PAUSE)
                    await link.wait_up()
            except TimeoutError:
                raise outcome from None

    async def _try(self, timeout: float) -> Session | StanError:
        options, link = self._options, self._link
        # Each try has a heartbeat inbox of its own: if an earlier try did register the client after all, its
        # inbox must stay silent, or the server takes it for another living client with the same id.
        self._requests.forget(f"hb{self._tries}")
        self._tries += 1
        inbox = self._requests.named_inbox(f"hb{self._tries}", self._heartbeat)
        conn_id = secrets.token_hex(11).encode()
        request = connect_request(
            options.client_id, conn_id, inbox, options.ping_interval, options.ping_max_out
        )
        try:
            subject = f"{options.discover_prefix}.{options.cluster_id}"
            reply = await self._requests.request(subject, request, timeout)
            return read_connect_response(reply, options.client_id, conn_id)
        except ServerShuttingDown as refusal:
            return refusal  # it answers until its connection to NATS ends, which is after its store
        except NoResponders:
            return no_active_server("connect", options, link)
        except TimeoutError:
            return ConnectTimeout(
                f"connect: no answer within {timeout:.3g} s from cluster id {options.cluster_id!r} behind "
                f"{link.url}; check the cluster id, and that the active node is not frozen or cut off"
            )
        except Interrupted:
            return ConnectionInterrupted(f"connect: the NATS connection to {link.url} dropped; try again")

    def _heartbeat(self, reply: str) -> None:
        if reply:
            self._link.publish(reply, b"")
