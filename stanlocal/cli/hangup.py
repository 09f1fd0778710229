"""SIGHUP: the terminal of a command was closed, and every write to it fails."""

from __future__ import annotations

import errno
import os
import signal
import termios

_STANDARD = (0, 1, 2)
_left: set[int] = set()
"""The standard streams of this process that were a terminal and are /dev/null now."""


def is_heard() -> bool:
    """Whether SIGHUP ends this process; `nohup` starts it with the signal ignored."""
    return signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN


def leave_terminal() -> None:
    """Put /dev/null in the place of the standard streams that are a terminal.

    Otherwise the first line that the clean-up writes would end it with an error.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    try:
        for descriptor in _STANDARD:
            if _is_terminal(descriptor):
                _left.add(descriptor)
                os.dup2(nowhere, descriptor)
    finally:
        os.close(nowhere)


def is_gone(error: OSError) -> bool:
    """Whether the error is that of a write to a closed terminal."""
    return error.errno == errno.EIO and any(each in _left or _is_terminal(each) for each in _STANDARD)


def _is_terminal(descriptor: int) -> bool:
    """Whether the descriptor is a terminal, open or closed; a closed one fails with EIO."""
    try:
        termios.tcgetattr(descriptor)
    except termios.error as error:
        return bool(error.args[0] == errno.EIO)
    return True
