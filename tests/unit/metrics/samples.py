"""Answers of nodes, with the fields that metrics use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from stanlocal.history.failovers import Failover
from stanlocal.metrics.scrape import NodeScrape
from stanlocal.metrics.stanlocal_metrics import Facts
from stanlocal.model.states import GroupState, GroupStatus


def _connection(pending: int, subscriptions: int) -> dict[str, int]:
    sums = {"in_msgs": 1, "out_msgs": 2, "in_bytes": 3, "out_bytes": 4}
    return {"pending_bytes": pending, "subscriptions": subscriptions, **sums}


NATS: dict[str, dict[str, Any]] = {
    "varz": {
        "server_id": "NX",
        "server_name": "stan-0",
        "version": "2.9.24",
        "go": "go1.26",
        "tls_required": False,
        "start": "2026-11-23T04:33:39.843568123Z",
        "config_load_time": "2026-11-23T04:33:39.843568Z",
        "cluster": {"name": "stan", "cluster_port": 6222, "urls": ["stan-1:6222"]},
        "http_req_stats": {"/": 1, "/varz": 2, "/streaming/serverz": 3, "/bad metric": 4},
        "subscriptions": 94,
        **dict.fromkeys(
            (
                "connections",
                "total_connections",
                "max_connections",
                "in_msgs",
                "in_bytes",
                "out_msgs",
                "out_bytes",
            ),
            3,
        ),
    },
    "connz": {
        "num_connections": 2,
        "total": 2,
        "offset": 0,
        "limit": 1024,
        "connections": [_connection(5, 1), _connection(6, 2)],
    },
    "routez": {"server_id": "NX", "server_name": "stan-0", "num_routes": 1, "routes": []},
    "subsz": {"num_subscriptions": 94, "cache_hit_rate": 0.5},
}


def subscription(**changes: Any) -> dict[str, Any]:
    return {
        "client_id": "c1",
        "inbox": "_INBOX.a",
        "ack_inbox": "_INBOX.b",
        "is_durable": False,
        "is_offline": False,
        "max_inflight": 1024,
        "ack_wait": 30,
        "last_sent": 90,
        "pending_count": 10,
        "is_stalled": False,
        **changes,
    }


def channel(name: str = "orders", *subs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "msgs": 100,
        "bytes": 4096,
        "first_seq": 1,
        "last_seq": 100,
        "subs_count": len(subs),
        "subscriptions": list(subs),
        **changes,
    }


def active(node: str = "stan-0", *channels: dict[str, Any]) -> NodeScrape:
    server = {
        "cluster_id": "test-cluster",
        "version": "0.25.6",
        "go": "go1.26",
        "state": "FT_ACTIVE",
        "start_time": "2026-01-01T00:00:00Z",
        "clients": 1,
        "subscriptions": 1,
        "channels": len(channels),
        "total_msgs": 100,
        "total_bytes": 4096,
    }
    return NodeScrape(node, "answered", 0.01, server, channels, NATS)


def silent(node: str = "stan-1") -> NodeScrape:
    return NodeScrape(node, "silent", 0.8, {}, (), {})


def facts(*failovers: Failover) -> Facts:
    status = GroupStatus((), GroupState.HEALTHY, "stan-0", "stan-0", None)
    return Facts("stan", status, failovers, (), store_bytes=123, store_free_bytes=456)


def failover(seconds: float, cause: str = "kill") -> Failover:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    ready = began + timedelta(seconds=seconds)
    return Failover(
        cause=cause,
        from_node="stan-0",
        to_node="stan-1",
        started_at=began,
        detected_at=None,
        lock_at=None,
        recovered_at=None,
        ready_at=ready,
        first_ack_at=ready + timedelta(seconds=0.1),
    )
