"""The reload of a running server's configuration, with which it reads its certificates again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import cast

from stanlocal.errors import GroupError
from stanlocal.group.core import Group
from stanlocal.model.instance import RawLine
from stanlocal.util.tasks import beside

_RELOAD_S = 10.0
_DONE = "Reloaded server configuration"
_FAILED = "Failed to reload server configuration"


async def reload(group: Group, node: str, *, timeout: float = _RELOAD_S) -> None:
    """Let a running node read its configuration again, and wait until its log says that it has.

    Raises `GroupError` with the reason if it refuses, ends, or says nothing for `timeout` seconds.
    """
    why = f"nothing within {timeout:g} s"
    try:
        async with (
            asyncio.timeout(timeout),
            beside(group.engine.wait_exit(node)) as ended,
            beside(_signalled(group, node)) as answer,
        ):
            await asyncio.wait({ended, answer}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                line = answer.result()
                if _DONE in line:
                    return
                why = line
            else:
                why = "it has ended"
    except TimeoutError:
        pass
    raise GroupError(f"{node} did not reload its configuration ({why}); see 'stanlocal logs {node}'")


async def _signalled(group: Group, node: str) -> str:
    """Send the signal, and return the log line that answers it."""
    # Engines yield the batches from generators, which have to be closed while the loop runs.
    attached = cast(AsyncGenerator[Sequence[RawLine]], group.engine.attach(node))
    async with aclosing(attached) as batches:
        await anext(batches)  # from here on no line is missed
        await group.engine.signal(node, "SIGHUP")
        async for line in (line.text async for batch in batches for line in batch):
            if _DONE in line or _FAILED in line:
                return line
    return "its output has ended"
