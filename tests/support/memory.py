"""How much memory something takes, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[2]
_BEGIN = """
import resource

before = 0

def start():
    global before
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
"""
_END = """
print("took", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def peak_above_start(code: str) -> int:
    """The bytes of memory that `code` takes at most after it called `start()`."""
    command = [sys.executable, "-c", _BEGIN + dedent(code) + _END]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout.split()[-1]) << 10
