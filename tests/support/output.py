"""The whole output of a node, as a list."""

from __future__ import annotations

from datetime import datetime

from stanlocal.engine.base import Output
from stanlocal.model.instance import RawLine


async def output_of(engine: Output, node: str, since: datetime | None = None) -> list[RawLine]:
    return [line async for batch in engine.output(node, since=since) for line in batch]
