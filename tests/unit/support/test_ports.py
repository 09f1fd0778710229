"""The ports of tests: what one test process holds, no other gets."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import closing

from tests.support.cli import ROOT
from tests.support.ports import block, free_ports, groups_in_a_block, of_the_module

_HOLD = """
import sys
from tests.support.ports import block
with block() as ports:
    print(ports.start, ports.stop, flush=True)
    sys.stdin.read()
"""


def test_blocks_of_processes_are_disjoint_and_are_given_back_by_a_killed_one() -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", _HOLD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other,
        block() as mine,
    ):
        assert other.stdout is not None
        theirs = range(*map(int, other.stdout.readline().split()))
        assert not set(mine) & set(theirs)
        with closing(socket.socket()) as lock, block() as third:
            assert not set(third) & (set(mine) | set(theirs))
            assert lock.connect_ex(("127.0.0.1", theirs.start)) != 0
        other.kill()
        other.wait()
        with closing(socket.socket()) as lock:
            lock.bind(("127.0.0.1", theirs.start - 1))


def test_ports_of_servers_are_not_those_of_groups() -> None:
    with groups_in_a_block() as first:
        assert of_the_module() == {"STANLOCAL_FIRST_PORT": str(first)}
        taken = free_ports(20)
        assert len(set(taken)) == 20
        assert not set(taken) & set(range(first, first + 249))
