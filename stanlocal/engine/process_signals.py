"""Signals to the process that is meant, and to no other that has its pid by now."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from stanlocal.engine.process_files import Identity
from stanlocal.errors import EngineError


def send(process: Identity, number: signal.Signals) -> bool:
    """Whether it was there to get it; raises `EngineError` when the caller may not signal it."""
    try:
        if hasattr(os, "pidfd_open"):
            return _send_by_descriptor(process, number)
        if process.alive:
            os.kill(process.pid, number)
            return True
    except ProcessLookupError:
        return False
    except PermissionError as error:
        raise EngineError(f"process {process.pid} is another user's; you cannot signal it") from error
    return False


def _send_by_descriptor(process: Identity, number: signal.Signals) -> bool:
    """Linux: what the descriptor stands for when it is looked at is what gets the signal."""
    descriptor = os.pidfd_open(process.pid)
    try:
        if not process.alive:
            return False
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, number)
            return True
        return False
    finally:
        os.close(descriptor)
