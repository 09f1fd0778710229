"""A small file system of a trial's own, which can be filled; root mounts it."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PAGE = 4096
"""Bytes that the file system gives at least."""


def may_mount() -> bool:
    """Return whether file systems may be mounted, which takes root on Linux."""
    tried = ["unshare", "--mount", "mount", "-t", "tmpfs", "soak", "/mnt"]
    return os.geteuid() == 0 and subprocess.run(tried, capture_output=True).returncode == 0


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """The file system, which is mounted."""

    folder: Path

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self, spare_pages: int = 0) -> None:
        """Leave only so many pages, or none."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    os.write(file.fileno(), bytes(_PAGE))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            file.truncate(max(0, file.tell() - spare_pages * _PAGE))

    def free(self) -> None:
        """Give all room back."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a file system of that size at the folder, which is made; it is gone afterwards."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "soak", folder], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()
