"""What happened between two looks at the monitor, in messages per second. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stanlocal.monitor.shape import Document, readers


@dataclass(frozen=True, slots=True)
class Sample:
    """One look."""

    time: float
    """Seconds, of any clock that does not jump."""
    published: dict[str, int]
    """Each channel's last sequence."""
    delivered: dict[str, int]
    """Each channel's sum of its readers' last sent sequences."""
    sent: int
    """Messages that the server has sent since it is active, redelivered ones among them."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Per second."""

    published: dict[str, float]
    delivered: dict[str, float]
    """For the first time."""
    redelivered: float
    """On all channels together: what was sent beyond what was sent for the first time."""


def sample(time: float, channels: Iterable[Document], server: dict[str, Any]) -> Sample:
    """What the rates are computed from."""
    listed = list(channels)
    sent = server.get("out_msgs")
    return Sample(
        time,
        {channel["name"]: int(channel.get("last_seq") or 0) for channel in listed},
        {channel["name"]: sum(reader.last_sent for reader in readers(channel)) for channel in listed},
        sent if isinstance(sent, int) else 0,
    )


def rates(before: Sample, after: Sample) -> Rates:
    """From one look to a later one; nothing is negative, also when a reader or the active node changed."""
    seconds = max(after.time - before.time, 1e-9)

    def per_second(old: dict[str, int], new: dict[str, int]) -> dict[str, float]:
        return {name: max(value - old.get(name, value), 0) / seconds for name, value in new.items()}

    delivered = per_second(before.delivered, after.delivered)
    beyond = (after.sent - before.sent) / seconds - sum(delivered.values())
    return Rates(per_second(before.published, after.published), delivered, max(beyond, 0.0))
