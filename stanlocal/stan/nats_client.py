"""nats-py's client, guarded against a server that does not speak NATS.

nats-py ends its connecting and reconnecting in silence, or with an error of Python's own, when a server
sends an `INFO` that is no NATS server's. Here each such case is a `NotNats`, which nats-py handles as
any failed connection.
"""

from __future__ import annotations

import logging
from typing import Any

from nats.aio.client import Client as NatsClient
from nats.errors import Error as NatsError

from stanlocal.stan.parser import DirectParser, NotNats

log = logging.getLogger(__name__)

POOL = 256
"""Servers that are remembered at most: those given, and those that servers name as their cluster's."""

MAX_PAYLOAD = 2**31
"""Largest `max_payload` that a server may state: NATS keeps it in 32 bits."""


class GuardedClient(NatsClient):
    """A NATS client that survives any server."""

    def __init__(self) -> None:
        super().__init__()
        self.parser = DirectParser(self)
        self._ps = self.parser  # type: ignore[assignment] # all that is asked of it: parse and reset

    async def _process_connect_init(self) -> None:
        try:
            await super()._process_connect_init()
        except (NatsError, OSError, TimeoutError):
            raise
        except Exception as error:  # whatever the server sent to cause it
            raise NotNats(f"nats: the server sent no usable INFO: {error!r}") from error

    async def _process_info(self, info: Any, initial_connection: bool = False) -> None:
        if not isinstance(info, dict):
            raise NotNats("nats: INFO is not an object")
        limit = info.get("max_payload", 1)
        if type(limit) is not int or not 0 < limit < MAX_PAYLOAD:
            raise NotNats(f"nats: INFO with max_payload {limit!r:.40}")
        urls = info.get("connect_urls") or []
        if not (isinstance(urls, list) and all(isinstance(url, str) for url in urls)):
            raise NotNats("nats: INFO with connect_urls that are no list of texts")
        room = max(0, POOL - len(self._server_pool))
        await super()._process_info({**info, "connect_urls": urls[:room]}, initial_connection)

    async def _attempt_reconnect(self) -> None:
        try:
            await super()._attempt_reconnect()
        except Exception as error:  # the task has no one who awaits it: without this the client would hang
            log.error("reconnecting to NATS failed", exc_info=error)
            self._err = error
            await self.close()
