"""The group document: what `up`, `status` and every node command print with `--json`; its meaning. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from stanlocal.model.fault_record import FaultRecord
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupStatus, NodeStatus
from stanlocal.util.timestamps import rfc3339

MEANINGS = {
    "healthy": "{active} is active and every other node stands by",
    "degraded": "{active} is active, but not every standby is ready to take over",
    "failover": "no node serves; a standby can take over",
    "recovering": "no node serves yet; a node has the store lock and reads the store",
    "starting": "no node serves yet; the nodes come up",
    "blocked": "no node serves, and none can",
    "split-brain": "two nodes are active over one store",
    "down": "no node runs",
}
"""Sentence for people about each state of a group."""


def group_document(
    plan: GroupPlan, engine: str, status: GroupStatus, faults: Sequence[FaultRecord]
) -> dict[str, Any]:
    """Return the group document; `faults` are those in force."""
    return {
        "group": plan.group,
        "engine": engine,
        "state": status.state.value,
        "active": status.active,
        "lock_holder": status.lock_holder,
        "problem": status.problem,
        "cluster_id": plan.cluster_id,
        "ft_group": plan.ft_group,
        "image": plan.image,
        "server_version": status.server_version,
        "store_dir": plan.store_location,
        "client_urls": list(plan.client_urls),
        "monitor_urls": list(plan.monitor_urls),
        "nodes": [_node_document(plan, node) for node in status.nodes],
        "faults": [fault.document() for fault in faults],
    }


def _node_document(plan: GroupPlan, node: NodeStatus) -> dict[str, Any]:
    planned, instance = plan.node(node.name), node.instance
    return {
        "name": node.name,
        "index": instance.index,
        "state": node.state.value,
        "paused": node.paused,
        "partitioned": node.partitioned,
        "container": None if plan.engine == "process" else instance.id[:12],
        "client_url": plan.client_url(planned),
        "monitor_url": plan.monitor_url(planned),
        "exit_code": instance.exit_code,
        "started_at": _time(instance.started_at),
        "problem": node.problem,
    }


def _time(time: datetime | None) -> str | None:
    return rfc3339(time) if time else None


def is_in_cluster(document: Mapping[str, Any]) -> bool:
    """Return whether the group's nodes are pods: their addresses and their store are the cluster's."""
    return bool(document["engine"] == "kubernetes")


def marks(document: Mapping[str, Any], node: Mapping[str, Any]) -> list[str]:
    """Return the flags of a node of the document in words; isolated is also cut off from clients."""
    isolated = any(
        fault["name"] == "isolate" and node["name"] in fault["targets"] for fault in document["faults"]
    )
    cut = ["isolated" if isolated else "partitioned"] if node["partitioned"] else []
    return [*(["paused"] if node["paused"] else []), *cut]


def meaning(document: Mapping[str, Any]) -> str:
    """Explain in one line what the group's state means for its clients."""
    return MEANINGS[document["state"]].format(active=document["active"])
