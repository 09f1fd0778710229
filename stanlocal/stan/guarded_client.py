"""`GuardedClient`: nats-py's client as the STAN client has it. `nats_adapter` says what it relies on."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from typing import Any

from nats.aio.client import Client as NatsClient
from nats.aio.client import Srv
from nats.errors import Error as NatsError

from stanlocal.stan.options import Addresses
from stanlocal.stan.parser import DirectParser, NotNats

log = logging.getLogger(__name__)

POOL = 256
"""Servers that are remembered at most: those given, and those that servers name as their cluster's."""

MAX_PAYLOAD = 2**31
"""Bound of the `max_payload` that a server may state: NATS keeps it in 32 bits."""

RawHandler = Callable[[bytes, bytes, bytes, bytes], None]
"""Takes subject, payload, reply subject, and the headers as they are; empty without headers."""


class GuardedClient(NatsClient):
    """A nats-py client that no server can stop in silence, and that reads through `DirectParser`."""

    def __init__(self, addresses: Addresses) -> None:
        super().__init__()
        self.addresses = addresses
        self.parser = DirectParser(self)
        self.raw_handlers: dict[int, RawHandler] = {}
        self._ps = self.parser  # type: ignore[assignment] # nats-py asks only for parse and reset

    # What the parser hands on

    async def take_ping(self) -> None:
        await self._process_ping()

    async def take_pong(self) -> None:
        await self._process_pong()

    async def take_info(self, info: Any) -> None:
        await self._process_info(info)

    async def take_error(self, text: str) -> None:
        await self._process_err(text)

    async def take_message(
        self, number: int, subject: bytes, reply: bytes, payload: bytes, headers: bytes
    ) -> None:
        raw = self.raw_handlers.get(number)
        if raw is not None:
            raw(subject, payload, reply, headers)
        else:
            await self._process_msg(number, subject, reply, payload, headers)

    # Where nats-py connects to

    async def _connect_to_server(self, s: Srv) -> None:
        """Connect to the server's address, if one is given for it; TLS checks its URL's host all the same."""
        address = self.addresses.get(s.uri.netloc.rpartition("@")[2])
        if address is None:
            await super()._connect_to_server(s)
            return
        s.last_attempt = time.monotonic()
        host, port = address
        await super()._connect_to_server(Srv(s.uri._replace(netloc=f"{host}:{port}")))

    # What nats-py does with an INFO

    async def _process_connect_init(self) -> None:
        try:
            await super()._process_connect_init()
            self._let_tls_end()
        except ssl.SSLError:
            self._drop_transport()
            raise
        except (NatsError, OSError, TimeoutError):
            raise
        except Exception as error:  # whatever the server sent to cause it
            raise NotNats(f"nats: the server sent no usable INFO: {error!r}") from error

    def _drop_transport(self) -> None:
        """Cut a connection off whose TLS handshake has failed.

        nats-py would wait for ever for its end, and try no other server.
        """
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.abort()
        self._transport = None

    def _let_tls_end(self) -> None:
        """Keep asyncio from a warning at the end of a TLS connection: nats-py does not name it as such."""
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None and writer.get_extra_info("ssl_object") is not None:
            writer.transport.get_protocol()._over_ssl = True

    async def _process_info(self, info: Any, initial_connection: bool = False) -> None:
        if not isinstance(info, dict):
            raise NotNats("nats: INFO is not an object")
        limit = info.get("max_payload", 1)
        if type(limit) is not int or not 0 < limit < MAX_PAYLOAD:
            raise NotNats(f"nats: INFO with max_payload {limit!r:.40}")
        urls = info.get("connect_urls") or []
        if not (isinstance(urls, list) and all(isinstance(url, str) for url in urls)):
            raise NotNats("nats: INFO with connect_urls that are no list of texts")
        if self.addresses:  # those that the server names are as far from here as it is itself
            urls = []
        room = max(0, POOL - len(self._server_pool))
        await super()._process_info({**info, "connect_urls": urls[:room]}, initial_connection)

    async def _attempt_reconnect(self) -> None:
        try:
            await super()._attempt_reconnect()
        except Exception as error:  # no one awaits this task: without this the client would wait for ever
            log.error("reconnecting to NATS failed", exc_info=error)
            self._err = error
            await self.close()
