"""`planned`: the group's plan without an engine, for commands that show or export it."""

from __future__ import annotations

from stanlocal.cli.context import Context
from stanlocal.model.placement import plan_group
from stanlocal.model.plan import CLIENT_PORT, MONITOR_PORT, GroupPlan


def planned(context: Context) -> GroupPlan:
    """Return the plan that `up` would make, with the ports that the group has had before.

    Holds the secrets of the settings; raises `SettingsError` for settings that cannot be used.
    """
    from stanlocal.lifecycle.engine_choice import group_home

    opener = context.opener()
    before = group_home(opener.settings().group).load_plan()
    settings = opener.settings(before.decided() if before else None)
    ports = [(node.client_port, node.monitor_port) for node in before.nodes] if before else []
    last_client, last_monitor = max(ports, default=(CLIENT_PORT - 1, MONITOR_PORT - 1))
    missing = range(1, settings.nodes - len(ports) + 1)
    ports = [*ports[: settings.nodes], *((last_client + step, last_monitor + step) for step in missing)]
    if settings.port is not None:
        ports = [(settings.port + index, monitor) for index, (_, monitor) in enumerate(ports)]
    for warning in settings.warnings:
        context.say(f"warning: {warning}")
    if settings.proxied:
        context.say("the proxy is left out: in the export, clients and routes lead to the nodes")
    return plan_group(
        group=settings.group,
        image=settings.image,
        ports=ports,
        store_dir=str(settings.store_dir or ""),
        state_dir="",
        user="",
        streaming=settings.streaming,
        nats=settings.nats,
    )
