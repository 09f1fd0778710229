"""A client that says of each number that it is acknowledged, so that whoever ends it knows what is stored.

``python -m tests.soak.acked URLS CHANNEL FIRST`` publishes FIRST and what follows it, and prints each number
when it is acknowledged, until it is killed.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Condition, Thread

from stanlocal import stan
from tests.support.cli import Cli

CLUSTER_ID = "test-cluster"
_INTERVAL_S = 0.005
_ACK_S = 240.0
"""Seconds for an ack: more than a machine takes to come back with its group."""


class Numbers:
    """The client while it runs, and the numbers that are acknowledged."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._changed = Condition()
        self._ended = False
        self.acked: list[int] = []
        self._reading = Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.acked.append(int(line))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for_more(self) -> None:
        """Return once another number is acknowledged; raise `AssertionError` if the client ends before."""
        with self._changed:
            known = len(self.acked)
            more = self._changed.wait_for(lambda: self._ended or len(self.acked) > known, _ACK_S)
            went_on = len(self.acked) > known
        if not went_on:
            self.end()
            assert self._process.stderr is not None
            why = self._process.stderr.read() if more else f"no ack within {_ACK_S:g} s"
            raise AssertionError(f"the client did not go on: {why}")

    def end(self) -> None:
        """Kill the client, if it still runs, and know all that it said."""
        self._process.kill()
        self._process.wait()
        self._reading.join()


@contextmanager
def numbers(inside: list[str], cli: Cli, urls: list[str], channel: str, first: int) -> Iterator[Numbers]:
    """Publish numbers, from `first` on, by a client that the words `inside` start; it ends with the block."""
    with subprocess.Popen(
        [*inside, sys.executable, "-m", "tests.soak.acked", ",".join(urls), channel, str(first)],
        cwd=cli.folder,
        env=cli.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        running = Numbers(process)
        try:
            yield running
        finally:
            running.end()


async def _publish(urls: str, channel: str, first: int) -> None:
    async with stan.connect(
        urls, cluster_id=CLUSTER_ID, retry=True, reconnect=True, ack_timeout=_ACK_S
    ) as client:
        for number in count(first):
            await client.publish(channel, b"%d" % number)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            await asyncio.sleep(_INTERVAL_S)


if __name__ == "__main__":
    asyncio.run(_publish(sys.argv[1], sys.argv[2], int(sys.argv[3])))
