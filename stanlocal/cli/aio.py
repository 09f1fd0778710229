"""`run`: runs a command's coroutine; Ctrl-C, SIGTERM and SIGHUP cancel it, so that it can clean up."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from stanlocal.cli.hangup import is_heard, leave_terminal

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return the coroutine's result; raise `KeyboardInterrupt` if a signal cancelled it."""

    async def guarded() -> T:
        cancel_by_signals()
        return await work

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def cancel_by_signals(*also: signal.Signals) -> None:
    """Let SIGTERM, SIGHUP and the signals given cancel this task; asyncio has SIGINT do so at first."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    ending = False

    def end() -> None:
        nonlocal ending
        ending = True
        task.cancel()

    def hang_up() -> None:
        """Cancel on the first SIGHUP only: a closed terminal sends several."""
        leave_terminal()
        if not ending:
            end()

    for number in (signal.SIGTERM, *also):
        loop.add_signal_handler(number, end)
    if is_heard():
        loop.add_signal_handler(signal.SIGHUP, hang_up)
