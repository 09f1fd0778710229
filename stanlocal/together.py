"""Several things at once that end together, with one error instead of a group of them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def together(works: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Runs all of them to their end; the first that fails cancels the others and is raised as it is.

    Nothing goes on when this has returned or raised, also when it was cancelled.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(work)
    except BaseExceptionGroup as failed:
        first = failed.exceptions[0]
        raise first from first.__cause__
