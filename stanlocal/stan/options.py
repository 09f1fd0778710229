"""Options of a client and of a subscription, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from stanlocal.stan import names
from stanlocal.stan.errors import InvalidOption
from stanlocal.stan.start import NEW_ONLY, StartPosition

if TYPE_CHECKING:
    import ssl

DEFAULT_URL = "nats://127.0.0.1:4222"

Addresses = Mapping[str, tuple[str, int]]
"""Host and port to connect to instead of those of a URL, by the URL's `host:port`."""


class NatsOptions(TypedDict, total=False):
    """Options that `connect` hands to nats-py, whose documentation describes them."""

    name: str
    tls: ssl.SSLContext
    tls_hostname: str
    tls_handshake_first: bool
    user: str | Callable[[], str]
    password: str | Callable[[], str]
    token: str | Callable[[], str]
    user_credentials: str | Path | tuple[str, str]
    nkeys_seed: str
    nkeys_seed_str: str
    signature_cb: Callable[[str], bytes]
    user_jwt_cb: Callable[[], bytes | bytearray]
    inbox_prefix: str | bytes
    connect_timeout: float
    drain_timeout: float
    flush_timeout: float
    max_outstanding_pings: int
    flusher_queue_size: int
    ws_connection_headers: dict[str, list[str]]
    allow_reconnect: bool
    no_echo: bool
    pedantic: bool
    verbose: bool
    skip_subject_validation: bool
    discovered_server_cb: Callable[[], Awaitable[None]]
    lame_duck_mode_cb: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """A client's options. Defaults are the Go client's where it has one; all times in seconds."""

    cluster_id: str
    client_id: str
    request_timeout: float = 2.0
    close_timeout: float = 2.0
    ack_timeout: float = 30.0
    max_pub_acks_inflight: int = 16384
    ping_interval: int = 5
    ping_max_out: int = 88
    discover_prefix: str = "_STAN.discover"
    ack_prefix: str = "_STAN.acks"
    retry: bool = False
    reconnect: bool = False
    allow_close_retry: bool = False
    served_channels: Sequence[str] | None = None
    next_timeout: float | None = None
    addresses: Addresses = field(default_factory=dict)
    nats_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names.check_client_id(self.client_id)
        names.check_cluster_id(self.cluster_id)
        _at_least("ack_timeout", self.ack_timeout, 0.001)
        _at_least("max_pub_acks_inflight", self.max_pub_acks_inflight, 1)
        _at_least("ping_interval", self.ping_interval, 1)
        _at_least("ping_max_out", self.ping_max_out, 2)
        _at_least("request_timeout", self.request_timeout, 0.001)
        _at_least("close_timeout", self.close_timeout, 0.001)
        if self.next_timeout is not None:
            _at_least("next_timeout", self.next_timeout, 0.001)


def timeouts(given: float | None, retry: bool) -> tuple[float, float]:
    """Return request and close timeout in seconds: as given, else 2, and with `retry` 10 for requests.

    Ten seconds are enough for a failover; a client that closes does not wait for one.
    """
    if given is not None:
        return given, given
    return 10.0 if retry else 2.0, 2.0


@dataclass(frozen=True, slots=True)
class SubscriptionOptions:
    """A subscription's options. `ack_wait` is in whole seconds, as in the protocol."""

    channel: str
    start: StartPosition = NEW_ONLY
    durable_name: str = ""
    queue_group: str = ""
    manual_ack: bool = False
    ack_wait: int = 30
    max_inflight: int = 1024
    next_timeout: float | None = None

    def __post_init__(self) -> None:
        names.check_channel(self.channel)
        names.check_durable(self.durable_name, self.queue_group)
        _at_least("ack_wait", self.ack_wait, 1)
        _at_least("max_inflight", self.max_inflight, 1)
        if self.next_timeout is not None:
            _at_least("next_timeout", self.next_timeout, 0.001)
        if self.ack_wait != int(self.ack_wait):
            raise InvalidOption(f"ack_wait {self.ack_wait} s is not whole: the protocol has whole seconds")
        if not isinstance(self.start, StartPosition):
            raise InvalidOption(f"start {self.start!r} is not a start position: use for example DeliverAll()")


def _at_least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise InvalidOption(f"{name} {value} is too small: use {least:g} or more")
