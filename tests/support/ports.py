"""Ports that tests give to servers and groups.

All lie below those that the kernel gives to outgoing connections: one of these could be taken by any
connection between its choice and its server's start.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from functools import partial

import pytest

from stanlocal.lifecycle import planner
from stanlocal.machine.ports import choose_ports

_EACH = 20
"""For each kind of port; more than any test has nodes."""

_WORKERS = 8
_A_WORKERS = 450
_SERVERS_FIRST = 29_100


def _round_and_round() -> Iterator[int]:
    """The ports of this worker of a test run, longest unused first."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    first = _SERVERS_FIRST + worker * _A_WORKERS
    while True:
        yield from range(first, first + _A_WORKERS)


_next_ports = _round_and_round()


def free_ports(count: int) -> list[int]:
    """Different TCP ports of the loopback that nothing has right now, and that no other call gets soon."""
    free: list[int] = []
    while len(free) < count:
        port = next(_next_ports)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        free.append(port)
    return free


def use_ports_of_its_own(group: str, patch: pytest.MonkeyPatch) -> int:
    """Has the ports of all groups that are made now begin at a place that the name decides; which it is."""
    first = 14_000 + int(group.removeprefix("t-"), 16) % 15_000
    mine = partial(choose_ports, first_client=first, first_monitor=first + _EACH)
    patch.setattr(planner, "choose_ports", mine)
    patch.setattr(planner, "CLUSTER_PORT", first + 2 * _EACH)
    patch.setattr(planner, "INNER_PORT", first + 3 * _EACH)
    return first
