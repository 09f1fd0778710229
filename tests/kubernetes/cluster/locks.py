"""Locks between processes, held on folders: the system gives them back when their holder ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tests.kubernetes.cluster.layout import Paths

MACHINE = Path("/var/lib")
"""Folder whose lock is held while the cluster is brought up or taken down; there is one on a machine."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder that exists; waits until no other process has it."""
    with _opened(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextmanager
def in_use(paths: Paths) -> Iterator[None]:
    """Keep a cluster, if there is one, from being used or taken down by others; waits until they are done."""
    with locked(paths.root) if paths.root.exists() else nullcontext():
        yield


def is_in_use(paths: Paths) -> bool:
    """Return whether tests use the cluster."""
    with _opened(paths.root) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
