"""Gotchas about the contents of the store."""

from __future__ import annotations

from stanlocal.errors import StanlocalError
from stanlocal.faults.truncate_store import REPAIR, TruncateStore
from stanlocal.gotchas.base import Gotcha, Stage
from stanlocal.model.states import GroupState

_CHANNELS = 50
_MESSAGES = 4000
_CPU_SHARE = 0.03
_READY_S = 60.0


async def _slow_recovery(stage: Stage) -> None:
    stage.say(f"{_CHANNELS} channels with {_MESSAGES} messages each are published")
    batch = [b"x" * 100] * _MESSAGES
    async with stage.client("gotcha-publisher", retry=True, ack_timeout=60) as client:
        for channel in range(_CHANNELS):
            await client.publish_batch(f"orders.{channel}", batch)
    for index in stage.store.glob("*/msgs.*.idx"):
        index.unlink()
    standby = next(node.name for node in (await stage.group.look()).status.nodes if node.usable_standby)
    stage.say(f"the index files are gone, and {standby} gets {_CPU_SHARE:.0%} of a core, as on a slow volume")
    await stage.core.engine.limit_cpu(standby, _CPU_SHARE)
    fault = await stage.group.kill("@active")
    failover = await fault.failover(timeout=_READY_S)
    phases = ", ".join(f"{name} {ms:.0f} ms" for name, ms in failover.phases_ms.items() if ms is not None)
    stage.say(f"-> {phases}: from 'Server is active' to 'ready' no client was served")


SLOW_RECOVERY = Gotcha(
    "slow-recovery",
    "The server says that it is active, but clients are not served for minutes",
    r"STREAM: Recovering the state\.\.\.",
    "The new active reads the store before it serves: the index of each channel or, where that is missing "
    "or damaged, every message. 'Server is active' comes before, 'Streaming Server is ready' after that. "
    "The monitor does not answer meanwhile.",
    "Limit the store (max_age, max_msgs, max_bytes), keep it on a fast volume, raise parallel_recovery, "
    "and give clients and probes a time-out longer than the recovery: a probe that kills the node starts "
    "recovery again.",
    _slow_recovery,
)


async def _other_cluster_id(stage: Stage) -> None:
    await stage.stop_all()
    stage.say("the store is kept, but the servers get another cluster id")
    for index, _ in enumerate(stage.plan.nodes):
        stage.rewrite(index, f'id: "{stage.plan.cluster_id}"', 'id: "other"')
    await stage.group.start("@all")
    await stage.lines(OTHER_CLUSTER_ID.line)
    await stage.state()


OTHER_CLUSTER_ID = Gotcha(
    "other-cluster-id",
    "The group ends as soon as a node becomes active",
    r'cluster ID "other" does not match recovered value of',
    "A store belongs to the cluster id under which it was made. A node learns it only when it has the "
    "lock: it starts well, stands by, and ends the moment it is to take over; so does the next one.",
    "Do not reuse a volume under another cluster id, or set the id back. Nothing in the store is damaged "
    "by it.",
    _other_cluster_id,
)


async def _unexpected_eof(stage: Stage) -> None:
    await stage.publish("orders", b"whole", b"torn")
    stage.say("all nodes are killed, and the last message is left half written")
    await stage.group.inject(TruncateStore())
    await stage.state()
    stage.say(f"one node is started once with {REPAIR}")
    stage.say(f"-> {await stage.group.repair_store()}")
    await stage.group.wait_state(GroupState.HEALTHY)
    await stage.state()


UNEXPECTED_EOF = Gotcha(
    "unexpected-eof",
    "After a crash no server starts any more",
    r"unexpected EOF",
    "A crash of the machine, or a full disk, can leave the last record of a file half written. The server "
    "refuses such a store rather than drop what it cannot read; every node does in turn.",
    f"Copy the store. Then start one node, once, with {REPAIR}: it drops the torn record, which was not "
    "acknowledged if the volume keeps what was synced to it. Never leave the option on, nor give it to two "
    "nodes.",
    _unexpected_eof,
)


async def _group_name_missing(stage: Stage) -> None:
    await stage.stop_all()
    stage.say("the servers' ft_group_name is gone from their configuration")
    for index, _ in enumerate(stage.plan.nodes):
        stage.rewrite(index, f'ft_group_name: "{stage.plan.ft_group}"', "")
    stage.rewrite(1, f'dir: "{stage.plan.server_store_dir}"', f'dir: "{stage.plan.server_store_dir}/own"')
    try:
        await stage.group.start("0")
        await stage.group.wait_active()
        await stage.group.start("1")
    except StanlocalError as error:
        stage.say(f"-> {error}")
    await stage.lines(GROUP_NAME_MISSING.line)
    await stage.state()


GROUP_NAME_MISSING = Gotcha(
    "group-name-missing",
    "The second server ends at once",
    r"discovered another streaming server with cluster ID",
    "Without ft_group_name a server is not fault-tolerant but alone: it becomes active without a lock, and "
    "refuses to be the second one of its cluster id on the same NATS cluster.",
    "Give every node the same ft_group_name and the same cluster id. Unknown options are ignored in "
    "silence, so a misspelt ft_group_name looks like this, too.",
    _group_name_missing,
)
