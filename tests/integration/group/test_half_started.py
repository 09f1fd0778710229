"""A node whose process runs although its engine takes it for ended, as after a kill of the daemon in a start.

A process in a cgroup of the container's name stands for the server of such a node.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stanlocal.api import FTGroup

pytestmark = pytest.mark.only_on("docker", "no daemon stands between stanlocal and a process of this machine")

_HIERARCHIES = ("/sys/fs/cgroup/pids", "/sys/fs/cgroup")
"""Version 1 has a folder for each controller, version 2 has one for all."""


@contextmanager
def unknown_process(container: str) -> Iterator[subprocess.Popen[bytes]]:
    cgroup = next(Path(each) for each in _HIERARCHIES if Path(each, "cgroup.procs").exists()) / container
    cgroup.mkdir()
    process = subprocess.Popen(["sleep", "60"])
    try:
        (cgroup / "cgroup.procs").write_text(str(process.pid))
        yield process
    finally:
        process.kill()
        process.wait()
        cgroup.rmdir()


async def test_up_ends_the_process_and_makes_the_node_again_under_its_ports(group: FTGroup) -> None:
    before = await group.up()
    await group.kill("1")
    was = before.status.nodes[1].instance.id
    with unknown_process(was) as process:
        after = await group.up()
        assert process.wait(10) == -signal.SIGKILL
    assert after.status.nodes[1].instance.id != was
    assert after.plan.client_urls == before.plan.client_urls


async def test_down_ends_the_process(group: FTGroup) -> None:
    look = await group.up()
    await group.kill("1")
    with unknown_process(look.status.nodes[1].instance.id) as process:
        await group.down(timeout=0)
        assert process.wait(10) == -signal.SIGKILL
