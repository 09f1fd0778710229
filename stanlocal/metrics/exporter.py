"""Metrics of the nodes' answers, named as by prometheus-nats-exporter 0.16.0 with the seed document's flags.

The flags are -connz -routez -subz -varz -channelz -serverz; all names of exporter 0.5.0 are among them. The
label `server_id` is the node's name, as with the exporter's `tag,url` arguments. Types are the exporter's
except where OpenMetrics forbids them: a counter without the suffix `_total`, or one that can decrease, is a
gauge here. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

from stanlocal.metrics.scrape import NodeScrape
from stanlocal.monitor.documents import split_queue, subscriptions_of
from stanlocal.util.timestamps import from_rfc3339

_CONNZ = ("num_connections", "offset", "total", "limit")
_CONNECTION = ("pending_bytes", "subscriptions", "in_bytes", "out_bytes", "in_msgs", "out_msgs")
"""Figures of each connection that are summed up."""
_TEXTS = frozenset(
    {"server_id", "server_name", "version", "domain", "leader", "name", "start", "config_load_time"}
)
"""Keys whose text is a metric: a time as milliseconds since 1970, any other as the label `value`."""
_SKIPPED = frozenset(
    {
        "leaf",
        "trusted_operators_claim",
        "cluster_tls_timeout",
        "cluster_cluster_port",
        "cluster_auth_timeout",
        "gateway_port",
        "gateway_auth_timeout",
        "gateway_tls_timeout",
        "gateway_connect_retries",
    }
)
"""Names that the exporter leaves out."""
_DEEPEST = 8
"""Levels of a document that are read; the servers' have three."""
_UNDERSCORES = re.compile("_+")
_METRIC_NAME = re.compile("[a-zA-Z0-9_]+")
_SERVER = {
    "bytes_total": ("total_bytes", "Total of bytes"),
    "bytes_in": ("in_bytes", "Incoming bytes"),
    "bytes_out": ("out_bytes", "Outgoing bytes"),
    "msgs_total": ("total_msgs", "Total of messages"),
    "msgs_in": ("in_msgs", "Incoming messages"),
    "msgs_out": ("out_msgs", "Outgoing messages"),
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
_CHANNEL_LABELS = ("server_id", "server_role", "channel")
_SUBSCRIPTION_LABELS = (
    *_CHANNEL_LABELS,
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
    """Yield a family for each figure in the NATS server's documents, named by the path of its key."""
    found: dict[str, GaugeMetricFamily] = {}
    for scrape in scrapes:
        for endpoint, document in scrape.nats.items():
            for key, value, text in _figures(endpoint, document):
                name = f"gnatsd_{endpoint}_{key}"
                labels = ("server_id",) if text is None else ("server_id", "value")
                family = found.setdefault(name, GaugeMetricFamily(name, key, labels=labels))
                family.add_metric((scrape.node,) if text is None else (scrape.node, text), value)
    yield from found.values()


_Figure = tuple[str, float, str | None]
"""Name, value, and the text of the label `value`, if there is one."""


def _figures(endpoint: str, document: Mapping[str, Any]) -> Iterator[_Figure]:
    if endpoint != "connz":
        yield from _flattened(document, ())
        return
    connections = document.get("connections")
    listed = [each for each in connections if isinstance(each, dict)] if isinstance(connections, list) else []
    yield from ((key, _figure(document, key), None) for key in _CONNZ)
    yield from ((key, sum(_figure(each, key) for each in listed), None) for key in _CONNECTION)


def _flattened(document: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[_Figure]:
    """Yield the figures at any depth, named by their keys joined with underscores."""
    for key, value in document.items():
        path = (*above, key)
        name = _UNDERSCORES.sub("_", "_".join(path).replace("/", "_")).strip("_")
        if name in _SKIPPED or not _METRIC_NAME.fullmatch(name):
            continue
        if isinstance(value, Mapping):
            if len(path) < _DEEPEST:
                yield from _flattened(value, path)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value, None
        elif isinstance(value, str) and key in _TEXTS:
            time = _milliseconds(value)
            yield (name, 1, value) if time is None else (name, time, None)


def _milliseconds(text: str) -> float | None:
    """Return a time as milliseconds since 1970; None for other text."""
    try:
        return int(from_rfc3339(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


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
    channels = [
        ((scrape.node, str(scrape.server.get("role") or ""), channel["name"]), channel)
        for scrape in scrapes
        for channel in scrape.channels
    ]
    for name, (key, text) in _CHANNEL.items():
        family = GaugeMetricFamily(f"nss_chan_{name}", text, labels=_CHANNEL_LABELS)
        for at, channel in channels:
            family.add_metric(at, _figure(channel, key))
        yield family
    rows = [
        ((*at, *_labels(sub)), sub) for at, channel in channels for sub in subscriptions_of(dict(channel))
    ]
    for name, (key, text) in _SUBSCRIPTION.items():
        family = GaugeMetricFamily(f"nss_chan_subs_{name}", text, labels=_SUBSCRIPTION_LABELS)
        for labels, sub in rows:
            family.add_metric(labels, _figure(sub, key))
        yield family


def _labels(sub: Mapping[str, Any]) -> tuple[str, ...]:
    durable, queue = split_queue(dict(sub))
    return (
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
