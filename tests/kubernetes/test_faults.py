"""Faults of a group that somebody else has deployed, on the cluster in memory and on the real one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from stanlocal.api import FTGroup
from stanlocal.errors import NodeUnreachable, Refused, Unsupported
from stanlocal.faults.base import Fault
from stanlocal.faults.fill_disk import FillDisk
from stanlocal.faults.kill import Kill
from stanlocal.faults.pause import Pause
from stanlocal.faults.stop import Restart, RollingRestart, Stop
from stanlocal.model.states import GroupState
from tests.kubernetes.guides_group import healthy
from tests.kubernetes.sites import FakeSite, Site
from tests.support.cli import the_error

pytestmark = pytest.mark.timeout(120)

ALLOW = "STANLOCAL_KUBERNETES__ALLOW_FAULTS"
LOOKS = {"get", "list", "watch"}


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings allow faults in the contexts of the tests."""
    monkeypatch.setenv(ALLOW, "fake, stanlocal-*")


def verbs(site: FakeSite) -> set[str]:
    return {request.partition(" ")[0] for request in site.cluster.requests}


async def uids(site: Site, group: FTGroup) -> dict[str, str]:
    """The uid of each node's pod."""
    status = (await group.look()).status
    return {node.name: node.instance.id for node in status.nodes}


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("fault", [Kill(), Kill("SIGTERM"), Restart()], ids=["kill", "term", "restart"])
async def test_an_active_pod_is_replaced_and_the_prediction_holds_whoever_wins_the_lock(
    fault: Fault, any_site: Site
) -> None:
    async with healthy(any_site) as (group, active):
        before = await uids(any_site, group)
        injected = await group.inject(fault, "@active")
        assert injected.targets == (active,)
        record = await injected.outcome()
        assert (record.as_expected, record.in_force) == (True, False), record.observed
        after = await uids(any_site, group)
        assert {name for name, uid in before.items() if after[name] != uid} == {active}
        await group.wait_state(GroupState.HEALTHY, timeout=any_site.timeout)
        (recorded,) = await group.faults()
        assert (recorded.name, recorded.as_expected) == (fault.name, True)
        assert await group.heal() == []


@pytest.mark.usefixtures("allowed")
async def test_a_rolling_restart_replaces_every_pod_one_by_one(any_site: Site) -> None:
    async with healthy(any_site) as (group, _):
        before = await uids(any_site, group)
        record = await (await group.rolling_restart()).outcome()
        assert record.as_expected is True, record.observed
        after = await uids(any_site, group)
        assert all(after[name] != uid for name, uid in before.items())


@pytest.mark.usefixtures("allowed")
async def test_a_standby_that_is_killed_comes_back_without_a_failover(any_site: Site) -> None:
    async with healthy(any_site) as (group, active):
        record = await (await group.kill("@standby")).outcome()
        assert record.as_expected is True, record.observed
        assert (await group.look()).status.active == active


@pytest.mark.parametrize(
    ("allow", "options", "named"),
    [
        (None, (), "'fake'"),
        (None, ("--yes",), "kubernetes.allow_faults"),
        ("kind-*", ("--yes",), "kind-*"),
        ("fake", (), "needs '--yes'"),
    ],
)
async def test_a_group_of_others_is_hit_only_with_yes_and_in_an_allowed_context(
    allow: str | None, options: Sequence[str], named: str, site: FakeSite
) -> None:
    async with healthy(site):
        site.cluster.requests.clear()
        env = {ALLOW: allow} if allow else {}
        for command in (("kill", "@active"), ("fault", "restart", "@active")):
            done = await asyncio.to_thread(partial(site.cli().run, *command, *options, **env))
            assert done.returncode == 2
            error = the_error(done)
            assert named in error
            assert "'default'" in error
        assert verbs(site) <= LOOKS


async def test_a_group_of_others_is_hit_by_the_command_that_is_allowed_to(site: FakeSite) -> None:
    async with healthy(site) as (group, active):
        before = await uids(site, group)
        done = await asyncio.to_thread(partial(site.cli().json, "kill", active, "--yes", **{ALLOW: "fa*"}))
        assert done["group"] == "stan"
        assert (await uids(site, group))[active] != before[active]


async def test_a_found_file_allows_no_faults(site: FakeSite) -> None:
    async with healthy(site):
        site.cluster.requests.clear()
        (site.folder / "stanlocal.toml").write_text('[kubernetes]\nallow_faults = ["*"]\n')
        done = await asyncio.to_thread(site.cli().run, "kill", "@active", "--yes")
        assert done.returncode == 2
        assert "was found and not named" in done.stderr
        assert not site.cluster.requests


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Pause(), "cannot freeze"),
        (FillDisk(), "claim of the cluster"),
        (Kill("SIGQUIT"), "no other signal"),
        (Stop(), "makes every pod again at once"),
    ],
    ids=["pause", "fill-disk", "quit", "stop"],
)
async def test_what_a_cluster_cannot_do_is_refused_before_anything_happens(
    fault: Fault, why: str, site: FakeSite
) -> None:
    async with healthy(site) as (group, _):
        site.cluster.requests.clear()
        with pytest.raises(Unsupported, match=why):
            await group.inject(fault)
        assert await group.faults() == []
        assert verbs(site) <= LOOKS


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("fault", [Kill(), Restart(), RollingRestart()], ids=lambda fault: fault.name)
async def test_a_pod_on_a_lost_machine_is_not_deleted(fault: Fault, site: FakeSite) -> None:
    """Its server may go on, and the cluster would make another."""
    async with healthy(site) as (group, active):
        await site.cut(active)
        site.cluster.report_lost(site.cluster.pods["default", active].machine)
        site.cluster.requests.clear()
        with pytest.raises(NodeUnreachable, match=f"{active} cannot be reached"):
            await group.inject(fault, active)
        assert verbs(site) <= LOOKS


async def test_the_refusal_of_a_program_names_the_setting(site: FakeSite) -> None:
    async with healthy(site) as (group, _):
        with pytest.raises(Refused, match=r"kubernetes\.allow_faults"):
            await group.kill("@active")
        with pytest.raises(Refused, match=r"kubernetes\.allow_faults"):
            await group.rolling_restart()
        assert await group.faults() == []
