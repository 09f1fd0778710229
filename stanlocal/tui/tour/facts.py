"""Facts that the texts of lessons name: nodes, times and counts, as they were observed. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from stanlocal.tui.tour.observed import Since

_UNKNOWN = "a node"


def facts(since: Since, keys: Mapping[str, str]) -> Mapping[str, str]:
    """Return the facts by the names in the texts; what was not observed is `a node`, or `-` for a figure.

    `keys` are the reader's keys by the names of their actions: `{key_kill}`, `{key_pane_5}`.
    """
    known = {f"key_{action.replace('.', '_')}": key for action, key in keys.items()}
    known |= _of_nodes(since) | _of_failover(since) | _of_publishers(since)
    return defaultdict(lambda: _UNKNOWN, known)


def _of_nodes(since: Since) -> dict[str, str]:
    others = [node["name"] for node in since.nodes if node["name"] != since.active]
    active = [node["name"] for node in since.nodes if node["state"] == "active"]
    stuck = [node["name"] for node in since.nodes if node["paused"]]
    standby = [node["name"] for node in since.nodes if node["state"] == "standby"]
    named = {
        "group": since.observed.document["group"] if since.observed.document else "",
        "active": since.active or " and ".join(active),
        "standby": " and ".join(standby or others),
        "actives": " and ".join(active),
        "stuck": " and ".join(stuck),
    }
    return {name: text for name, text in named.items() if text}


def _of_failover(since: Since) -> dict[str, str]:
    failover = since.failover or next(reversed(since.observed.failovers), None)
    if failover is None:
        return {"took": "-", "lock": "-", "recovering": "-"}
    phases = {name: "-" if ms is None else f"{ms:,.0f}" for name, ms in failover.phases_ms.items()}
    return {
        **phases,
        "left": failover.from_node,
        "taken": failover.to_node,
        "cause": failover.cause,
        "took": f"{failover.server_ms / 1000:.1f}",
    }


def _of_publishers(since: Since) -> dict[str, str]:
    plain, resending = since.observed.plain, since.observed.resending
    return {
        "plain_failed": f"{plain.failed:,}",
        "resent_failed": f"{resending.failed:,}",
        "slowest": f"{resending.slowest_s:.1f}",
    }
