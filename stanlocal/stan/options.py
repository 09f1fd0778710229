"""What a client and a subscription can be told, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stanlocal.stan import names
from stanlocal.stan.errors import InvalidOption, StanError
from stanlocal.stan.start import NEW_ONLY, StartPosition

if TYPE_CHECKING:
    from stanlocal.stan.client import Client

DEFAULT_URL = "nats://127.0.0.1:4222"

LostCallback = Callable[["Client", StanError], Awaitable[None] | None]
"""Told once that a client is gone for good, and why. Not called on the owner's own `close()`."""


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """A client's options. Defaults are the Go client's where it has one; all times in seconds."""

    cluster_id: str
    client_id: str
    request_timeout: float | None = None
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
    on_connection_lost: LostCallback | None = None
    nats_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names.check_client_id(self.client_id)
        names.check_cluster_id(self.cluster_id)
        _at_least("ack_timeout", self.ack_timeout, 0.001)
        _at_least("max_pub_acks_inflight", self.max_pub_acks_inflight, 1)
        _at_least("ping_interval", self.ping_interval, 1)
        _at_least("ping_max_out", self.ping_max_out, 2)
        if self.request_timeout is not None:
            _at_least("request_timeout", self.request_timeout, 0.001)

    @property
    def patience(self) -> float:
        """How long a request may take: 2 s, or with `retry` 10 s, enough for a failover."""
        if self.request_timeout is not None:
            return self.request_timeout
        return 10.0 if self.retry else 2.0

    @property
    def parting(self) -> float:
        """How long closing may take: 2 s unless told otherwise; who leaves does not wait for a failover."""
        return self.request_timeout or 2.0


@dataclass(frozen=True, slots=True)
class SubscriptionOptions:
    """A subscription's options. `ack_wait` is in whole seconds, as the protocol has it."""

    channel: str
    start: StartPosition = NEW_ONLY
    durable_name: str = ""
    queue_group: str = ""
    manual_ack: bool = False
    ack_wait: int = 30
    max_inflight: int = 1024

    def __post_init__(self) -> None:
        names.check_channel(self.channel)
        names.check_durable(self.durable_name, self.queue_group)
        _at_least("ack_wait", self.ack_wait, 1)
        _at_least("max_inflight", self.max_inflight, 1)
        if self.ack_wait != int(self.ack_wait):
            raise InvalidOption(f"ack_wait {self.ack_wait} s is not whole: the protocol has whole seconds")
        if not isinstance(self.start, StartPosition):
            raise InvalidOption(f"start {self.start!r} is not a start position: use for example DeliverAll()")


def _at_least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise InvalidOption(f"{name} {value} is too small: use {least:g} or more")
