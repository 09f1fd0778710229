"""Memory that code takes, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from tests.support.cost import unmeasured

ROOT = Path(__file__).resolve().parents[2]
_BEGIN = """
import resource

before = 0

def peak():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except FileNotFoundError:  # not Linux, whose ru_maxrss begins with that of the parent process
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def start():
    global before
    before = peak()

def mark(name):
    print("case", peak() - before, name)
"""
_END = """
print("took", peak() - before)
"""


def peak_above_start(code: str) -> int:
    """Return the bytes of memory that `code` takes at most after it called `start()`."""
    return int(_run(code).split()[-1]) << 10


def too_large(code: str, most: int) -> list[str]:
    """Return the names of the cases in `code` that end above `most` bytes, for few processes.

    The code calls `start()`, and `mark(name)` after each case. A peak stays, so the first name counts.
    """
    cases = [line.split(" ", 2) for line in _run(code).splitlines() if line.startswith("case ")]
    assert cases, "no case was marked"
    return [f"{name}: {int(peak) >> 10} MB" for _, peak, name in cases if int(peak) << 10 >= most]


def _run(code: str) -> str:
    command = [sys.executable, "-c", _BEGIN + dedent(code) + _END]
    done = subprocess.run(
        command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
