"""Work that a signal ends early, with its result still printed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from stanlocal.cli.hangup import is_heard, leave_terminal

TIMED_OUT = 1


async def run_until_signal(
    work: Coroutine[Any, Any, None],
    failed: asyncio.Future[None] | None = None,
    *,
    timeout: float | None = None,
) -> int:
    """Run `work`: 0 when it is done, 1 when the time is up, 128 and its number when a signal ends it."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def stop(number: signal.Signals) -> None:
        if number is signal.SIGHUP:
            leave_terminal()
        if not stopped.done():
            stopped.set_result(128 + number)

    handled = (signal.SIGINT, signal.SIGTERM)
    for each in handled:
        loop.add_signal_handler(each, stop, each)
    if is_heard():  # and as long as the loop runs: a closed terminal sends it more than once
        loop.add_signal_handler(signal.SIGHUP, stop, signal.SIGHUP)
    task = asyncio.ensure_future(work)
    waited: list[asyncio.Future[Any]] = [task, stopped, *([failed] if failed is not None else [])]
    try:
        await asyncio.wait(waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in handled:
            loop.remove_signal_handler(each)
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
    if failed is not None and failed.done():
        failed.result()
    if task.cancelled():
        return stopped.result() if stopped.done() else TIMED_OUT
    task.result()
    return 0
