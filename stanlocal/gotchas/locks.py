"""Gotchas about the store lock and the active node."""

from __future__ import annotations

from stanlocal.gotchas.base import Gotcha, Stage
from stanlocal.gotchas.watched import TWO_ACTIVES_WATCHED
from stanlocal.model.states import GroupState
from stanlocal.monitor.client import fetch, is_alive, status


async def _two_actives(stage: Stage) -> None:
    await stage.publish("orders", b"1")
    stage.say("the lock of the active node expires, as a lease on a network file system does")
    fault = await stage.group.expire_lock()
    await stage.state()
    stage.say("now the two hear each other again")
    await fault.heal()
    await stage.state()


TWO_ACTIVES = Gotcha(
    "two-actives",
    "Two actives at once, then one panics",
    r"claims to be active, aborting",
    "An active never looks at its lock again. Where the lock was not really shared, or its lease ran out, "
    "a standby gets one too, and both write into one store. When they hear each other's heartbeats, the "
    "one that became active later panics.",
    "Keep the store on a file system whose locks hold (NFSv4 with hard mounts, or a block device that one "
    "node mounts), and never remove .rootdir.lck. After the panic restart the survivor too: its lock is on "
    "the old file, so the next pause would bring two actives again.",
    _two_actives,
    on_cluster=TWO_ACTIVES_WATCHED,
)


async def _all_standby(stage: Stage) -> None:
    stage.say("the active node freezes: its process is stopped, and keeps the lock")
    fault = await stage.group.pause("@active")
    await stage.lines(ALL_STANDBY.line)
    await stage.state()
    stage.say("after a second try the standby is silent for longer and longer, but still tries every 1.25 s")
    await fault.heal()
    await stage.group.wait_state(GroupState.HEALTHY)


ALL_STANDBY = Gotcha(
    "all-standby",
    "No node is active, and the standbys stay standbys for ever",
    r"ft: unable to get store lock at this time, going back to standby",
    "The lock belongs to a process, and is free when that process ends. One that is frozen, swapped out or "
    "cut off is alive, so no standby can take over. The line is repeated after 1, 2, 4 and up to 60 s, "
    "whereas the lock is tried for every 1.25 s: silence does not mean that no standby tries.",
    "Let a liveness probe kill an active that does not answer: failover happens only when its process "
    "ends. Alert on 'no node answers 200 on /streaming/isFTActive', not on the line.",
    _all_standby,
)


async def _not_shared(stage: Stage) -> None:
    stage.say("each node gets a store of its own, as with one volume for each replica")
    await stage.stop_all()
    for index, _ in enumerate(stage.plan.nodes):
        where = stage.plan.server_store_dir
        stage.rewrite(index, f'dir: "{where}"', f'dir: "{where}/own-{index}"')
    first = stage.plan.nodes[0].name
    await stage.group.start(first)
    await stage.group.wait_active()
    await stage.group.start("1")
    await stage.publish("orders", b"1", b"2", b"3")
    stage.say("three messages are acknowledged by the active node, which is killed now")
    await stage.group.kill(first)
    await stage.group.wait_active()
    await stage.state()
    document = await fetch(stage.plan.monitor(stage.plan.nodes[1]), "/streaming/serverz", 5)
    stage.say(f"-> the new active has {document['total_msgs']} messages")


NOT_SHARED = Gotcha(
    "store-not-shared",
    "After the failover everything is gone",
    r"STREAM: No recovered state",
    "Each node locked and used a store of its own. Heartbeats kept the second a standby, so all looked "
    "well until the first ended: then the second took its own lock, on its own empty store.",
    "Give all nodes one volume (ReadWriteMany in Kubernetes), not a claim template for each replica. On a "
    "group that had messages 'No recovered state' at a takeover is an alarm.",
    _not_shared,
)


async def _who_is_active(stage: Stage) -> None:
    for node in stage.plan.nodes:
        monitor = stage.plan.monitor(node)
        answers = "answers" if await is_alive(monitor, 5) else "does not answer"
        state = (await fetch(monitor, "/streaming/serverz", 5))["state"]
        code = await status(monitor, "/streaming/isFTActive", 5)
        stage.say(f"-> {node.name}: GET / {answers}; serverz says {state}; isFTActive answers {code}")


WHO_IS_ACTIVE = Gotcha(
    "who-is-active",
    "Every node looks well; which one is active?",
    r"STREAM: Server is active",
    "A standby's NATS server is up: it takes clients, answers GET / and /healthz, and even forwards to the "
    "active node. And 'Server is active' only says that it has the lock: it serves after 'Streaming "
    "Server is ready'.",
    "Ask /streaming/isFTActive (200 on the active, 204 on others, since 0.18), with a deadline, because it "
    "does not answer while a store is recovered. Do not make it a readiness probe: standbys would never "
    "be ready.",
    _who_is_active,
)
