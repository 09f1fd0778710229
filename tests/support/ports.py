"""Ports that tests give to servers and groups: each in a block that one holder at a time has.

A block is held by binding its first port, so no other test process of this machine has it, whoever runs
that, and the kernel gives it back with its holder. What a group has on record while it is down is thus not
taken by another test's server, nor by a group on the usual ports.

All blocks lie below the ports that the kernel gives to outgoing connections: one of those could be taken by
any connection between its choice and its server's start.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache

import pytest

from stanlocal.machine.ports import is_free
from stanlocal.settings.environment import FIRST_PORT
from stanlocal.settings.layer import ENVIRONMENT_PREFIX

VARIABLE = ENVIRONMENT_PREFIX + FIRST_PORT
_FIRST = 15_000
_LAST = 32_700
_SIZE = 250
"""Ports in a block; the groups of a module take fewer."""


@contextmanager
def block() -> Iterator[range]:
    """Hold a block of ports; nothing listens on any of them at first."""
    starts = range(_FIRST, _LAST - _SIZE, _SIZE)
    first_try = secrets.randbelow(len(starts))  # a block that was given back lately is not taken at once
    for index in range(len(starts)):
        start = starts[(first_try + index) % len(starts)]
        with closing(socket.socket()) as lock:
            if _bind(lock, start) and all(map(is_free, range(start + 1, start + _SIZE))):
                yield range(start + 1, start + _SIZE)
                return
    raise RuntimeError(f"every block of ports from {_FIRST} to {_LAST} is in use by another test process")


@contextmanager
def groups_in_a_block() -> Iterator[int]:
    """Have the ports of all groups that are made now begin in a block, whoever makes them; its first port."""
    with block() as ports, pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(ports[0]))
        yield ports[0]


def of_the_module() -> dict[str, str]:
    """The variable by which groups in an environment of their own begin in the block that is in force."""
    return {VARIABLE: os.environ[VARIABLE]}


def free_ports(count: int) -> list[int]:
    """Different TCP ports of the loopback that nothing has right now, and that no other call gets soon."""
    free: list[int] = []
    ports = _of_this_process(os.getpid())
    while len(free) < count:
        port = next(ports)
        with closing(socket.socket()) as tried:
            if _bind(tried, port):
                free.append(port)
    return free


@cache
def _of_this_process(pid: int) -> Iterator[int]:
    """The ports of a block that the process holds until it ends, longest unused first."""

    def round_and_round() -> Iterator[int]:
        with block() as ports:
            while True:
                yield from ports

    return round_and_round()


def _bind(tried: socket.socket, port: int) -> bool:
    try:
        tried.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
