"""The gotcha of two actives on a cluster: its user cuts a machine off, stanlocal watches and explains."""

from __future__ import annotations

import asyncio

import pytest

from stanlocal.api import core_of
from stanlocal.errors import GroupError, Refused, Unsupported, WaitTimeout
from stanlocal.gotchas.registry import GOTCHAS
from stanlocal.gotchas.watched import run_watched
from stanlocal.model.states import GroupState
from tests.kubernetes.deployed_group import ACTIVE, DeployedGroup
from tests.kubernetes.guides_group import healthy
from tests.kubernetes.real_site import RealSite
from tests.kubernetes.sites import FakeSite, Site

pytestmark = pytest.mark.timeout(300)
_TWO_ACTIVES = GOTCHAS["two-actives"]


class Said:
    """The lines that a gotcha has said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._news = asyncio.Event()

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self._news.set()

    async def awaited(self, words: str, timeout: float) -> str:
        """Return the first line with these words."""
        async with asyncio.timeout(timeout):
            while not (found := [line for line in self.lines if words in line]):
                self._news.clear()
                await self._news.wait()
        return found[0]


async def test_the_cut_is_asked_for_watched_and_explained_up_to_its_end(any_site: Site) -> None:
    async with healthy(any_site) as (group, first), asyncio.TaskGroup() as tasks:
        said = Said()
        shown = tasks.create_task(
            run_watched(_TWO_ACTIVES, await core_of(group), say=said, wait_s=any_site.timeout)
        )
        machine = (await group.look()).status.node(first).instance.machine
        assert f"cut {machine} off" in await said.awaited("now cut", any_site.timeout)
        await any_site.cut(first)
        split = await said.awaited("the group is split-brain", any_site.timeout)
        assert f"{first} (on {machine}" in split
        assert "are both active over one store" in split
        await said.awaited(f"{first} does not answer from here", any_site.timeout)
        if isinstance(any_site, RealSite):
            await asyncio.to_thread(_both_serve, any_site, first)
        await said.awaited(f"now connect {machine} again", any_site.timeout)
        await any_site.heal(first)
        seen = await shown
        assert "claims to be active, aborting" in seen.lines[0]
        assert "The cut-off server does not learn of it" in seen.document()["happened"]
        assert (await group.look()).status.state is GroupState.HEALTHY


def _both_serve(site: RealSite, first: str) -> None:
    group = DeployedGroup(site.cluster, site.namespace)
    names = sorted(group.pods())
    servers = [group.server_inside(name, group.node_of(name)) for name in names]
    assert [server.state for server in servers] == [ACTIVE] * len(names)
    assert first in names


async def test_an_ordinary_failover_is_no_such_case(site: FakeSite) -> None:
    site.cluster.restart_s = 1.0
    async with healthy(site) as (group, first):
        store = site.cluster.stores["default/stan"]
        store.held_back = True
        said = Said()
        shown = asyncio.create_task(run_watched(_TWO_ACTIVES, await core_of(group), say=said, wait_s=10))
        await said.awaited("now cut", 10)
        await site.kill(first)
        await said.awaited("the group is failover", 10)
        store.held_back = False
        with pytest.raises(GroupError, match=f"has taken over from {first}, which had ended"):
            await shown


async def test_a_group_whose_pods_share_a_machine_is_refused(site: FakeSite) -> None:
    async with healthy(site) as (group, _):
        for pod in site.cluster.pods.values():
            pod.machine = "node-0"
            site.cluster.publish(pod)
        with pytest.raises(Refused, match="all pods run on node-0"):
            await run_watched(_TWO_ACTIVES, await core_of(group), say=lambda line: None)


async def test_a_group_that_is_not_healthy_is_refused(site: FakeSite) -> None:
    async with healthy(site) as (group, first):
        standby = next(pod for pod in site.cluster.pods.values() if pod.name != first)
        site.cluster.cut(standby.machine)
        site.cluster.report_lost(standby.machine)
        with pytest.raises(Refused, match=r"the group is degraded, .* see 'stanlocal status'"):
            await run_watched(_TWO_ACTIVES, await core_of(group), say=lambda line: None)


async def test_a_cut_that_does_not_come_is_waited_for_no_longer_than_asked(site: FakeSite) -> None:
    async with healthy(site) as (group, _):
        with pytest.raises(WaitTimeout, match=r"to be cut off and another node to take over: not reached"):
            await run_watched(_TWO_ACTIVES, await core_of(group), say=lambda line: None, wait_s=0.2)


async def test_a_gotcha_that_needs_a_scratch_group_is_refused(site: FakeSite) -> None:
    async with healthy(site) as (group, _):
        with pytest.raises(Unsupported, match="sets up a scratch group"):
            await run_watched(GOTCHAS["all-standby"], await core_of(group), say=lambda line: None)
        site.cluster.requests.clear()
        done = await asyncio.to_thread(site.cli().run, "gotcha", "all-standby")
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert site.cluster.requests == []


async def test_watching_writes_nothing(site: FakeSite) -> None:
    async with healthy(site) as (group, first):
        said = Said()
        shown = asyncio.create_task(run_watched(_TWO_ACTIVES, await core_of(group), say=said, wait_s=10))
        await said.awaited("now cut", 10)
        await site.cut(first)
        await said.awaited("now connect", 10)
        await site.heal(first)
        await shown
        assert {request.partition(" ")[0] for request in site.cluster.requests} == {"get", "list", "watch"}
