"""Measurements of keys, states, processor and memory while the group is busy."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle

import psutil

from stanlocal.util.timestamps import rfc3339
from tests.bench.group.ours import Command
from tests.bench.tui.terminal import Screen

_LEVELS = ("no debug", "warnings and worse", "errors", "milestones", "all levels")
_KEY_EVERY_S = 0.4
_RESTART_EVERY_S = 20.0
_STANDBY = "Starting in standby mode"


@dataclass(slots=True)
class Measured:
    """The measurements of one application."""

    keys_ms: list[float] = field(default_factory=list)
    states_ms: list[float] = field(default_factory=list)
    """Milliseconds from the line in the node's log to the state on the screen."""
    cpu: float = 0.0
    """Share of a core."""
    memory_mb: list[float] = field(default_factory=list)
    """Resident, once a second."""


def measure(screen: Screen, command: Command, *, seconds: float, restarted: str | None = None) -> Measured:
    """Types for so long, and now and then restarts a standby; the logs are followed when it begins."""
    found = Measured()
    levels = cycle(_LEVELS)
    begin = restarted_at = time.monotonic()
    with _watched(screen.pid, found):
        while time.monotonic() - begin < seconds:
            level = next(levels)
            for key, text in (
                (" ", "paused"),
                (" ", "following"),
                ("l", level),
                ("5", "events"),
                ("1", level),
            ):
                time.sleep(_KEY_EVERY_S)
                pressed = screen.press(key)
                found.keys_ms.append((screen.seen(text) - pressed) * 1000)
            if restarted and time.monotonic() - restarted_at > _RESTART_EVERY_S:
                restarted_at = time.monotonic()
                found.states_ms.append(_state_change(screen, command, restarted))
    return found


@contextmanager
def _watched(pid: int, found: Measured) -> Iterator[None]:
    process, over = psutil.Process(pid), threading.Event()

    def sample() -> None:
        while not over.wait(1.0):
            found.memory_mb.append(process.memory_info().rss / 1e6)

    sampler = threading.Thread(target=sample)
    sampler.start()
    before, begin = process.cpu_times(), time.monotonic()
    try:
        yield
    finally:
        after, seconds = process.cpu_times(), time.monotonic() - begin
        found.cpu = (after.user - before.user + after.system - before.system) / seconds
        over.set()
        sampler.join()


def _state_change(screen: Screen, command: Command, node: str) -> float:
    """Milliseconds from the line that says that the node stands by to its card saying so."""
    begin = datetime.now(UTC)
    command.run("restart", node, "--timeout", "1")
    stood_by = _stood_by(command, node, begin)
    shown = screen.seen(f"standby since {stood_by.astimezone():%H:%M:%S}")
    return (shown - stood_by.timestamp()) * 1000


def _stood_by(command: Command, node: str, since: datetime) -> datetime:
    """Return when the node became a standby, by its own stamp."""
    line = command.line("logs", node, "--since", rfc3339(since), "--follow", "--json")
    with subprocess.Popen(line, env=command.env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            told = map(json.loads, process.stdout)
            return next(datetime.fromisoformat(line["time"]) for line in told if line["message"] == _STANDBY)
        finally:
            process.kill()
