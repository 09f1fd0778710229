"""`forward`: ports of this machine for the pods of a group on a cluster."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from stanlocal.cli import printing
from stanlocal.cli.aio import run
from stanlocal.cli.context import Context, pass_context
from stanlocal.util.timestamps import rfc3339

if TYPE_CHECKING:
    from stanlocal.engine.forwarding import NodeReach
    from stanlocal.model.plan import GroupPlan


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="P",
    help="Port of the first pod (4222).",
)
@pass_context
def forward(context: Context, port: int | None) -> None:
    """Open a port on 127.0.0.1 for each pod of a group on a cluster, until Ctrl-C.

    A pod's port stays while the pod is replaced; without --port, a port that is taken is left out. `pub`,
    `sub` and `bench` open ports of their own.
    """

    async def work() -> None:
        async with context.opened_core() as core:
            plan, _ = await core.find()
            ports = core.engine.forwarding(plan, _chosen(plan, port))
            if ports is None:
                raise _needless(plan)
            known: set[str] = set()
            async with ports, aclosing(ports.changes()) as changes:
                async for change in changes:
                    if context.json:
                        context.print_json(_document(plan, change), stream=True)
                    else:
                        printing.echo(_line(change, first=change.node not in known))
                    known.add(change.node)

    run(work())


def _chosen(plan: GroupPlan, first: int | None) -> dict[str, int]:
    """Return a port of this machine for each node; raise `PortInUse` if one that was asked for is taken."""
    from stanlocal.lifecycle.inventory import reserved_ports
    from stanlocal.lifecycle.port_allocation import choose_inner_ports, choose_ports
    from stanlocal.model.plan import CLIENT_PORT

    count = len(plan.nodes)
    if first is None:
        local_groups = reserved_ports("")  # also one of the same name is another one
        ports = choose_inner_ports(count, first=CLIENT_PORT, reserved=local_groups)
    else:
        ports = [client for client, _ in choose_ports(count, group=plan.group, asked=first).ports]
    return {node.name: port for node, port in zip(plan.nodes, ports, strict=True)}


def _needless(plan: GroupPlan) -> Exception:
    from stanlocal.errors import Unsupported

    urls = ", ".join(plan.client_urls)
    if plan.external_nats:
        return Unsupported(f"the clients of '{plan.group}' connect to {urls}, which is none of its pods")
    return Unsupported(f"'{plan.group}' needs no forwarded ports: it is reached at {urls}")


def _document(plan: GroupPlan, change: NodeReach) -> dict[str, object]:
    host, port = change.address
    scheme = plan.client_urls[0].partition("://")[0] if plan.client_urls else "nats"
    return {
        "time": rfc3339(datetime.now(UTC)),
        "node": change.node,
        "url": f"{scheme}://{host}:{port}",
        "reachable": change.problem is None,
        "replaced": change.replaced,
        "problem": change.problem,
    }


def _line(change: NodeReach, *, first: bool) -> str:
    host, port = change.address
    if first and change.problem is None:
        return f"{change.node} → {host}:{port}"
    if change.problem is not None:
        return f"{change.node} → {host}:{port}, not reachable: {change.problem}"
    server = ", a new server" if change.replaced else ""
    return f"{change.node} → {host}:{port}, reachable again{server}"
