"""Signals to exactly one process, never to a later one with the same pid."""

from __future__ import annotations

import os
import signal
import sys

from stanlocal.engine.process.node_files import Identity
from stanlocal.errors import EngineError


def send(process: Identity, number: signal.Signals) -> bool:
    """Send a signal; return whether the process existed. Raises `EngineError` if not permitted."""
    try:
        descriptor = _open(process.pid)
        try:
            if not process.alive:
                return False
            if sys.platform != "linux" or descriptor is None:
                os.kill(process.pid, number)
            else:  # the signal reaches the process that was just checked
                signal.pidfd_send_signal(descriptor, number)
        finally:
            if descriptor is not None:
                os.close(descriptor)
    except ProcessLookupError:
        return False
    except PermissionError as error:
        raise EngineError(f"process {process.pid} belongs to another user; you cannot signal it") from error
    return True


def _open(pid: int) -> int | None:
    """Return a pidfd of the process; None if the system has none or a sandbox forbids them."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except OSError:
        return None
