"""Facts about nodes, as short to write as a table needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from stanlocal.model.instance import Instance, Status
from stanlocal.model.placement import plan_group
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import LogFacts, NodeFacts, NodeState

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
STREAMING = {"cluster_id": "test-cluster", "ft_group_name": "test-cluster"}


def at(seconds: float) -> datetime:
    """Return the time this long after the start."""
    return START + timedelta(seconds=seconds)


def group_plan(nodes: int = 2, group: str = "stan") -> GroupPlan:
    return plan_group(
        group=group,
        image="nats-streaming:0.25.6",
        ports=[(4222 + index, 8222 + index) for index in range(nodes)],
        store_dir="/state/stan/store",
        state_dir="/state/stan",
        user="65532:65532",
        streaming=STREAMING,
        nats={},
    )


def instance(name: str, status: Status = "running", *, exit_code: int | None = None) -> Instance:
    """A node that was started at `START` and has ended, if so, ten seconds later."""
    index = int(name.rpartition("-")[2])
    ran, over = status != "created", status == "exited"
    return Instance(
        group="stan",
        name=name,
        index=index,
        id=f"{index}" * 64,
        status=status,
        pid=100 + index if ran and not over else None,
        exit_code=exit_code,
        error=None,
        started_at=START if ran else None,
        finished_at=at(10) if over else None,
        routes_connected=True,
        clients_connected=True,
        fingerprint="f",
        plan=group_plan(index + 1),
    )


def node(
    name: str,
    role: NodeState | None = None,
    status: Status = "running",
    *,
    exit_code: int | None = None,
    error: str | None = None,
    routes: bool = True,
    clients: bool = True,
    failure: str | None = None,
    busy: str | None = None,
    served_at: datetime | None = None,
    kept_from: datetime | None = None,
    monitor: str | None = None,
    recorded: bool = False,
    nats_lost: str | None = None,
) -> NodeFacts:
    found = replace(
        instance(name, status, exit_code=exit_code),
        error=error,
        routes_connected=routes,
        clients_connected=clients,
    )
    log = LogFacts(
        role=role,
        failure=failure,
        lock_busy=busy,
        served_at=served_at,
        kept_from=kept_from,
        nats_lost=nats_lost,
    )
    return NodeFacts(found, log, monitor, end_recorded=recorded)
