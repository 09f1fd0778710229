"""The load of a drill: publishers and subscribers on a group, and a ledger of all they do and see."""

from __future__ import annotations

from dataclasses import dataclass

from stanlocal.api import FTGroup
from stanlocal.drill.ledger import Ledger
from stanlocal.drill.spec import Kind


@dataclass(frozen=True, slots=True)
class LoadStats:
    """What a load has come to; rates are per second, over the last second, outages in seconds."""

    published: int = 0
    acked: int = 0
    failed: int = 0
    """Refused, or given up without an answer."""
    delivered: int = 0
    ack_rate: float = 0.0
    delivery_rate: float = 0.0
    outage: float = 0.0
    """For how long now something is published and nothing acknowledged; 0 while acks come."""
    worst_outage: float = 0.0
    missing: int = 0
    """Acknowledged, and not yet delivered to everyone who has to get them."""


class Load:
    """The load that the ledger's header asks for, on a group that is up.

    `client_ids` begins every client id, and durable and queue names: it must be new to the group.
    What happens to clients while it runs is told to the ledger and never raised; `failure` has what
    ended it before its time.
    """

    def __init__(self, group: FTGroup, ledger: Ledger, *, client_ids: str) -> None:
        raise NotImplementedError

    @property
    def failure(self) -> BaseException | None:
        """Why the load cannot go on: the ledger's disk is full, a client is lost for good."""
        raise NotImplementedError

    async def start(self) -> None:
        """Returns once every subscriber is subscribed and the publishers are at work.

        Raises `StanError` when a client cannot be connected; then nothing is left open. Cancelled: likewise.
        """
        raise NotImplementedError

    def stats(self) -> LoadStats:
        """What it has come to, from counters: cheap."""
        raise NotImplementedError

    async def stop_publishers(self) -> None:
        """Publishes no more, until `start_publishers`; returns once every message has its answer."""
        raise NotImplementedError

    def start_publishers(self) -> None:
        """Publishes again."""
        raise NotImplementedError

    async def stop_subscribers(self, kind: Kind) -> None:
        """Closes the subscriptions of that kind; what is published meanwhile they still have to get."""
        raise NotImplementedError

    async def start_subscribers(self, kind: Kind) -> None:
        """Subscribes again where they stopped."""
        raise NotImplementedError

    async def stop(self, drain: float) -> None:
        """Ends the load, and puts on record whether everybody got everything.

        Publishers end; subscribers have `drain` seconds until nothing acknowledged is missing; then
        the channels are read once more from their beginning (the audit), with `drain` seconds as well;
        all clients are closed. The group should be healed before. Stopping again does nothing.
        Cancelled, it closes the clients and notes that deliveries had no time to come.
        """
        raise NotImplementedError
