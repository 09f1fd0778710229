"""Metrics of the nodes' answers, named as by prometheus-nats-exporter 0.5.0 with the seed document's flags.

The flags are -connz -routez -subz -varz -channelz -serverz. The label `server_id` is the node's name, as with
the exporter's `tag,url` arguments. Types are the exporter's except where OpenMetrics forbids them: a
counter without the suffix `_total`, or one that can decrease, is a gauge here. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

from stanlocal.metrics.scrape import NodeScrape
from stanlocal.monitor.documents import split_queue, subscriptions_of

_CONNZ = ("num_connections", "offset", "total", "limit")
_SERVER = {
    "bytes_total": ("total_bytes", "Total of bytes"),
    "msgs_total": ("total_msgs", "Total of messages"),
    "channels": ("channels", "Total channels"),
    "subscriptions": ("subscriptions", "Total subscriptions"),
    "clients": ("clients", "Total clients"),
}
_INFO = {
    "cluster_id": "cluster_id",
    "version": "version",
    "go_version": "go",
    "state": "state",
    "role": "role",
    "start_time": "start_time",
}
"""Keys of the server's document by label of `nss_server_info`."""
_CHANNEL = {
    "bytes_total": ("bytes", "Total of bytes"),
    "msgs_total": ("msgs", "Total of messages"),
    "last_seq": ("last_seq", "Last seq"),
}
_SUBSCRIPTION = {
    "last_sent": ("last_sent", "Last message sent"),
    "pending_count": ("pending_count", "Pending message count"),
    "max_inflight": ("max_inflight", "Max in flight message count"),
}
_SUBSCRIPTION_LABELS = (
    "server_id",
    "channel",
    "client_id",
    "inbox",
    "queue_name",
    "is_durable",
    "is_offline",
    "durable_name",
)


def families(scrapes: Sequence[NodeScrape]) -> Iterator[Metric]:
    """Yield the metric families of these answers."""
    yield from _nats(scrapes)
    yield from _server(scrapes)
    yield from _channels(scrapes)


def _nats(scrapes: Sequence[NodeScrape]) -> Iterator[Metric]:
    """Every figure at the top of a document of the NATS server, under its own name."""
    found: dict[str, GaugeMetricFamily] = {}
    for scrape in scrapes:
        for endpoint, document in scrape.nats.items():
            for key, value in _figures(endpoint, document):
                name = f"gnatsd_{endpoint}_{key}"
                family = found.setdefault(name, GaugeMetricFamily(name, key, labels=("server_id",)))
                family.add_metric((scrape.node,), value)
    yield from found.values()


def _figures(endpoint: str, document: Mapping[str, Any]) -> Iterable[tuple[str, float]]:
    if endpoint != "connz":
        return [(key, value) for key, value in document.items() if _is_figure(key, value)]
    connections = document.get("connections")
    listed = connections if isinstance(connections, list) else []
    pending = sum(_figure(each, "pending_bytes") for each in listed if isinstance(each, dict))
    return [*((key, _figure(document, key)) for key in _CONNZ), ("pending_bytes", pending)]


def _is_figure(key: str, value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and key.isidentifier()
        and key.isascii()
    )


def _server(scrapes: Sequence[NodeScrape]) -> Iterator[Metric]:
    answered = [scrape for scrape in scrapes if scrape.server]
    for name, (key, text) in _SERVER.items():
        family = GaugeMetricFamily(f"nss_server_{name}", text, labels=("server_id",))
        for scrape in answered:
            family.add_metric((scrape.node,), _figure(scrape.server, key))
        yield family
    active = GaugeMetricFamily("nss_server_active", "Active server", labels=("server_id",))
    info = GaugeMetricFamily("nss_server_info", "Info", labels=("server_id", *_INFO))
    for scrape in answered:
        active.add_metric((scrape.node,), scrape.server.get("state") == "FT_ACTIVE")
        values = [str(scrape.server.get(key) or "") for key in _INFO.values()]
        info.add_metric((scrape.node, *values), 1)
    yield active
    yield info


def _channels(scrapes: Sequence[NodeScrape]) -> Iterator[Metric]:
    channels = [(scrape.node, channel) for scrape in scrapes for channel in scrape.channels]
    for name, (key, text) in _CHANNEL.items():
        family = GaugeMetricFamily(f"nss_chan_{name}", text, labels=("server_id", "channel"))
        for node, channel in channels:
            family.add_metric((node, channel["name"]), _figure(channel, key))
        yield family
    rows = [
        (_labels(node, channel, sub), sub)
        for node, channel in channels
        for sub in subscriptions_of(dict(channel))
    ]
    for name, (key, text) in _SUBSCRIPTION.items():
        family = GaugeMetricFamily(f"nss_chan_subs_{name}", text, labels=_SUBSCRIPTION_LABELS)
        for labels, sub in rows:
            family.add_metric(labels, _figure(sub, key))
        yield family


def _labels(node: str, channel: Mapping[str, Any], sub: Mapping[str, Any]) -> tuple[str, ...]:
    durable, queue = split_queue(dict(sub))
    return (
        node,
        channel["name"],
        str(sub.get("client_id") or ""),
        str(sub.get("inbox") or ""),
        queue,
        _boolean(sub.get("is_durable")),
        _boolean(sub.get("is_offline")),
        durable,
    )


def _boolean(value: Any) -> str:
    return "true" if value is True else "false"


def _figure(document: Mapping[str, Any], key: str) -> float:
    value = document.get(key)
    return value if isinstance(value, int | float) else 0
