"""Nodes as an engine would have them."""

from __future__ import annotations

from datetime import datetime

from stanlocal.model.instance import Instance
from stanlocal.model.placement import plan_group

PLAN = plan_group(
    group="t",
    image="i",
    ports=[(4222 + index, 8222 + index) for index in range(3)],
    store_dir="/s",
    state_dir="/h",
    user="1:1",
    streaming={"cluster_id": "c", "ft_group_name": "f"},
    nats={},
)


def instance(index: int, *, started_at: datetime) -> Instance:
    """A running, connected node."""
    return Instance(
        group="t",
        name=f"t-{index}",
        index=index,
        id=f"id{index}",
        status="running",
        pid=100 + index,
        exit_code=None,
        error=None,
        started_at=started_at,
        finished_at=None,
        routes_connected=True,
        clients_connected=True,
        fingerprint="",
        plan=PLAN,
    )
