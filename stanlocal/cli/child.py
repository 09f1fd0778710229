"""A command as a child process: it has the terminal and every signal as if it had been started alone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence

import click

from stanlocal.cli.aio import cancel_by_signals
from stanlocal.cli.hangup import is_heard, leave_terminal

_KILLED_BY = 128
"""Number added to a signal's to get the exit code, as in shells, of a command that the signal ended."""
_FROM_KEYS = (signal.SIGINT, signal.SIGQUIT)
"""Signals that a terminal sends for a key, to all processes of its foreground group."""


async def run_child(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run a command to its end, and return its exit code: 128 and the number for a signal.

    It inherits the standard streams and the process group, so a terminal and its keys reach it directly.
    Signals that are sent to this process meanwhile are passed on; afterwards they cancel the current task.
    Raises `click.UsageError` if it cannot be started.
    """
    loop = asyncio.get_running_loop()
    process: asyncio.subprocess.Process | None = None
    early: list[signal.Signals] = []

    def pass_on(number: signal.Signals) -> None:
        if number is signal.SIGHUP:
            leave_terminal()
        if number in _FROM_KEYS and _in_foreground():
            return  # the terminal has sent it to the command, too
        if process is None:
            early.append(number)
        elif process.returncode is None:
            process.send_signal(number)

    passed = [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2]
    passed += [signal.SIGHUP] if is_heard() else []
    for number in passed:
        loop.add_signal_handler(number, pass_on, number)
    try:
        try:
            process = await asyncio.create_subprocess_exec(*command, env=env, close_fds=False)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise click.UsageError(f"'{command[0]}' cannot be run: {reason}") from error
        for number in early:
            process.send_signal(number)
        code = await process.wait()
    finally:
        for number in passed:
            loop.remove_signal_handler(number)
        cancel_by_signals(signal.SIGINT)
    return code if code >= 0 else _KILLED_BY - code


def _in_foreground() -> bool:
    """Whether this process, and so the command, gets the signals of keys from its terminal."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
