"""Partition and isolate by NetworkPolicies; refused where nothing enforces one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import NameConflict, NotAllowed, Unsupported
from stanlocal.faults.cut import Isolate, Partition
from stanlocal.model.states import GroupState
from stanlocal.monitor.client import is_alive
from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.guides_group import healthy, opened, without
from tests.kubernetes.policy_enforcer import enforced
from tests.kubernetes.real_site import RealSite
from tests.kubernetes.sites import FakeSite, Json, Site, looking_rules, nfs_storage
from tests.support.fake_cluster_policies import start_pod

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("allowed")]


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings allow faults in the contexts of the tests."""
    monkeypatch.setenv("STANLOCAL_KUBERNETES__ALLOW_FAULTS", "fake, stanlocal-*")


def policies(site: FakeSite) -> list[Json]:
    return [each for key, each in site.cluster.objects.items() if key[0] == "networkpolicies"]


def made(site: FakeSite) -> set[tuple[str, str]]:
    """Plural and name of all objects but nodes."""
    return {(key[0], key[2]) for key in site.cluster.objects if key[0] != "nodes"}


@pytest.mark.parametrize("fault", [Partition(), Isolate()], ids=["partition", "isolate"])
async def test_a_cut_that_nothing_enforces_is_refused_before_anything_happens(
    fault: Partition | Isolate, any_site: Site
) -> None:
    async with healthy(any_site) as (group, active):
        with pytest.raises(Unsupported, match="does not enforce NetworkPolicies"):
            await group.inject(fault)
        assert await group.faults() == []
        status = (await group.look()).status
        assert (status.state, status.active) == (GroupState.HEALTHY, active)


async def test_a_trial_leaves_nothing_behind(site: FakeSite) -> None:
    async with healthy(site) as (group, _):
        before = made(site)
        with pytest.raises(Unsupported):
            await group.isolate()
        assert made(site) == before


def trial_objects(
    site: FakeSite, part: str, age: timedelta, manager: str = "stanlocal"
) -> set[tuple[str, str]]:
    """Put what a trial has made that long ago into the namespace; returns it as `made` does."""
    name = f"stanlocal-trial-{part}-0a1b2c"
    labels = {"app.kubernetes.io/managed-by": manager, "stanlocal/trial": name}
    stamp = f"{datetime.now(UTC) - age:%Y-%m-%dT%H:%M:%SZ}"

    def thing(spec: Json) -> Json:
        return {"metadata": {"name": name, "labels": labels, "creationTimestamp": stamp}, "spec": spec}

    site.cluster.put("configmaps", site.namespace, thing({}))
    site.cluster.put("networkpolicies", site.namespace, thing({"podSelector": _NONE}))
    start_pod(site.cluster, site.namespace, thing({"containers": [{"args": []}]}))
    return {(plural, name) for plural in ("configmaps", "networkpolicies", "pods")}


async def test_a_trial_removes_what_one_left_whose_tool_was_killed(site: FakeSite) -> None:
    """One that may still run, and what others made, stays."""
    async with healthy(site) as (group, _):
        before = made(site)
        trial_objects(site, "old", timedelta(hours=1))
        kept = trial_objects(site, "now", timedelta(minutes=2))
        kept |= trial_objects(site, "others", timedelta(hours=1), "others")
        with pytest.raises(Unsupported):
            await group.isolate()
        assert made(site) == before | kept


async def test_what_a_trial_may_not_make_is_said_also_where_it_may_not_remove_it(site: FakeSite) -> None:
    async with healthy(site) as (group, _):
        looking, more = looking_rules()
        policies: Json = {
            "apiGroups": ["networking.k8s.io"],
            "resources": ["networkpolicies"],
            "verbs": ["list"],
        }
        site.allow(([*looking, policies], more))
        with pytest.raises(NotAllowed, match='cannot create resource "configmaps"'):
            await group.isolate()


async def test_a_partition_is_a_policy_until_it_is_healed(site: FakeSite) -> None:
    site.cluster.enforces_policies = True
    async with healthy(site) as (group, active):
        before = made(site)
        fault = await group.partition()
        names = {"stan-stanlocal-partition", "stan-stanlocal-rest"}
        assert made(site) - before == {("networkpolicies", name) for name in names}
        record = await fault.outcome()
        assert (record.name, record.targets, record.as_expected) == ("partition", (active,), True)
        status = (await group.look()).status
        assert (status.state, status.active, status.node(active).partitioned) == (
            GroupState.DEGRADED,
            active,
            True,
        )
        await fault.heal()
        assert made(site) == before
        await group.wait_state(GroupState.HEALTHY)
        assert [each.in_force for each in await group.faults()] == [False]


async def test_an_isolated_active_blocks_the_group_until_it_is_healed(site: FakeSite) -> None:
    site.cluster.enforces_policies = True
    async with healthy(site) as (group, active):
        fault = await group.isolate()
        (policy,) = policies(site)
        assert (policy["spec"]["ingress"], policy["spec"]["egress"]) == ([], [])
        record = await fault.outcome()
        assert record.as_expected is True
        status = (await group.look()).status
        assert (status.state, status.active) == (GroupState.BLOCKED, None)
        assert f"{active} is cut off" in str(status.problem)
        await group.heal()
        assert policies(site) == []
        await group.wait_state(GroupState.HEALTHY)


@pytest.mark.cluster
async def test_a_network_that_enforces_policies_isolates_an_active_pod(
    cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    real = RealSite(tmp_path, cluster, namespace)
    async with healthy(real) as (group, active):
        with enforced(cluster, namespace):
            fault = await group.isolate()
            status = (await group.look()).status
            assert (status.state, status.active) == (GroupState.BLOCKED, None)
            assert f"{active} is cut off" in str(status.problem)
            await until_silent(group, active, real.timeout)
            await group.heal()
        assert fault.targets == (active,)
        await group.wait_state(GroupState.HEALTHY, timeout=real.timeout)


async def until_silent(group: FTGroup, node: str, timeout: float) -> None:
    """Wait until the node's monitor does not answer: a network takes a moment to enforce a policy."""
    core, plan = await core_of(group), (await group.look()).plan
    async with asyncio.timeout(timeout):
        while await is_alive(core.engine.monitor(plan, plan.node(node)), 3):
            pass


async def test_a_trial_is_made_once(site: FakeSite) -> None:
    site.cluster.enforces_policies = True
    async with healthy(site) as (group, active):
        standby = next(node.name for node in (await group.look()).status.nodes if node.usable_standby)
        await group.partition(active)
        await group.isolate(standby)
        assert site.cluster.requests.count("create pods") == 2
        cut = {node.name: node.partitioned for node in (await group.look()).status.nodes}
        assert cut == {active: True, standby: True}
        await group.heal()
        assert policies(site) == []


@pytest.mark.parametrize("fault", [Partition(), Isolate()], ids=["partition", "isolate"])
async def test_a_group_of_stanlocals_own_is_cut_off_in_spite_of_its_own_policy(
    fault: Partition | Isolate, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.cluster.enforces_policies = True
    for name, value in nfs_storage("10.0.0.1", "/stan").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STANLOCAL_NATS__AUTHORIZATION__USER", "app")
    monkeypatch.setenv("STANLOCAL_NATS__AUTHORIZATION__PASSWORD", "another1")
    async with opened(site) as group:
        await group.up()
        (own,) = policies(site)
        before = own["spec"]
        injected = await group.inject(fault)
        record = await injected.outcome()
        assert record.as_expected is True, record.observed
        await injected.heal()
        (own,) = policies(site)
        assert own["spec"] == before
        await group.wait_state(GroupState.HEALTHY)


async def test_a_policy_that_allows_the_pod_something_is_named(site: FakeSite) -> None:
    site.cluster.enforces_policies = True
    async with healthy(site) as (group, _):
        site.cluster.put("networkpolicies", site.namespace, _open())
        with pytest.raises(Unsupported, match="policies add up, and open allows"):
            await group.isolate()
        assert await group.faults() == []


async def test_a_policy_of_the_same_name_is_left_alone(site: FakeSite) -> None:
    site.cluster.enforces_policies = True
    async with healthy(site) as (group, _):
        foreign: Any = {"metadata": {"name": "stan-stanlocal-isolate"}, "spec": {"podSelector": _NONE}}
        site.cluster.put("networkpolicies", site.namespace, foreign)
        with pytest.raises(NameConflict, match="stanlocal did not make it"):
            await group.isolate()
        await group.heal()
        assert policies(site) == [foreign]


async def test_a_role_without_policies_still_looks(site: FakeSite) -> None:
    async with healthy(site) as (group, active):
        without(site, "networkpolicies")
        assert (await group.look()).status.active == active
        with pytest.raises(NotAllowed):
            await (await core_of(group)).engine.rejoin((await group.look()).plan, active)


_NONE = {"matchLabels": {"app": "another"}}


def _open() -> Json:
    return {"metadata": {"name": "open"}, "spec": {"podSelector": {}, "ingress": [{}]}}
