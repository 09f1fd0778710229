"""A store as an unclean stop can leave it: the last record of a file is cut short.

No node serves then: each takes the lock in turn, prints `unexpected EOF` and ends. The server's own remedy
is `-file_truncate_bad_eof`, which drops the torn record. It must be used once, on one node: a second server
that is started with it refuses, and it must not stay on.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from stanlocal.engine.base import Ability
from stanlocal.errors import GroupError, Refused
from stanlocal.faults.base import Fault, Scene, recover
from stanlocal.faults.expectation import Expectation
from stanlocal.group.core import Group
from stanlocal.group.retirement import retire
from stanlocal.group.store_snapshots import folder, snapshot_frozen
from stanlocal.model.fault_record import Condition, FaultRecord
from stanlocal.model.plan import GroupPlan, NodePlan
from stanlocal.model.states import GroupState, GroupStatus, NodeStatus
from stanlocal.store.format.files import opened_file
from stanlocal.store.format.records import Record as StoredRecord
from stanlocal.store.format.records import read_records
from stanlocal.store.guard import drafts
from stanlocal.store.layout import is_channels
from stanlocal.store.local import local_store
from stanlocal.util.tasks import all_to_end, run_to_end

REPAIR = "-file_truncate_bad_eof"
"""The server's own option; there is none in its configuration file."""
_CUT_BYTES = 3
_REFUSE_S = 20.0
"""Seconds until all nodes have refused the store: each waits up to 1.4 s for the lock of the one before."""
_REPAIR_S = 60.0
"""Seconds that a node may take to read and repair the store."""
_ONCE = "once-"
"""Prefix of the fingerprint of a node that was made with the option."""


@dataclass(frozen=True, slots=True)
class TruncateStore(Fault):
    """An end of all nodes with a torn last message in the store, on which they are started again."""

    name: ClassVar[str] = "truncate-store"
    summary: ClassVar[str] = "cut the store's last message short, as an unclean stop can: no node will serve"
    needs: ClassVar[tuple[Ability, ...]] = ("files", "start")
    leaves: ClassVar[Condition | None] = "other"
    in_store: ClassVar[bool] = True
    ends_run: ClassVar[bool] = True
    costs_data: ClassVar[str | None] = (
        "all nodes are killed, and the last message in the store is damaged (a copy is taken before)"
    )
    default_targets: ClassVar[tuple[str, ...]] = ("@all",)

    def check(self, scene: Scene) -> None:
        if len(scene.targets) != len(scene.status.nodes):
            raise Refused("truncate-store damages the store of all nodes; leave its targets out")
        if _victim(local_store(scene.plan)) is None:
            raise Refused("truncate-store needs a message in the store; try 'stanlocal pub demo hello'")

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        return Expectation(
            "every node in turn takes the store lock, finds the last message cut short and refuses to serve "
            "('unexpected EOF', exit 1); no node serves until the store is healed, or repaired with the "
            f"server's own {REPAIR}",
            (GroupState.DOWN,),
            within_s=_REFUSE_S,
        )

    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        group, store = scene.group, local_store(scene.plan)
        copy = f"before-truncate-store-{secrets.token_hex(4)}"
        await snapshot_frozen(group, copy)
        scene.note({"snapshot": copy})
        running = [node.name for node in scene.targets if node.instance.running]
        await all_to_end(*(group.kill(name, "SIGKILL") for name in running))
        victim = _victim(store)
        if victim is None:
            raise GroupError("the store's messages went away meanwhile; try again")
        file, size, tail = victim
        scene.note({"file": file, "size": size, "tail": base64.b64encode(tail).decode()})
        os.truncate(store / file, size - len(tail))
        hit = datetime.now(UTC)
        await all_to_end(*(group.start(node.name) for node in scene.targets))
        await group.wait(
            lambda status: status.all_failed,
            timeout=_REFUSE_S,
            waiting_for="every node to refuse the damaged store",
        )
        return dict.fromkeys((node.name for node in scene.targets), hit)

    @classmethod
    async def undo(cls, group: Group, fault: FaultRecord, nodes: Collection[str]) -> None:
        """Restore the bytes that were cut off, unless a server has repaired the store meanwhile.

        Also thaw the nodes and remove the incomplete copy that a tool leaves if it is killed while copying.
        """
        plan, _ = await group.find()
        names = [node.name for node in plan.nodes]
        await recover(group, "frozen", names)
        drafts.remove_unfinished(folder(group))
        await _forget_option(group)
        if "file" in fault.notes:
            file = local_store(plan) / fault.notes["file"]
            tail = base64.b64decode(fault.notes["tail"])
            if missing := _missing(file, fault.notes["size"], tail):
                instances = await group.engine.instances(group.name)
                running = [instance.name for instance in instances if instance.running]
                await all_to_end(*(group.kill(name, "SIGKILL") for name in running))
                with file.open("ab") as damaged:
                    damaged.write(missing)
        await recover(group, "ended", names)


async def repair(group: Group) -> str:
    """Let one node of a stopped group drop the torn record, then start all nodes; call it with the lock held.

    Return the server's log line about it; empty if it dropped nothing. Raise `Refused` if nodes run or are
    gone, and `WaitTimeout` if the node does not become active.
    """
    plan, instances = await group.find()
    if any(instance.running for instance in instances):
        raise Refused("a repair needs all nodes to be stopped; 'stanlocal stop @all' first")
    chosen = plan.nodes[0]
    wanted = next((instance.fingerprint for instance in instances if instance.name == chosen.name), None)
    if wanted is None:
        raise Refused(
            f"{chosen.name} does not exist, so it cannot repair the store; put a snapshot back with "
            f"'stanlocal store restore', or run a server with {REPAIR} once on {plan.store_location}"
        )
    once = replace(chosen, arguments=(REPAIR,))
    with_option = replace(plan, nodes=(once, *plan.nodes[1:]))
    try:
        await retire(group, chosen.name, 0)
        await group.engine.create(with_option, once, f"{_ONCE}{wanted}")
        await group.engine.start(with_option, chosen.name)
        await group.wait(
            lambda status: status.active == chosen.name,
            timeout=_REPAIR_S,
            waiting_for=f"{chosen.name} to serve after a repair by {REPAIR}",
        )
        said = await _said(group, chosen.name, "has been truncated to offset")
        await group.stop(chosen.name, plan.stop_grace_s)
    finally:
        await run_to_end(_put_back(group, plan, chosen, wanted))
    await recover(group, "ended", [node.name for node in plan.nodes])
    return said


async def _said(group: Group, node: str, part: str) -> str:
    """Return the node's first line with that part; empty if there is none."""
    async with aclosing(group.engine.output(node)) as output:
        async for batch in output:
            for line in batch:
                if part in line.text:
                    return line.text
    return ""


async def _put_back(group: Group, plan: GroupPlan, node: NodePlan, fingerprint: str) -> None:
    """Leave no node with the option, and make the node again if it is missing."""
    await _forget_option(group)
    if all(instance.name != node.name for instance in await group.engine.instances(group.name)):
        await group.engine.create(plan, node, fingerprint)


async def _forget_option(group: Group) -> None:
    """Replace nodes that were made with the option, so that it does not stay on."""
    plan, instances = await group.find()
    for instance in instances:
        if instance.fingerprint.startswith(_ONCE):
            plain = replace(plan.node(instance.name), arguments=())
            nodes = tuple(plain if node.name == plain.name else node for node in plan.nodes)
            await retire(group, instance.name, plan.stop_grace_s)
            await group.engine.create(
                replace(plan, nodes=nodes), plain, instance.fingerprint.removeprefix(_ONCE)
            )


def _missing(file: Path, size: int, tail: bytes) -> bytes:
    """Return the bytes missing at the file's end: all that was cut off, or the rest if an undo was killed.

    Empty if the file is not as the fault left it.
    """
    if not file.is_file():
        return b""
    kept = file.stat().st_size - (size - len(tail))
    if not 0 <= kept < len(tail):
        return b""
    with file.open("rb") as damaged:
        damaged.seek(size - len(tail))
        return tail[kept:] if damaged.read() == tail[:kept] else b""


def _victim(store: Path) -> tuple[str, int, bytes] | None:
    """Return the file with the store's newest message, its size, and the last bytes of that message."""
    files = [
        path
        for path in store.glob("*/msgs.*.dat")
        if is_channels(path.name) and path.is_file() and not path.is_symlink()
    ]
    for path in sorted(files, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        name = f"{path.parent.name}/{path.name}"
        with opened_file(store, name) as file:
            last = None
            for found in read_records(file, typed=False):
                last = found
            if isinstance(last, StoredRecord) and last.end == file.size:
                return name, file.size, file.read(file.size - _CUT_BYTES, _CUT_BYTES)
    return None
