"""Sites: the servers that a load's clients connect to. A load can move from one to another.

A STAN client is a `LoadClient` as it is. Whatever else a load moves to brings clients of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from stanlocal.api import FTGroup
from stanlocal.stan.start import StartPosition

if TYPE_CHECKING:
    from stanlocal.stan.client import Client

_ACK_TIMEOUT_S = 3600.0
"""Seconds for which a publish is repeated: an outage is measured, whatever its length."""


class Delivery(Protocol):
    """One delivery of a message."""

    @property
    def sequence(self) -> int: ...
    @property
    def data(self) -> bytes: ...
    @property
    def redelivered(self) -> bool: ...
    @property
    def redelivery_count(self) -> int: ...


class LoadSubscription(Protocol):
    """A subscription of a load's client; messages are acknowledged when the callback returns."""

    @property
    def channel(self) -> str: ...
    @property
    def is_open(self) -> bool: ...
    async def close(self, *, drain: bool = False) -> None: ...
    async def unsubscribe(self) -> None: ...


class LoadClient(Protocol):
    """A client as publishers and subscribers of a load use it; it raises `StanError`."""

    @property
    def client_id(self) -> str: ...
    @property
    def is_closed(self) -> bool: ...
    async def publish_async(self, channel: str, data: bytes) -> asyncio.Future[str]: ...
    async def subscribe(
        self,
        channel: str,
        callback: Callable[[Delivery], None],
        *,
        start: StartPosition,
        durable_name: str,
        queue_group: str,
        ack_wait: int,
    ) -> LoadSubscription: ...
    async def close(self) -> None: ...


class Site(Protocol):
    """A server, or a group of them, that clients of a load connect to."""

    async def client(self, name: str, index: int = 0) -> LoadClient:
        """Return the client of that name, connected; the same one each time. Raises `StanError`.

        Clients whose `index` differs are spread over the servers of the site.
        """
        ...


class GroupSite:
    """The group that a load begins on. `client_ids` is the prefix of the clients' ids."""

    def __init__(self, group: FTGroup, client_ids: str) -> None:
        self._group = group
        self._client_ids = client_ids
        self.clients: dict[str, Client] = {}
        """Clients by name."""

    async def client(self, name: str, index: int = 0) -> Client:
        if name not in self.clients:
            self.clients[name] = await self._group.connect(
                f"{self._client_ids}-{name}", first=index, reconnect=True, ack_timeout=_ACK_TIMEOUT_S
            )
        return self.clients[name]
