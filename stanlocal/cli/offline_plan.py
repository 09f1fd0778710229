"""The group's plan without an engine, for commands that show or export it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from stanlocal.access.server_files import trusting
from stanlocal.certificates.secured import Files, secured
from stanlocal.cli.context import Context
from stanlocal.errors import SettingsError
from stanlocal.export import certificates
from stanlocal.model.placement import plan_group
from stanlocal.model.plan import CLIENT_PORT, MONITOR_PORT, GroupPlan, NodePlan
from stanlocal.settings import HIDDEN
from stanlocal.settings.tool_options import MAX_PORT

if TYPE_CHECKING:
    from stanlocal.lifecycle.opener import GroupOpener
    from stanlocal.settings import Settings


def exported(context: Context, *, monitor_port: int | None = None, inside: bool = True) -> GroupPlan:
    """Return the plan that is exported: that of `up`, without what works on this machine alone.

    `monitor_port` is the monitor's port of the first node, if it was asked for. `inside` is false where the
    servers use a NATS server elsewhere. The plan holds the secrets of the settings. Raises `SettingsError`
    for settings that cannot be used.
    """
    plan, settings = planned(context, context.opener(), monitor_port=monitor_port, elsewhere=True)
    if settings.secure:
        # The group's own certificates are for this machine; the exporters say how others are made.
        files = Files.of_node(certificates.FOLDER)
        streaming, nats = secured(settings.streaming, settings.nats, files, HIDDEN)
        plan = replace(plan, streaming=streaming, nats=nats)
    elif inside:
        plan = replace(plan, streaming=trusting(plan.streaming, plan.nats))
    for warning in settings.warnings:
        context.say(f"warning: {warning}")
    if settings.proxied:
        context.say("the proxy is left out: in the export, clients and routes lead to the nodes")
    return replace(plan, proxied=False, state_dir="", store_size=None)


def planned(
    context: Context,
    opener: GroupOpener,
    *,
    monitor_port: int | None = None,
    keep_hidden: bool = False,
    elsewhere: bool = False,
) -> tuple[GroupPlan, Settings]:
    """Return the plan that `up` would make, with the ports that the group has had before, and its settings.

    With `elsewhere` it is that of an engine in another place, whatever runs the group here. The plan holds
    the secrets of the settings. Raises `SettingsError` for settings that cannot be used.
    """
    from stanlocal.lifecycle.engine_choice import group_home, home_of

    asked = opener.settings()
    home = group_home(asked.group) if elsewhere else home_of(asked)
    before = home.load_plan()
    existing = before.decided() if before else None
    if existing is not None and not keep_hidden:
        existing = home.secrets.revealed(existing)
    settings = opener.settings(existing, keep_hidden=keep_hidden)
    if before is not None and not elsewhere and _keeps_nodes(before, settings):
        return replace(
            before,
            image=settings.image,
            store_dir=str(settings.store_dir or before.store_dir),
            store_size=settings.store_size,
            streaming=dict(settings.streaming),
            nats=dict(settings.nats),
        ), settings
    ports = _ports(
        context, settings.group, settings.nodes, before.nodes if before else (), settings.port, monitor_port
    )
    return plan_group(
        group=settings.group,
        image=settings.image,
        ports=ports,
        store_dir=str(settings.store_dir or ""),
        store_size=settings.store_size,
        state_dir=before.state_dir if before else "",
        user="",
        streaming=settings.streaming,
        nats=settings.nats,
        proxied=settings.proxied,
        secure=settings.secure,
    ), settings


def _keeps_nodes(before: GroupPlan, settings: Settings) -> bool:
    """Return whether the group keeps its nodes with their ports."""
    same = (before.proxied, before.secure) == (settings.proxied, settings.secure)
    moved = settings.port not in (None, before.nodes[0].client_port)
    return same and len(before.nodes) == settings.nodes and not moved


def _ports(
    context: Context,
    group: str,
    count: int,
    before: Sequence[NodePlan],
    first_client: int | None,
    first_monitor: int | None,
) -> list[tuple[int, int]]:
    """Return the client port and the monitor port of each node.

    Nodes keep the ports that they have had, and new nodes get the ports that follow. Where a client port is
    asked for and no monitor port, monitors get the ports that `up` would give them.
    """
    clients = _row(count, [node.client_port for node in before], CLIENT_PORT, first_client)
    kept = [node.monitor_port for node in before]
    if first_client is None or first_monitor is not None:
        monitors = _row(count, kept, MONITOR_PORT, first_monitor)
    else:
        monitors = _monitors_beside(context, group, clients, kept)
    twice = set(clients) & set(monitors)
    if twice:
        both = ", ".join(map(str, sorted(twice)))
        raise SettingsError([f"ports for clients and monitors overlap ({both}); choose other first ports"])
    return list(zip(clients, monitors, strict=True))


def _row(count: int, kept: Sequence[int], usual: int, first: int | None) -> list[int]:
    if first is not None:
        if first + count - 1 > MAX_PORT:
            raise SettingsError(
                [f"port {first} leaves no room for {count} nodes: the last port is {MAX_PORT}"]
            )
        return [first + index for index in range(count)]
    last = max(kept, default=usual - 1)
    return [*kept[:count], *(last + step for step in range(1, count - len(kept) + 1))]


def _monitors_beside(context: Context, group: str, clients: Sequence[int], kept: Sequence[int]) -> list[int]:
    from stanlocal.lifecycle.inventory import reserved_ports
    from stanlocal.lifecycle.port_allocation import choose_ports

    free = [port if port not in clients else None for port in kept[: len(clients)]]
    free += [None] * (len(clients) - len(free))
    choice = choose_ports(
        len(clients),
        group=group,
        keep=list(zip(clients, free, strict=True)),
        reserved=reserved_ports(group),
    )
    for line in choice.moved:
        context.say(line)
    return [monitor for _, monitor in choice.ports]
