"""The repair of a store that no node reads after a full disk, by the server itself."""

from __future__ import annotations

from stanlocal.api import FTGroup, core_of
from stanlocal.model.states import GroupStatus, NodeState

_DECIDED_S = 60.0
"""Time in which started nodes serve, or fail."""


async def repair_if_torn(group: FTGroup) -> str | None:
    """Wait until a node serves; where all fail instead, have the server drop a torn last record.

    Returns the server's line about a repair, else None. Raises `WaitTimeout` when neither is the case.
    """
    status = await (await core_of(group)).wait(
        lambda status: status.active is not None or _all_failed(status),
        timeout=_DECIDED_S,
        waiting_for="a node to serve, or all to refuse the store",
    )
    return await group.repair_store() if _all_failed(status) else None


def _all_failed(status: GroupStatus) -> bool:
    return all(node.state is NodeState.FAILED for node in status.nodes)
