"""Whether a volume that an `up` has made has served: it may hold messages then, and stays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import aclosing

from stanlocal.engine.base import Engine
from stanlocal.errors import NodeNotFound
from stanlocal.logs.event_types import LockTaken
from stanlocal.logs.line_patterns import parse


async def has_served(engine: Engine, nodes: Sequence[str], started: Collection[str]) -> bool:
    """End the nodes, and return whether one of them has ever been active, by its log.

    A node that was started and whose log is gone counts as one that was. Raises what the engine raises.
    """
    for node in nodes:
        try:
            await engine.stop(node, 0)  # first: it could become active once its log has been read
            if await was_active(engine, node):
                return True
        except NodeNotFound:
            if node in started:
                return True
    return False


async def was_active(engine: Engine, node: str) -> bool:
    """Return whether the node has ever had the store's lock, by what is kept of its output."""
    async with aclosing(engine.output(node)) as output:
        async for batch in output:
            if any(isinstance(parse(line.text, line.time).event, LockTaken) for line in batch):
                return True
    return False
