"""A Grafana dashboard for the metrics of `stanlocal metrics`. Pure.

The panels of the exporter's metrics work with production's own sidecars too: there, `server_id` is each
pod's monitor instead of the node's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

FILE = "stanlocal-dashboard.json"

_WIDTH, _HEIGHT = 12, 8
_COLUMNS = 24
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    queries: Sequence[tuple[str, str]]
    """PromQL expressions, each with the legend of its series."""
    unit: str = "short"
    kind: str = "timeseries"


_PANELS = (
    _Panel(
        "Node states", [('stanlocal_node_state{group=~"$group"} == 1', "{{node}} {{state}}")], kind="table"
    ),
    _Panel(
        "Active node",
        [("nss_server_active", "{{server_id}}")],
        kind="state-timeline",
    ),
    _Panel(
        "Failovers in the last hour",
        [('sum by (cause) (increase(stanlocal_failovers_total{group=~"$group"}[1h]))', "{{cause}}")],
        kind="stat",
    ),
    _Panel(
        "Failover time, 95th percentile",
        [
            (
                "histogram_quantile(0.95, sum by (le) "
                '(rate(stanlocal_failover_seconds_bucket{group=~"$group"}[1h])))',
                "until ready",
            ),
            (
                "histogram_quantile(0.95, sum by (le) "
                '(rate(stanlocal_outage_seconds_bucket{group=~"$group"}[1h])))',
                "until acknowledged",
            ),
        ],
        unit="s",
    ),
    _Panel(
        "Published per second", [("sum by (channel) (rate(nss_chan_last_seq[1m]))", "{{channel}}")], "ops"
    ),
    _Panel("Messages kept", [("sum by (channel) (nss_chan_msgs_total)", "{{channel}}")]),
    _Panel(
        "Sent, not acknowledged",
        [
            (
                "sum by (channel, client_id, durable_name, queue_name) (nss_chan_subs_pending_count)",
                "{{channel}} {{client_id}} {{durable_name}} {{queue_name}}",
            )
        ],
    ),
    _Panel(
        "Messages that wait for each reader",
        [
            (
                "max by (channel) (nss_chan_last_seq) - on (channel) group_right () "
                "max by (channel, client_id, durable_name, queue_name) (nss_chan_subs_last_sent)",
                "{{channel}} {{client_id}} {{durable_name}} {{queue_name}}",
            )
        ],
    ),
    _Panel(
        "Durables without a reader",
        [
            (
                'nss_chan_subs_pending_count{is_durable="true",is_offline="true"}',
                "{{channel}} {{client_id}} {{durable_name}} {{queue_name}}",
            )
        ],
        kind="table",
    ),
    _Panel("Clients", [("nss_server_clients", "{{server_id}}")]),
    _Panel(
        "Store",
        [
            ('stanlocal_store_bytes{group=~"$group"}', "{{group}} used"),
            ('stanlocal_store_free_bytes{group=~"$group"}', "{{group}} free on the disk"),
        ],
        "bytes",
    ),
    _Panel("Faults in force", [('stanlocal_faults_in_force{group=~"$group"}', "{{fault}}")]),
    _Panel(
        "NATS traffic",
        [
            ("rate(gnatsd_varz_in_bytes[1m])", "{{server_id}} in"),
            ("rate(gnatsd_varz_out_bytes[1m])", "{{server_id}} out"),
        ],
        "Bps",
    ),
    _Panel("Routes", [("gnatsd_routez_num_routes", "{{server_id}}")]),
)


def dashboard() -> str:
    """Return the dashboard as JSON, to be imported or provisioned."""
    return json.dumps(
        {
            "title": "NATS Streaming FT group",
            "uid": "stanlocal",
            "tags": ["nats", "nats-streaming", "stanlocal"],
            "schemaVersion": 39,
            "version": 1,
            "editable": True,
            "refresh": "5s",
            "time": {"from": "now-15m", "to": "now"},
            "templating": {"list": list(_variables())},
            "panels": [_panel(number, panel) for number, panel in enumerate(_PANELS)],
        },
        indent=2,
    )


def queries() -> list[str]:
    """Return every PromQL expression of the dashboard."""
    return [query for panel in _PANELS for query, _ in panel.queries]


def _variables() -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    yield {
        "name": "group",
        "label": "Group",
        "type": "query",
        "datasource": _SOURCE,
        "query": "label_values(stanlocal_group_state, group)",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
    }


def _panel(number: int, panel: _Panel) -> dict[str, Any]:
    instant = panel.kind in ("table", "stat")
    return {
        "id": number + 1,
        "title": panel.title,
        "type": panel.kind,
        "datasource": _SOURCE,
        "gridPos": {
            "x": number * _WIDTH % _COLUMNS,
            "y": number * _WIDTH // _COLUMNS * _HEIGHT,
            "w": _WIDTH,
            "h": _HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": _SOURCE,
                "expr": query,
                "legendFormat": legend,
                "instant": instant,
                "range": not instant,
                "format": "table" if panel.kind == "table" else "time_series",
            }
            for place, (query, legend) in enumerate(panel.queries)
        ],
    }
