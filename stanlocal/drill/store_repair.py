"""Repair, by the server itself, of a store that no node can read after a full disk."""

from __future__ import annotations

from stanlocal.api import FTGroup, core_of

_DECIDED_S = 60.0
"""Seconds within which started nodes serve or fail."""


async def repair_if_torn(group: FTGroup) -> str | None:
    """Wait until a node serves; if all fail instead, have the server drop a torn last record.

    Returns the server's line about a repair, else None. Raises `WaitTimeout` when neither happens.
    """
    status = await (await core_of(group)).wait(
        lambda status: status.active is not None or status.all_failed,
        timeout=_DECIDED_S,
        waiting_for="a node to serve, or all to refuse the store",
    )
    return await group.repair_store() if status.all_failed else None
