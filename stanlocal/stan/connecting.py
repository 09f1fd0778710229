"""`connect`: from URLs and options to a registered client."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine, Generator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Unpack

from stanlocal.stan.client import Client, LostCallback
from stanlocal.stan.connection import Connection
from stanlocal.stan.errors import InvalidOption
from stanlocal.stan.link import Link
from stanlocal.stan.options import DEFAULT_URL, Addresses, ClientOptions, NatsOptions, timeouts

if TYPE_CHECKING:
    from nats.aio.client import Client as NatsClient


class Connecting:
    """A client to be: await it, or use it with ``async with``, which closes the client again."""

    def __init__(self, start: Callable[[], Coroutine[Any, Any, Client]]) -> None:
        self._start = start
        self._client: Client | None = None

    def __await__(self) -> Generator[Any, None, Client]:
        return self._start().__await__()

    async def __aenter__(self) -> Client:
        self._client = await self
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._client is not None
        await self._client.__aexit__(kind, error, trace)


def connect(
    servers: str | Sequence[str] | None = None,
    *,
    cluster_id: str,
    client_id: str | None = None,
    nats: NatsClient | None = None,
    request_timeout: float | None = None,
    ack_timeout: float = 30.0,
    max_pub_acks_inflight: int = 16384,
    ping_interval: int = 5,
    ping_max_out: int = 88,
    retry: bool = False,
    reconnect: bool = False,
    allow_close_retry: bool = False,
    served_channels: Sequence[str] | None = None,
    addresses: Addresses | None = None,
    next_timeout: float | None = None,
    on_connection_lost: LostCallback | None = None,
    discover_prefix: str = "_STAN.discover",
    ack_prefix: str = "_STAN.acks",
    **nats_options: Unpack[NatsOptions],
) -> Connecting:
    """Connect to a STAN server: ``await connect(...)``, or ``async with connect(...) as client``.

    `servers`: one URL, several (also comma separated), or none for nats://127.0.0.1:4222; give every
    node's of an FT group. Or `nats`: an open nats-py client, which stays open. Without `client_id` the client
    has a random one. Other keywords go to nats-py's `connect`: `tls`, `user`, `password`, `token`,
    `nkeys_seed`, `user_credentials`, …

    `request_timeout`: seconds for connecting, subscribing and closing; 2, or with `retry` 10 (closing 2).
    `ack_timeout`: seconds for a publish. `max_pub_acks_inflight`: messages that may be unacknowledged.
    `ping_interval` (seconds) and `ping_max_out`: when the server has not answered more pings than
    that in a row, the client is lost. `retry`: see `Client.publish`; connecting and subscribing wait
    for an active server, too, unless the login is refused. `reconnect`: when the server no longer knows the
    client (its data is gone, or it gave the client up), register again and subscribe from the last message
    processed, instead of being lost; where its data is gone, what others published before that is not
    delivered.
    `on_connection_lost`: called once with the client and the reason when it is lost, not when it is
    closed. `allow_close_retry`: see `Client.close`. `served_channels`: for servers with partitioning, the
    names in their `store_limits.channels`; other channels are then refused at once (`NoConfiguredChannel`),
    where such a server never answers. `addresses`: for servers that are reached another way than by their
    URLs, such as a forwarded port: the (host, port) to connect to, by `host:port` of the URL. TLS goes on
    checking the URL's host, and servers that a server names besides are not tried. `next_timeout`: seconds
    that the iteration of a subscription waits for a message before it raises `MessageTimeout`; without it, as
    long as it takes.

    The connection to NATS is kept for as long as it takes, and moved to a server that reaches the
    active. Raises `InvalidName`, `InvalidOption`, `ConnectFailed` (no NATS server accepts the client),
    `NoActiveServer` (wrong cluster id, no active node, or plain NATS), `ConnectTimeout`,
    `ClientIDInUse`. Cancelled or failed, it leaves nothing open.
    """
    request_timeout, close_timeout = timeouts(request_timeout, retry)
    options = ClientOptions(
        cluster_id=cluster_id,
        client_id=f"client-{secrets.token_hex(8)}" if client_id is None else client_id,
        request_timeout=request_timeout,
        close_timeout=close_timeout,
        ack_timeout=ack_timeout,
        max_pub_acks_inflight=max_pub_acks_inflight,
        ping_interval=ping_interval,
        ping_max_out=ping_max_out,
        discover_prefix=discover_prefix,
        ack_prefix=ack_prefix,
        retry=retry,
        reconnect=reconnect,
        allow_close_retry=allow_close_retry,
        served_channels=served_channels,
        next_timeout=next_timeout,
        addresses=addresses or {},
        nats_options=nats_options,
    )
    if nats is not None and (servers is not None or addresses or nats_options):
        raise InvalidOption("connect: give either servers and their options, or nats, an open client")
    return Connecting(lambda: _connect(_urls(servers), nats, options, on_connection_lost))


async def _connect(
    urls: list[str], nats: NatsClient | None, options: ClientOptions, on_lost: LostCallback | None
) -> Client:
    if nats is not None:
        link = Link.borrow(nats)
    else:
        nats_options = {"name": options.client_id, **options.nats_options}
        link = await Link.open(urls, nats_options, options.request_timeout, options.retry, options.addresses)
    return Client(await Connection.open(link, options), on_lost)


def _urls(servers: str | Sequence[str] | None) -> list[str]:
    if servers is None:
        return [DEFAULT_URL]
    urls = [url.strip() for url in servers.split(",")] if isinstance(servers, str) else list(servers)
    if not urls or not all(urls):
        raise InvalidOption(f"servers {servers!r}: give at least one URL, and no empty one")
    return urls
