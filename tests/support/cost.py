"""Time that code takes, measured in ways that a busy machine and the measuring of coverage do not change."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEDULER = Path("/proc/thread-self/schedstat")
_NANO = 1_000_000_000


def unmeasured() -> dict[str, str]:
    """The environment for a process that is timed, or whose memory is measured: its coverage is not."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


@contextmanager
def processor_time_below(seconds: float) -> Iterator[None]:
    """Fail when the block takes more of the processor; coverage is not measured meanwhile."""
    tracer = sys.gettrace()
    sys.settrace(None)
    began = time.process_time()
    try:
        yield
        took = time.process_time() - began
    finally:
        sys.settrace(tracer)
    assert took < seconds, f"{took:.2f} s of the processor"


@contextmanager
def waiting_below(seconds: float) -> Iterator[None]:
    """Fail when this thread sleeps or waits for more than that in the block.

    Time in which it could run, and other processes had the processor, does not count where Linux tells it.
    """
    began, ran = time.monotonic(), _running()
    yield
    waited = time.monotonic() - began - (_running() - ran)
    assert waited < seconds, f"{waited:.2f} s of waiting"


def _running() -> float:
    """Seconds in which this thread ran or could have run."""
    try:
        on_processor, in_queue, _ = map(int, _SCHEDULER.read_text().split())
    except FileNotFoundError:
        return 0.0
    return (on_processor + in_queue) / _NANO
