"""Child processes with bounded time and memory that are never left running."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from stanlocal.util.tasks import run_to_end

_TAIL_LINES = 20
_MAX_LINE = 65536
"""Bytes; a longer line is split."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ended by itself."""

    code: int
    tail: Sequence[str]
    """Last lines of its output and error output."""


class ChildTimeout(Exception):
    """The program wrote nothing for too long and was killed."""


async def run_child(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    silence_s: float,
    on_line: Callable[[str], None] | None = None,
) -> Finished:
    """Run `argv` until it ends, without standard input; `on_line` gets each line of its output.

    However this call ends, by cancellation too, the program and its children have ended. Raises
    `ChildTimeout` if it writes nothing for `silence_s` seconds, `OSError` if it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # a process group of its own, so that its children can be ended with it
    )
    assert process.stdout is not None
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    try:
        rest = b""
        while chunk := await asyncio.wait_for(process.stdout.read(_MAX_LINE), silence_s):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) >= _MAX_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                tail.append(line.decode("utf-8", "replace"))
                if on_line:
                    on_line(tail[-1])
        if rest:
            tail.append(rest.decode("utf-8", "replace"))
        return Finished(await asyncio.wait_for(process.wait(), silence_s), tuple(tail))
    except TimeoutError:
        raise ChildTimeout(f"{argv[0]} wrote no output for {silence_s:g} s") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await run_to_end(process.wait())
