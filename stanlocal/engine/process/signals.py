"""Signals to the process that is meant, and to no other that has its pid by now."""

from __future__ import annotations

import os
import signal
import sys

from stanlocal.engine.process.node_files import Identity
from stanlocal.errors import EngineError


def send(process: Identity, number: signal.Signals) -> bool:
    """Whether it was there to get it; raises `EngineError` when the caller may not signal it."""
    try:
        descriptor = _open(process.pid)
        try:
            if not process.alive:
                return False
            if sys.platform != "linux" or descriptor is None:
                os.kill(process.pid, number)
            else:  # what it stood for when it was looked at is what gets the signal
                signal.pidfd_send_signal(descriptor, number)
        finally:
            if descriptor is not None:
                os.close(descriptor)
    except ProcessLookupError:
        return False
    except PermissionError as error:
        raise EngineError(f"process {process.pid} is another user's; you cannot signal it") from error
    return True


def _open(pid: int) -> int | None:
    """A descriptor of the process, on Linux; None where there are none, or a sandbox does not allow them."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except OSError:
        return None
