"""The reload of a running server's configuration, with which it reads its certificates again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import cast

from stanlocal.errors import GroupError
from stanlocal.group.core import Group
from stanlocal.model.instance import RawLine

_RELOAD_S = 10.0
_DONE = "Reloaded server configuration"
_FAILED = "Failed to reload server configuration"


async def reload(group: Group, node: str, *, timeout: float = _RELOAD_S) -> None:
    """Let a running node read its configuration again, and wait until its log says that it has.

    Raises `GroupError` with the server's reason if it refuses, or says nothing for `timeout` seconds.
    """
    said = f"nothing within {timeout:g} s"
    # Engines yield the batches from generators, which have to be closed while the loop runs.
    attached = cast(AsyncGenerator[Sequence[RawLine]], group.engine.attach(node))
    try:
        async with asyncio.timeout(timeout), aclosing(attached) as batches:
            await anext(batches)  # from here on no line is missed
            await group.engine.signal(node, "SIGHUP")
            async for line in (line async for batch in batches for line in batch):
                if _DONE in line.text:
                    return
                if _FAILED in line.text:
                    said = line.text
                    break
    except TimeoutError:
        pass
    raise GroupError(f"{node} did not reload its configuration ({said}); see 'stanlocal logs {node}'")
