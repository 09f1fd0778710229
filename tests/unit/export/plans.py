"""Plans to export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stanlocal.model.placement import Placement, plan_group
from stanlocal.model.plan import GroupPlan
from stanlocal.settings import resolve
from stanlocal.settings.layer import Layer


def a_plan(flags: Mapping[str, Any] | None = None, *, host: str = "127.0.0.1") -> GroupPlan:
    """The plan of the group that `flags` come to, on the usual ports."""
    settings = resolve([Layer("flag", dict(flags or {}))])
    return plan_group(
        group=settings.group,
        image=settings.image,
        ports=[(4222 + index, 8222 + index) for index in range(settings.nodes)],
        store_dir="/srv/store",
        state_dir="/srv/state",
        user="1000:1000",
        streaming=settings.streaming,
        nats=settings.nats,
        placement=Placement(host=host, publish=host),
    )
