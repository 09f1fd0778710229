"""Looking at a group that somebody else has deployed, on the cluster in memory and on the real one."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from stanlocal.api import core_of
from stanlocal.engine.kubernetes.pod_feed import Feed, Pods
from stanlocal.errors import EngineUnavailable, GroupNotFound, NameConflict, NotAllowed
from stanlocal.model.states import GroupState
from stanlocal.monitor.client import fetch
from tests.kubernetes.guides_group import became, failover, followed, healthy, opened, without
from tests.kubernetes.sites import FakeSite, Site

pytestmark = pytest.mark.timeout(120)


async def test_a_group_of_the_guides_is_shown_as_a_local_one(any_site: Site) -> None:
    site = any_site
    async with healthy(site, 3) as (_, active):
        document = await site.run("status")
        assert (document["group"], document["engine"], document["state"]) == ("stan", "kubernetes", "healthy")
        assert (document["active"], document["lock_holder"]) == (active, None)
        assert [node["name"] for node in document["nodes"]] == ["stan-0", "stan-1", "stan-2"]
        assert document["client_urls"][0] == f"nats://stan-0.stan.{site.namespace}.svc:4222"
        assert document["monitor_urls"][2] == f"http://stan-2.stan.{site.namespace}.svc:8222"
        assert (document["cluster_id"], document["ft_group"]) == ("test-cluster", "test-cluster")
        assert document["store_dir"] == "/data/stan/store"

        groups = (await site.run("list"))["groups"]
        assert [group["group"] for group in groups] == ["stan"]


async def test_logs_are_merged_with_the_states_of_their_nodes(site: FakeSite) -> None:
    async with healthy(site) as (group, active):
        lines = await group.logs()
        assert {line.node for line in lines} == {"stan-0", "stan-1"}
        assert lines == sorted(lines, key=lambda line: line.line.time)
        ready = [line for line in lines if "Streaming Server is ready" in line.line.text]
        assert [(line.node, line.state) for line in ready] == [(active, "active")]
        assert len(await group.logs([active], tail=3)) == 3
        last = lines[-1].line.time
        assert {line.line.time for line in await group.logs(since=last)} == {last}


async def test_each_change_is_told_whatever_becomes_of_the_api_server(any_site: Site) -> None:
    """A server is killed, a pod is deleted, the API server goes away: every time the group is back."""
    async with healthy(any_site) as (group, first), followed(any_site) as awaited:
        await awaited(became("healthy"))
        await any_site.kill(first)
        assert (await awaited(lambda event: event.detail.get("to") == "failed")).node == first
        await awaited(became("healthy"))

        second = (await group.look()).status.active
        assert second is not None
        await any_site.delete(second)
        assert (await awaited(lambda event: event.detail.get("to") == "failed")).node == second
        await awaited(became("healthy"))

        await any_site.restart_api()
        third = (await group.look()).status.active
        assert third is not None
        await any_site.kill(third)
        await awaited(lambda event: event.type == "lock")
        await awaited(became("healthy"))


async def test_an_end_is_told_before_the_cluster_knows_of_it(site: FakeSite) -> None:
    """Else the next active would be taken for a second one."""
    site.cluster.notices_s = 0.5
    async with healthy(site) as (_, first), followed(site) as awaited:
        await awaited(became("healthy"))
        store = site.cluster.stores[f"{site.namespace}/stan"]
        store.held_back = True
        await site.kill(first)
        changed = await awaited(lambda event: event.type == "group-state")
        assert changed.detail["to"] == "failover"
        store.held_back = False
        states = [""]
        while states[-1] != "healthy":
            states.append(str((await awaited(lambda event: event.type == "group-state")).detail["to"]))
        assert "split-brain" not in states


async def test_nothing_is_missed_between_the_beginning_of_a_watch_and_a_look(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slowly the watch begins: what it lists at first is not older than the look."""
    listed: list[str] = []
    at_once = Feed.list

    async def late(feed: Feed) -> Pods:
        await asyncio.sleep(0.05)
        found = await at_once(feed)
        listed.extend(found)
        return found

    async with healthy(site) as (group, _):
        core = await core_of(group)
        monkeypatch.setattr(Feed, "list", late)
        core.engine.events("stan")
        await core.engine.instances("stan")
        assert listed == ["stan", "stan-0", "stan-1"]
        core.engine.events("not-there")
        async with asyncio.timeout(site.timeout):
            assert await core.engine.instances("not-there") == []


async def test_failovers_are_told_although_streams_end_and_versions_expire(site: FakeSite) -> None:
    async with healthy(site) as (group, first), followed(site) as awaited:
        await awaited(became("healthy"))
        await site.kill(first)
        assert (await awaited(failover)).detail["from"] == first
        await awaited(became("healthy"))

        site.cluster.end_streams()
        site.cluster.expire()
        second = (await group.look()).status.active
        assert second is not None
        await site.delete(second)
        assert (await awaited(failover)).detail["from"] == second


@pytest.mark.parametrize("may_proxy", [True, False])
async def test_no_line_is_lost_or_repeated_while_streams_end(may_proxy: bool, site: FakeSite) -> None:
    async with healthy(site) as (group, active):
        if not may_proxy:
            without(site, "pods/proxy")
        pod = site.cluster.pods[site.namespace, active]
        lines: list[str] = []
        read = asyncio.Event()

        async def follow() -> None:
            core = await core_of(group)
            async with aclosing(core.follow_logs([active])) as batches:
                async for batch in batches:
                    lines.extend(line.line.text for line in batch)
                    read.set()

        task = asyncio.create_task(follow())
        await read.wait()
        for number in range(200):
            site.cluster.write(pod, f"[1] line {number}")
            if number % 50 == 25:
                site.cluster.end_streams()
            await asyncio.sleep(0)
        async with asyncio.timeout(site.timeout):
            while "[1] line 199" not in lines:
                read.clear()
                await read.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        own = [line for line in lines if line.startswith("[1] line ")]
        assert own == [f"[1] line {number}" for number in range(200)]


async def test_two_actives_are_told_when_the_second_becomes_active(any_site: Site) -> None:
    async with healthy(any_site) as (group, first), followed(any_site) as awaited:
        await awaited(became("healthy"))
        await any_site.cut(first)
        split = await awaited(became("split-brain"))
        assert first in split.detail["problem"]
        assert "both active over one store" in split.detail["problem"]
        await any_site.heal(first)
        await awaited(became("healthy"))
        assert (await group.look()).status.active is not None


async def test_a_node_on_a_lost_machine_is_shown_as_such(site: FakeSite) -> None:
    async with healthy(site) as (group, first):
        await site.cut(first)
        site.cluster.report_lost(site.cluster.pods[site.namespace, first].machine)
        node = (await group.look()).status.node(first)
        assert (node.partitioned, node.reachable) == (True, False)
        assert node.problem is not None
        assert "does not answer" in node.problem
        lines = await group.logs()
        assert {line.node for line in lines} == {"stan-0", "stan-1"} - {first}


async def test_the_documented_role_is_enough_to_look(any_site: Site) -> None:
    async with healthy(any_site) as (_, active):
        any_site.only_looking()
        async with opened(any_site) as group, followed(any_site) as awaited:
            assert (await group.document())["active"] == active
            assert await group.logs(tail=3)
            assert await group.failovers() == []
            await awaited(became("healthy"))
            core = await core_of(group)
            assert await core.events()
            assert await core.engine.groups() == ["stan"]
            monitor = core.active_monitor(await group.look())
            assert monitor is not None
            assert (await fetch(monitor, "/streaming/channelsz", 5))["count"] == 0


async def test_looking_writes_nothing(site: FakeSite) -> None:
    async with healthy(site), followed(site) as awaited:
        await awaited(became("healthy"))
        await site.run("failovers")
        assert {request.partition(" ")[0] for request in site.cluster.requests} == {"get", "list", "watch"}


@pytest.mark.parametrize("lacking", ["nodes", "pods/proxy", "configmaps"])
async def test_what_a_role_lacks_is_left_out_where_the_rest_shows_enough(
    lacking: str, site: FakeSite
) -> None:
    async with healthy(site):
        without(site, lacking)
        async with opened(site) as group:
            document = await group.document()
        assert document["state"] == "healthy"
        assert document["cluster_id"] == ("unknown" if lacking == "configmaps" else "test-cluster")


async def test_a_role_that_lets_see_nothing_is_named_in_the_error(site: FakeSite) -> None:
    async with healthy(site) as (group, _):
        site.cluster.rules = []
        with pytest.raises(NotAllowed, match=r"context 'fake' may not .* namespace 'default'.*forbidden"):
            await group.look()


async def test_a_group_of_others_is_neither_brought_up_nor_taken_down(site: FakeSite) -> None:
    async with healthy(site) as (group, active):
        site.cluster.requests.clear()
        with pytest.raises(NameConflict, match=r"did not make the StatefulSet 'stan' .context 'fake'"):
            await group.up()
        with pytest.raises(NameConflict, match="did not make"):
            await group.down(purge=True)
        assert {request.partition(" ")[0] for request in site.cluster.requests} <= {"get", "list", "watch"}
        assert (await group.look()).status.active == active
        done = await asyncio.to_thread(site.cli().run, "down", "--all")
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


async def test_a_group_that_is_scaled_down_to_nothing_is_down(site: FakeSite) -> None:
    async with healthy(site) as (group, _):
        site.cluster.scale("stan", 0)
        look = await group.look()
        assert (look.status.state, look.status.nodes, look.plan.group) == (GroupState.DOWN, (), "stan")


async def test_other_workloads_are_no_groups(site: FakeSite) -> None:
    other = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"containers": [{"name": "db", "image": "postgres:16"}]},
            },
        },
    }
    async with healthy(site):
        await site.deploy([other])
        async with opened(site, "db") as group:
            assert await (await core_of(group)).engine.groups() == ["stan"]
            with pytest.raises(GroupNotFound, match="no group 'db'"):
                await group.look()


async def test_a_local_group_of_the_same_name_has_its_own_folder(site: FakeSite) -> None:
    async with healthy(site) as (group, _):
        core = await core_of(group)
        assert core.home.folder.parts[-4:-2] != ("stanlocal", "stan")
        assert core.home.folder.parent.name == site.namespace


async def test_a_login_that_is_refused_and_a_server_that_is_gone_are_unavailable(site: FakeSite) -> None:
    async with healthy(site) as (group, _):
        site.kubeconfig.write_text(site.kubeconfig.read_text().replace("the-callers-token", "another"))
        done = await asyncio.to_thread(site.cli().run, "status")
        assert done.returncode == 3
        assert "refuses the login of context 'fake'" in done.stderr
        await site.cluster.stop()
        with pytest.raises(EngineUnavailable, match=r"no answer from http://127.0.0.1"):
            await group.look()
