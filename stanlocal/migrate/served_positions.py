"""The positions of a running group's durables, as its active node serves them now.

The files lag behind: the server writes acknowledgements some time after it has them.
"""

from __future__ import annotations

from stanlocal.errors import MonitorError, NodeNotFound
from stanlocal.migrate.stream_plan import Served
from stanlocal.model.plan import GroupPlan
from stanlocal.monitor import pages
from stanlocal.monitor.documents import readers

_TIMEOUT_S = 5.0


async def served_positions(group: GroupPlan) -> Served:
    """Ask the active node's monitor; return nothing while no node serves."""
    monitors = [(node.name, group.monitor(node)) for node in group.nodes]
    try:
        _, monitor = await pages.find_active(monitors)
        channels = await pages.channels(monitor, _TIMEOUT_S)
    except (MonitorError, NodeNotFound):
        return {}
    return {
        (str(channel["name"]), reader.name): {"delivered": reader.last_sent, "pending_count": reader.pending}
        for channel in channels
        for reader in readers(channel)
        if reader.durable
    }
