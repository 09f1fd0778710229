"""Documents as the monitor of a server 0.25.6 has them."""

from __future__ import annotations

from typing import Any


def subscription(client: str, **fields: Any) -> dict[str, Any]:
    return {
        "client_id": client,
        "inbox": f"_INBOX.{client}",
        "ack_inbox": f"_STAN.ack.{client}",
        "is_durable": False,
        "is_offline": False,
        "max_inflight": 1024,
        "ack_wait": 30,
        "last_sent": 0,
        "pending_count": 0,
        "is_stalled": False,
        **fields,
    }


def channel(name: str, msgs: int, *subscriptions: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "msgs": msgs,
        "bytes": msgs * 200,
        "first_seq": min(msgs, 1),
        "last_seq": msgs,
        "subs_count": len(subscriptions),
        "subscriptions": list(subscriptions),
    }


def client(name: str, **subscriptions: list[dict[str, Any]]) -> dict[str, Any]:
    count = sum(map(len, subscriptions.values()))
    return {"id": name, "hb_inbox": "_INBOX.hb", "subs_count": count, "subscriptions": subscriptions}


def group_document(active: str | None = "t-0", store_dir: str = "/nowhere") -> dict[str, Any]:
    """Return the part of a group document that the data pane needs, for two nodes."""
    nodes = [
        {"name": f"t-{number}", "monitor_url": f"http://127.0.0.1:{8222 + number}"} for number in range(2)
    ]
    state = "healthy" if active else "failover"
    urls = [node["monitor_url"] for node in nodes]
    document = {
        "group": "t",
        "engine": "docker",
        "state": state,
        "active": active,
        "store_dir": store_dir,
        "monitor_urls": urls,
    }
    return {**document, "nodes": nodes}


CHANNELS = [
    channel("orders", 5210, subscription("auditor", last_sent=1124, pending_count=1024, is_stalled=True)),
    channel(
        "audit.[b]log[/b]",
        40,
        subscription("", is_durable=True, durable_name="d", is_offline=True, last_sent=10),
        subscription("w1", queue_name="q:workers", is_durable=True, last_sent=40, pending_count=2),
        subscription("w2", queue_name="q:workers", is_durable=True, last_sent=39),
    ),
    channel("empty", 0),
]
CLIENTS = [
    client("auditor", orders=[subscription("auditor", pending_count=1024, is_stalled=True)]),
    client("w1", **{"audit.[b]log[/b]": [subscription("w1", pending_count=2)]}),
]
