"""A group's store with one message, which a fault cuts short."""

from __future__ import annotations

from pathlib import Path

from stanlocal.faults import injection
from stanlocal.faults.truncate_store import TruncateStore
from stanlocal.group.core import Group
from stanlocal.model.fault_record import FaultRecord
from stanlocal.testing.fake.server import Trouble
from tests.support.stores import Slice
from tests.support.world import World


def put_a_message(world: World) -> None:
    """Put a message into the store of a group that is up."""
    file = _file(world)
    file.parent.mkdir()
    file.write_bytes(_content())


def is_whole(world: World) -> bool:
    """Whether the message is in the store as it was put there."""
    return _file(world).read_bytes() == _content()


async def tear(world: World, group: Group) -> FaultRecord:
    """Inject a fault that freezes the nodes, copies the store, damages it, and has every node refuse it."""
    refusal = Trouble(
        "recovery", "[1] 2026/01/01 00:00:00.000000 [FTL] STREAM: Failed to start: unexpected EOF"
    )
    world.machine.troubles.update(dict.fromkeys(world.machine.nodes, refusal))
    return await injection.inject(group, TruncateStore())


def _file(world: World) -> Path:
    return world.home.default_store / "orders/msgs.1.dat"


def _content() -> bytes:
    data = Slice()
    data.add(1, b"whole")
    return bytes(data.data)
