"""Groups without a name: each a group of its own, gone with its block, or with its process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stanlocal import FTGroup, sync
from tests.support.cli import ROOT
from tests.support.processes import processes_of

pytestmark = pytest.mark.server

_WAITS = """
from stanlocal import sync
with sync.FTGroup(engine="process") as group:
    print(group.look().plan.group, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def _environment(home: Path, server_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    monkeypatch.setenv("STANLOCAL_ENGINE", "process")
    monkeypatch.setenv("STANLOCAL_SERVER_BINARY", str(server_binary))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)


def _groups(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "stanlocal").iterdir())


async def test_it_takes_no_port_and_no_name_of_another_and_leaves_nothing(home: Path) -> None:
    async with FTGroup() as one, FTGroup() as other:
        plans = [(await group.look()).plan for group in (one, other)]
        assert _groups(home) == sorted(plan.group for plan in plans)
        ports = [port for plan in plans for node in plan.nodes for port in node.host_ports]
        assert len(set(ports)) == len(ports)
        async with one.connect("c") as client:
            await client.publish("orders", b"1")
    assert (_groups(home), processes_of(home)) == ([], set())


def test_the_blocking_view_does_the_same(home: Path) -> None:
    with sync.FTGroup() as group:
        assert [group.look().plan.group] == _groups(home)
    assert (_groups(home), processes_of(home)) == ([], set())


def test_one_whose_process_was_killed_is_removed_by_the_next(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        left = process.stdout.readline().strip()
        with sync.FTGroup():
            assert left in _groups(home), "its process is alive"
        process.kill()
        process.wait()
    assert _groups(home) == [left]
    with sync.FTGroup():
        pass
    assert (_groups(home), processes_of(home)) == ([], set())
