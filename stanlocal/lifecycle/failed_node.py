"""The reason why a node that `up` waits for has failed."""

from __future__ import annotations

from stanlocal.errors import NodeFailed, PortInUse
from stanlocal.group.core import Group
from stanlocal.logs.event_types import PortBusy
from stanlocal.logs.line_patterns import parse

_LOG_TAIL = 20


async def reason_of_failure(group: Group, name: str) -> NodeFailed | PortInUse:
    """Return the error for a failed node, from its log: an end is reported before its last lines."""
    node = (await group.look()).status.node(name)
    lines = await group.engine.tail(name, _LOG_TAIL)
    for event in (parse(line.text, line.time).event for line in lines):
        if isinstance(event, PortBusy):  # the only sign of it where nodes share the host's network
            port = int(event.address.rpartition(":")[2])
            return PortInUse(f"port {port} for {name} is taken; free it", port)
    tail = [line.text for line in lines]
    return NodeFailed(f"{name} failed: {node.problem}", name, node.instance.exit_code, tail)
