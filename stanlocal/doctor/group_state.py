"""The state of a group, and what piles up in it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator

from stanlocal.doctor.check import Check
from stanlocal.errors import GroupNotFound
from stanlocal.group.core import Group
from stanlocal.model.states import GroupState, GroupStatus, NodeState
from stanlocal.monitor.group_findings import look_inside

_SHOWS = {
    "disk": "store",
    "durable": "subscriptions",
    "limit": "channels",
    "stalled": "subscriptions",
    "store": "store verify",
}
"""Commands that show more of a finding, by its name."""


async def group_checks(
    group: Group, command: Callable[..., str], *, may_change: bool
) -> AsyncGenerator[Check]:
    """Check the group's state, its channels and, if it is on this machine, its store record by record.

    `command` writes a command line of stanlocal for the group from its words; `may_change` says whether
    stanlocal may act on it.
    """
    try:
        look = await group.look()
    except GroupNotFound:
        yield Check("group", True, "not up yet")
        return
    status = look.status
    well = status.state in (GroupState.HEALTHY, GroupState.DOWN, GroupState.STARTING)
    problems = [status.problem, *(node.problem for node in status.nodes)]
    detail = "; ".join([status.state.value, *filter(None, problems)])
    if well and not any(problems):
        yield Check("group", True, detail)
    else:
        shown = tuple(_commands(group, status, command, may_change))
        yield Check("group", False, detail, "in this order:", shown)
    found = await look_inside(look.plan, group.active_monitor(look), records=True)
    if not found:
        records = "" if look.plan.in_cluster else ", every record of the store is whole"
        yield Check("content", True, f"nothing piles up{records}")
    for finding in found:
        shows = command(*_SHOWS[finding.name].split())
        yield Check(finding.name, False, finding.detail, finding.cure, (shows,))


def _commands(
    group: Group, status: GroupStatus, command: Callable[..., str], may_change: bool
) -> Iterator[str]:
    """Yield what shows the reason for the group's state, and then what ends it."""
    yield command("status")
    for node in status.nodes:
        if node.state is NodeState.FAILED:
            yield command("logs", node.name, "--tail", "20")
    if not may_change:
        return
    if any(fault.in_force for fault in group.home.journal.faults()):
        yield command("heal")
    yield command("up")
