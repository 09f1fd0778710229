"""Metrics of a relay from NATS Streaming to JetStream. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


@dataclass(frozen=True, slots=True)
class RelayedChannel:
    """Figures of one channel."""

    channel: str
    stream: str
    channel_sequence: int
    """Highest sequence of the channel that was seen."""
    stream_sequence: int
    """Sequence of the stream's last message."""
    relayed: int
    repeated: int
    lost: int
    restarts: int
    waiting_s: float
    """Seconds for which the oldest message waits for the stream's confirmation; 0 where there is none."""


def families(connected: bool, interruptions: int, channels: Sequence[RelayedChannel]) -> Iterator[Metric]:
    """Yield the metric families of a relay."""
    up = GaugeMetricFamily("stanlocal_relay_up", "1 while both servers are connected.")
    up.add_metric((), connected)
    yield up
    broken = CounterMetricFamily("stanlocal_relay_interruptions", "Connections that failed.")
    broken.add_metric((), interruptions)
    yield broken
    gauges = (
        ("channel_sequence", "Highest sequence of the channel that was seen.", "channel_sequence"),
        ("stream_sequence", "Sequence of the stream's last message.", "stream_sequence"),
        ("waiting_seconds", "How long the oldest message waits to be confirmed.", "waiting_s"),
    )
    counters = (
        ("messages", "Messages that were written into the stream.", "relayed"),
        ("repeated", "Deliveries of messages that the stream had already.", "repeated"),
        ("lost", "Messages that the channel dropped before they were relayed.", "lost"),
        ("restarts", "Times that the relay's durable was made again behind the stream's end.", "restarts"),
    )
    for kind, rows in ((GaugeMetricFamily, gauges), (CounterMetricFamily, counters)):
        for name, text, field in rows:
            family = kind(f"stanlocal_relay_{name}", text, labels=("channel", "stream"))
            for each in channels:
                family.add_metric((each.channel, each.stream), getattr(each, field))
            yield family
