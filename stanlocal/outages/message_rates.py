"""Message rates between two samples of the monitor. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stanlocal.monitor.documents import Document, readers


@dataclass(frozen=True, slots=True)
class Sample:
    """Counts at one time."""

    time: float
    """Time in seconds, of a clock that does not jump."""
    published: dict[str, int]
    """Last sequence by channel."""
    delivered: dict[str, int]
    """Sum of the subscriptions' last sent sequences by channel."""
    sent: int
    """Messages that the server has sent since it became active, including redelivered ones."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages per second."""

    published: dict[str, float]
    delivered: dict[str, float]
    """First deliveries, by channel."""
    redelivered: float
    """Deliveries on all channels beyond the first ones."""


def sample(time: float, channels: Iterable[Document], server: dict[str, Any]) -> Sample:
    """Return a sample from the monitor's documents."""
    listed = list(channels)
    sent = server.get("out_msgs")
    return Sample(
        time,
        {channel["name"]: int(channel.get("last_seq") or 0) for channel in listed},
        {channel["name"]: sum(reader.last_sent for reader in readers(channel)) for channel in listed},
        sent if isinstance(sent, int) else 0,
    )


def rates(before: Sample, after: Sample) -> Rates:
    """Return the rates between two samples; none is negative, even if the active node changed."""
    seconds = max(after.time - before.time, 1e-9)

    def per_second(old: dict[str, int], new: dict[str, int]) -> dict[str, float]:
        return {name: max(value - old.get(name, value), 0) / seconds for name, value in new.items()}

    delivered = per_second(before.delivered, after.delivered)
    beyond = (after.sent - before.sent) / seconds - sum(delivered.values())
    return Rates(per_second(before.published, after.published), delivered, max(beyond, 0.0))
