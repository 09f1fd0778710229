"""`FakeServer`: a nats-streaming-server of an FT group in memory: its log lines, its lock, its end.

The lines are those of the real server 0.25.6; the waits are milliseconds.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

VERSION = "0.25.6"


@dataclass(frozen=True, slots=True)
class Pace:
    """Durations in seconds; the real server's are in the comments."""

    boot: float = 0.001  # 0.03
    ft_wait: float = 0.005  # 1.25
    recovery: float = 0.001  # depends on the store
    shutdown: float = 0.001  # 0.002


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failure that keeps a server from becoming active, while it starts or recovers the store."""

    stage: Literal["boot", "recovery"]
    line: str | None = None
    """Last line that it writes before it ends; None: it hangs."""
    exit_code: int = 1


@dataclass(slots=True)
class Store:
    """The store folder that a group's servers share."""

    holder: FakeServer | None = None
    """Server that has the lock."""
    held_back: bool = False
    """Whether no server gets the lock for now, so that a test decides when a failover goes on."""
    written: bool = False
    """Whether a server has been active on it."""


@dataclass(slots=True, eq=False)
class FakeServer:
    """One run of a server, driven by timers on the running event loop."""

    name: str
    cluster_id: str
    store: Store
    pace: Pace
    trouble: Trouble | None
    routed: Callable[[], bool]
    """Returns whether its routes are up."""
    write: Callable[[str], None]
    """Receives one line of output."""
    ended: Callable[[int], None]
    """Receives the exit code."""
    clock: Callable[[], datetime]
    frozen: bool = False
    _life: Iterator[float] = field(init=False)
    _timer: asyncio.TimerHandle | None = field(init=False, default=None)
    _due: bool = field(init=False, default=False)
    """Whether a timer ran out while it was frozen."""

    def start(self) -> None:
        self._live(self._serve())

    # Time

    def _live(self, life: Iterator[float]) -> None:
        self._stand_still()
        self._life = life
        self._sleep(0)

    def _sleep(self, delay: float) -> None:
        if delay < math.inf:
            self._timer = asyncio.get_running_loop().call_later(delay, self._go_on)

    def _stand_still(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self) -> None:
        if self.frozen:
            self._due = True
            return
        delay = next(self._life, None)
        if delay is not None:
            self._sleep(delay)

    def thaw(self) -> None:
        self.frozen = False
        if self._due:
            self._due = False
            self._go_on()

    # Life

    def _say(self, message: str, level: str = "INF") -> None:
        self.write(f"[1] {self.clock():%Y/%m/%d %H:%M:%S.%f} [{level}] {message}")

    def _serve(self) -> Iterator[float]:
        self._say(f"STREAM: Starting nats-streaming-server[{self.cluster_id}] version {VERSION}")
        self._say(f"STREAM: ServerID: {secrets.token_hex(11)}")
        self._say("Starting nats-server")
        yield self.pace.boot
        if self.trouble and self.trouble.stage == "boot":
            yield from self._fail(self.trouble)
            return
        self._say("Server is ready")
        self._say("STREAM: Starting in standby mode")
        yield from self._await_lock()
        self._say("STREAM: Server is active")
        self._say("STREAM: Recovering the state...")
        yield self.pace.recovery
        if self.trouble and self.trouble.stage == "recovery":
            yield from self._fail(self.trouble)
            return
        self._say("STREAM: Recovered 0 channel(s)" if self.store.written else "STREAM: No recovered state")
        self.store.written = True
        self._say("STREAM: Message store is FILE")
        self._say("STREAM: Streaming Server is ready")
        yield math.inf

    def _await_lock(self) -> Iterator[float]:
        reported = False
        while True:
            yield self.pace.ft_wait
            if self.store.held_back:
                continue
            if self.store.holder is None:
                self.store.holder = self
                return
            if not reported and not self._hears(self.store.holder):
                reported = True
                self._say("STREAM: ft: unable to get store lock at this time, going back to standby")

    def _hears(self, other: FakeServer) -> bool:
        return not other.frozen and other.routed() and self.routed()

    def _fail(self, trouble: Trouble) -> Iterator[float]:
        if trouble.line is None:
            yield math.inf
        else:
            self.write(trouble.line)
            self._end(trouble.exit_code)

    # Ends

    def signal(self, signal: str) -> None:
        """Act as the process does on the signal."""
        match signal:
            case "SIGKILL":
                self._end(137)
            case "SIGTERM":
                self._shut_down(143)
            case "SIGINT":
                self._shut_down(0)
            case "SIGQUIT" | "SIGABRT":
                self.write(f"{signal}: quit")
                self._end(2)
            case "SIGHUP":
                self._say("Reloaded server configuration")

    def _shut_down(self, exit_code: int) -> None:
        self.frozen = False  # the engine thaws a process that it sends a signal to
        self._live(self._farewell(exit_code))

    def _farewell(self, exit_code: int) -> Iterator[float]:
        self._say("STREAM: Shutting down.")
        self._say("Initiating Shutdown...")
        yield self.pace.shutdown
        self._say("Server Exiting..")
        self._end(exit_code)

    def _end(self, exit_code: int) -> None:
        self._stand_still()
        self._life = iter(())
        if self.store.holder is self:
            self.store.holder = None
        self.ended(exit_code)
