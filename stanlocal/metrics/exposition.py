"""Metric families as text, in the format that the scraper accepts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry


@dataclass(frozen=True, slots=True, eq=False)
class _Ready(Collector):
    """A collector of metrics that are made already."""

    metrics: tuple[Metric, ...]

    def collect(self) -> Iterator[Metric]:
        yield from self.metrics


def render(metrics: Iterable[Metric], accept: str = "") -> tuple[bytes, str]:
    """Render the text and its content type: OpenMetrics where `accept` names it, else Prometheus's own."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Ready(tuple(metrics)))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
