"""Gotchas on a group of a cluster, whose user breaks the cluster while stanlocal watches and explains.

stanlocal cannot reach a cluster's machines. So such a gotcha changes nothing: it says what to break, waits
for that, and reports what the servers and the cluster show until the damage is repaired.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from stanlocal.errors import GroupError, MonitorError, Refused, Unsupported
from stanlocal.gotchas.base import Gotcha, OnCluster, Say, Seen, is_shown
from stanlocal.group.core import Group
from stanlocal.group.watch import Watch
from stanlocal.logs.merge import NodeLine
from stanlocal.model.plan import GroupPlan
from stanlocal.model.states import GroupState, GroupStatus, NodeStatus
from stanlocal.monitor.client import ask_role, status

WAIT_S = 600.0
"""Seconds for the user to break what the gotcha asks for, and again to mend it."""
_ANSWER_S = 3.0
"""Seconds for the answer of a monitor; one that is cut off does not answer."""

_LASTS_S = 2.0
"""Seconds after which two actives are no mistake: the end of a server shows within one or two."""


class Spectator:
    """A group of a cluster that is watched while its user breaks the cluster."""

    def __init__(self, core: Group, plan: GroupPlan, pattern: str, say: Say, wait_s: float) -> None:
        self.core = core
        self.plan = plan
        self.say = say
        self.wait_s = wait_s
        self.lines: list[str] = []
        """Lines that the gotcha is about, each with its node's name in front."""
        self._wanted = re.compile(pattern)
        self._live = False
        self._said: object = None
        """Key of the status that was reported last."""
        self._watch = Watch(core.engine, plan, core.home.journal, on_lines=self._take)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch the group during the block."""
        async with self._watch as watch:
            await watch.caught_up()
            self._live = True
            yield

    def _take(self, lines: Sequence[NodeLine]) -> None:
        """Report the servers' milestones, warnings and errors that are written from now on."""
        for entry in lines if self._live else ():
            text = entry.line.text
            if self._wanted.search(text):
                self.lines.append(f"{entry.node}: {text}")
            if is_shown(entry.line):
                self.say(f"   {_clock(entry.line.time)} {entry.node}: {text}")

    async def until(self, reached: Callable[[GroupStatus], bool], waiting_for: str) -> GroupStatus:
        """Report each change of the group's status up to the first that satisfies `reached`; return that one.

        Raises `WaitTimeout` after `wait_s` seconds.
        """
        try:
            async with asyncio.timeout(self.wait_s), aclosing(self._watch.changes()) as changes:
                async for found in changes:
                    self._report(found)
                    if reached(found):
                        return found
        except TimeoutError:
            raise self._watch.timed_out(self.wait_s, waiting_for) from None
        raise AssertionError("the changes of a watched group have no end")

    async def lasts(self, state: GroupState, seconds: float) -> bool:
        """Whether the group stays in a state for that time; report what it is otherwise."""
        try:
            async with asyncio.timeout(seconds), aclosing(self._watch.changes()) as changes:
                async for found in changes:
                    self._report(found)
                    if found.state is not state:
                        return False
        except TimeoutError:
            pass
        return True

    def _report(self, found: GroupStatus) -> None:
        key = found.state, tuple((node.state, node.partitioned) for node in found.nodes)
        if key != self._said:
            self._said = key
            self.say(f"-> {_clock(datetime.now(UTC))} {_described(found)}")

    async def ask_all(self) -> None:
        """Report what each node's monitor says about the node itself."""
        await asyncio.gather(*(self._ask(node.name) for node in self.plan.nodes))

    async def _ask(self, name: str) -> None:
        monitor = self.core.engine.monitor(self.plan, self.plan.node(name))
        answer = await ask_role(monitor, _ANSWER_S)
        if answer.state is None:
            self.say(
                f"-> {name} does not answer from here: whoever still reaches its machine is served by it"
            )
            return
        try:
            code = await status(monitor, "/streaming/isFTActive", _ANSWER_S)
        except MonitorError:
            self.say(f"-> {name} answers: {answer.state}")
        else:
            self.say(f"-> {name} answers: {answer.state}, and {code} at /streaming/isFTActive")


def _clock(time: datetime) -> str:
    return f"{time:%H:%M:%S}.{time.microsecond // 100_000}"


def _described(found: GroupStatus) -> str:
    nodes = ", ".join(
        f"{node.name} {node.state.value}{', cut off' if node.partitioned else ''}" for node in found.nodes
    )
    return f"the group is {found.state.value}: {nodes}{f' ({found.problem})' if found.problem else ''}"


def _on(node: NodeStatus) -> str:
    return f"{node.name} on {node.instance.machine or '?'}"


async def watch_two_actives(stage: Spectator) -> None:
    """Ask for a cut of the active node's machine, and report until one of two actives has stepped down."""
    look = await stage.core.look()
    active, standbys = _spread(look.status)
    machine = active.instance.machine
    stage.say(f"{_on(active)} is active; {' and '.join(map(_on, standbys))} would take over")
    stage.say(
        f"now cut {machine} off from the other machines and from the storage, and leave it running: pull its "
        "cable, detach its network in the cloud's console, on kind 'docker network disconnect kind "
        f"{machine}'; everything that runs there is cut off with it"
    )
    stage.say(f"stanlocal changes nothing, and waits for {stage.wait_s:g} s; Ctrl-C ends it")

    def decided(found: GroupStatus) -> bool:
        return found.state is GroupState.SPLIT_BRAIN or found.active not in (None, active.name)

    found = await stage.until(decided, f"{machine} to be cut off and another node to take over")
    while found.state is GroupState.SPLIT_BRAIN and not await stage.lasts(found.state, _LASTS_S):
        found = await stage.until(decided, f"{machine} to be cut off and another node to take over")
    if found.state is not GroupState.SPLIT_BRAIN:
        raise GroupError(
            f"{found.active} has taken over from {active.name}, which had ended: a failover, not two "
            "actives; cut off the network of the machine, and leave the server running"
        )
    await stage.ask_all()
    stage.say(f"now connect {machine} again, within {stage.wait_s:g} s")
    found = await stage.until(
        lambda status: status.state is GroupState.HEALTHY, f"{machine} to be back and one active node"
    )
    stage.say(f"{found.active} is the one that goes on")


def _spread(found: GroupStatus) -> tuple[NodeStatus, list[NodeStatus]]:
    """Return the active node, and the standbys on other machines; raise `Refused` if either is missing."""
    if found.state is not GroupState.HEALTHY or found.active is None:
        raise Refused(
            f"the group is {found.state.value}, and a cut would add to that; see 'stanlocal status' and "
            "bring it to healthy first"
        )
    active = found.node(found.active)
    others = [node for node in found.nodes if node.instance.machine != active.instance.machine]
    if not others:
        raise Refused(
            f"all pods run on {active.instance.machine}: once it is cut off, no other pod can take over; "
            "spread them over machines (podAntiAffinity) first"
        )
    return active, others


TWO_ACTIVES_WATCHED = OnCluster(
    watch_two_actives,
    "An active never looks at its lock again. The file server takes the lock from a machine that it has "
    "not heard for some seconds, and a standby elsewhere, which misses the heartbeats, gets it. The "
    "cut-off server does not learn of it: it serves whoever reaches it, so that two servers take "
    "themselves for the one that may write the store. When they hear each other's heartbeats, the one "
    "that became active later panics.",
    "Fence: make sure that a lost machine is off before another takes its lock, and delete its pod by "
    "force only then. Alert on more than one 200 at /streaming/isFTActive, and on machines that do not "
    "answer. Afterwards restart the survivor, too: it may serve without a lock, so that the next pause "
    "brings two actives again.",
)


async def run_watched(gotcha: Gotcha, core: Group, *, say: Say, wait_s: float = WAIT_S) -> Seen:
    """Show a gotcha on the group, whose user breaks the cluster.

    Raises `Unsupported` for one that needs a scratch group, `Refused` for a group on which it cannot show,
    `WaitTimeout` if the damage or its end does not come, and `GroupError` if something else happened.
    """
    shown = gotcha.on_cluster
    if shown is None:
        raise Unsupported(
            f"the gotcha '{gotcha.name}' sets up a scratch group, which it does not do on a cluster; use "
            "'--engine docker', or see 'two-actives', which shows on a cluster"
        )
    plan, _ = await core.find()
    stage = Spectator(core, plan, gotcha.line, say, wait_s)
    async with stage.watching():
        await shown.watch(stage)
    if not stage.lines:
        raise GroupError(
            f"no server said /{gotcha.line}/ in a log that the cluster still has; see 'stanlocal logs'"
        )
    return Seen(replace(gotcha, happened=shown.happened, production=shown.production), tuple(stage.lines))
