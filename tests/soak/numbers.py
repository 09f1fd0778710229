"""`stanlocal pub` under test: it publishes numbers, and none of them may be missing at the end.

One `pub` lasts from the first moment to the last; others, one after the other, publish one number each, and
so connect and say goodbye at any moment of an outage.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from stanlocal import stan
from stanlocal.api import FTGroup
from stanlocal.stan.errors import MessageTimeout
from tests.support.cli import Cli

LASTING, SHORT = "lasting", "short"
"""Channels of the two kinds."""
_ENDS_S = 120.0
"""Seconds in which `pub` ends once its input does: more than it waits for an ack."""
_SILENCE_S = 20.0
"""Seconds without a further message after which the channel is taken for read."""


class Numbers:
    """A `pub` that reads numbers from its input, one line after the other."""

    def __init__(self, process: asyncio.subprocess.Process, interval: float) -> None:
        self._process = process
        self._interval = interval
        self.sent = 0
        self._feeding = asyncio.create_task(self._feed())

    async def _feed(self) -> None:
        assert self._process.stdin is not None
        try:
            for number in count(1):
                self._process.stdin.write(b"%d\n" % number)
                await self._process.stdin.drain()
                self.sent = number
                await asyncio.sleep(self._interval)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has ended: `end` says why

    async def stop(self) -> None:
        """Stop feeding it."""
        self._feeding.cancel()
        await asyncio.wait([self._feeding])

    async def end(self) -> list[str]:
        """End the input; return what is wrong with how `pub` ended and what it says."""
        assert self._process.stdin is not None
        await self.stop()
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_ENDS_S):
                out, err = await self._process.communicate()
        except TimeoutError:
            return [f"pub did not end within {_ENDS_S:g} s of its input's end"]
        if self._process.returncode:
            return [f"pub gave up: exit {self._process.returncode}: {err.decode().strip()}"]
        report = json.loads(out)
        if not self.sent <= report["published"] == report["acked"] <= self.sent + 1:
            return [f"pub was given {self.sent} lines and says {report}"]
        return []


class ShortPubs:
    """One `pub` after the other, each of which publishes the next number."""

    def __init__(self, cli: Cli) -> None:
        self._cli = cli
        self._stopping = False
        self.sent = 0
        self.problems: list[str] = []
        self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while not self._stopping:
            process = await _started(self._cli, "pub", SHORT, str(self.sent + 1))
            try:
                async with asyncio.timeout(_ENDS_S):
                    _, err = await process.communicate()
            except TimeoutError:
                self.problems.append(f"pub of one number did not end within {_ENDS_S:g} s")
                return
            finally:
                await _ended(process)
            if process.returncode:
                self.problems.append(f"pub of one number: exit {process.returncode}: {err.decode().strip()}")
            else:
                self.sent += 1

    async def end(self) -> list[str]:
        """Let the last one end; return what was wrong with any."""
        self._stopping = True
        await self._running
        return self.problems

    async def stop(self) -> None:
        """End at once."""
        self._running.cancel()
        await asyncio.wait([self._running])


async def missing(group: FTGroup, channel: str, count: int) -> list[int]:
    """Return the numbers from 1 to `count` that the channel does not hold."""
    left = set(range(1, count + 1))
    async with group.connect(f"soak-{channel}") as client:
        reader = await client.subscribe(channel, start=stan.DeliverAll(), next_timeout=_SILENCE_S)
        try:
            while left:
                left.discard(int((await anext(reader)).data))
        except MessageTimeout:
            pass  # what is missing by now is not there
    return sorted(left)


@asynccontextmanager
async def short_pubs(cli: Cli) -> AsyncIterator[ShortPubs]:
    """`pub` after `pub` to the group of `cli`."""
    running = ShortPubs(cli)
    try:
        yield running
    finally:
        await running.stop()


@asynccontextmanager
async def numbers(cli: Cli, *, rate: float) -> AsyncIterator[Numbers]:
    """`pub` to the group of `cli` while it is fed."""
    process = await _started(cli, "pub", LASTING, "--stdin", "--json")
    running = Numbers(process, 1 / rate)
    try:
        yield running
    finally:
        await running.stop()
        await _ended(process)


async def _started(cli: Cli, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *cli.command(*words),
        cwd=cli.folder,
        env=cli.environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Kill what still runs."""
    if process.returncode is None:
        process.kill()
        await process.wait()
