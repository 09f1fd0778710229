"""A state folder without a byte left: acts say so in one line, and the group can be taken down."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

GROUP = "full-disk"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, as the home of the state folder."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a file system")
    folder = tmp_path / "state"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this container may not mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def stanlocal(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stanlocal", "--engine", "process", "--group", GROUP, "--yes", *arguments],
        env={**os.environ, "XDG_STATE_HOME": str(state)},
        capture_output=True,
        text=True,
    )


def fill(state: Path) -> None:
    """Leave not a byte."""
    with (state / "ballast").open("ab", buffering=0) as file:
        for size in (1 << 16, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue


def test_acts_are_refused_in_one_line_and_down_and_purge_work_with_no_byte_left(state: Path) -> None:
    done = stanlocal(state, "up")
    assert done.returncode == 0, done.stderr
    try:
        fill(state)
        for act in (("kill", "@active"), ("pause", "@standby"), ("stop", "@all")):
            done = stanlocal(state, *act)
            assert done.returncode == 1, done.stderr
            (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
            assert "cannot be written: no space left on device; make room" in line
        fill(state)
        done = stanlocal(state, "down", "--timeout", "5")
        assert done.returncode == 0, done.stderr
        assert f"{GROUP} is down" in done.stderr
        fill(state)
    finally:
        done = stanlocal(state, "down", "--purge", "--timeout", "5")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (state / "stanlocal").iterdir()] == []
