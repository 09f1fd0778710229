"""A process that holds a store's lock, as an active server does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stanlocal.store.layout import lock_file

_HOLD = """
import fcntl, sys
file = open(sys.argv[1], "a+")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holding_lock(store: Path) -> Iterator[int]:
    """The pid of a process that has the lock for as long as the block lasts."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(lock_file(store))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process.pid
        process.kill()
