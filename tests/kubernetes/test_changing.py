"""Groups that stanlocal brings up and takes down, on the cluster in memory and on the real one."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import (
    EngineError,
    NameConflict,
    NotAllowed,
    Refused,
    SettingsError,
    Unsupported,
    WaitTimeout,
)
from stanlocal.faults.stop import Stop
from stanlocal.lifecycle import cluster_down
from stanlocal.model.states import GroupState, NodeState
from stanlocal.testing.fake.server import Store, Trouble
from tests.kubernetes.sites import FakeSite, Json, Site, changing_rules, documents
from tests.support.cli import interrupt, the_error

pytestmark = pytest.mark.timeout(120)

OWN = ("statefulsets", "services", "poddisruptionbudgets", "networkpolicies", "secrets")
LOOKS = {"get", "list", "watch"}


@pytest.fixture
def own_storage(any_site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The settings have `up` make a claim."""
    for name, value in any_site.storage().items():
        monkeypatch.setenv(name, value)
    return any_site


@pytest.fixture
def with_claim(site: FakeSite) -> FakeSite:
    """A claim of somebody else's is there."""
    claim = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "stan-store"},
        "status": {"phase": "Bound"},
    }
    site.cluster.put("persistentvolumeclaims", site.namespace, claim)
    return site


@asynccontextmanager
async def up(site: Site, nodes: int = 2) -> AsyncIterator[FTGroup]:
    """A group that stanlocal has brought up."""
    group = FTGroup(
        group="stan", engine="kubernetes", kubeconfig=site.kubeconfig, namespace=site.namespace, nodes=nodes
    )
    try:
        look = await group.up(timeout=site.timeout * 2)
        assert look.status.state is GroupState.HEALTHY
        yield group
    finally:
        await group.close()


async def uids(group: FTGroup) -> dict[str, str]:
    return {node.name: node.instance.id for node in (await group.look()).status.nodes}


def verbs(site: FakeSite) -> set[str]:
    return {request.partition(" ")[0] for request in site.cluster.requests}


def workload(site: FakeSite) -> Json:
    return site.cluster.objects["statefulsets", site.namespace, "stan"]


# Up and down


async def test_a_group_comes_up_and_goes_down_and_its_store_goes_with_a_purge_only(own_storage: Site) -> None:
    site = own_storage
    async with up(site) as group:
        document = await group.document()
        assert (document["state"], len(document["nodes"])) == ("healthy", 2)
        assert document["client_urls"][0] == f"nats://stan-0.stan.{site.namespace}.svc:4222"

        assert set((await group.down()).removed) == {"stan-0", "stan-1"}
        for plural in OWN:
            assert await asyncio.to_thread(site.objects, plural) == []
        assert await asyncio.to_thread(site.objects, "persistentvolumeclaims") == ["stan-store"]
        listed = (await site.run("list"))["groups"]
        assert [(each["group"], each["state"]) for each in listed] == [("stan", "down")]
        assert (await group.down()).removed == ()

        assert (await group.up(timeout=site.timeout * 2)).status.state is GroupState.HEALTHY
        done = await site.run("down", "--purge", "--yes")
        assert done == {"removed": {"stan": ["stan-0", "stan-1"]}, "left": []}
        for plural in ("statefulsets", "persistentvolumeclaims", "persistentvolumes"):
            assert await asyncio.to_thread(site.objects, plural) == []
        assert (await site.run("list"))["groups"] == []


async def test_up_again_changes_nothing_and_changed_settings_reach_every_pod(
    own_storage: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with up(own_storage) as group:
        before = await uids(group)
        await group.up(timeout=own_storage.timeout * 2)
        assert await uids(group) == before
        monkeypatch.setenv("STANLOCAL_STREAMING__STORE_LIMITS__MAX_CHANNELS", "77")
        look = await group.up(timeout=own_storage.timeout * 2)
        assert look.status.state is GroupState.HEALTHY
        assert look.plan.streaming["store_limits"]["max_channels"] == 77
        after = await uids(group)
        assert all(after[name] != uid for name, uid in before.items())


@pytest.mark.parametrize("nodes", [1, 3])
async def test_a_group_gets_more_or_fewer_nodes(nodes: int, with_claim: FakeSite) -> None:
    async with up(with_claim):
        pass
    async with up(with_claim, nodes) as group:
        assert len((await group.look()).status.nodes) == nodes


async def test_what_is_applied_is_what_is_exported(with_claim: FakeSite) -> None:
    async with up(with_claim):
        exported = await asyncio.to_thread(with_claim.cli().ok, "export", "kubernetes")
        for each in documents(exported):
            plural = {"PodDisruptionBudget": "poddisruptionbudgets"}.get(
                each["kind"], each["kind"].lower() + "s"
            )
            applied = with_claim.cluster.objects[plural, "default", each["metadata"]["name"]]
            for part in each.keys() - {"metadata"}:
                assert applied[part] == each[part], (each["kind"], part)
            labels = applied["metadata"]["labels"]
            assert each["metadata"]["labels"].items() <= labels.items()
            assert labels["app.kubernetes.io/managed-by"] == "stanlocal"


async def test_what_would_run_is_said_without_asking_the_cluster(with_claim: FakeSite) -> None:
    site = with_claim
    async with up(site, 3):
        shown = await site.run("config", "show")
        assert (shown["nodes"], shown["exists"]) == (3, True)
        site.cluster.requests.clear()
        document = await site.run("up", "--dry-run")
        assert (document["nodes"], document["store_dir"]) == (3, "on the claim stan-store")
        assert document["client_urls"] == [f"nats://stan-{index}.stan:4222" for index in range(3)]
        assert any("export kubernetes" in note for note in document["notes"])
        assert not site.cluster.requests


@pytest.mark.parametrize(
    ("plural", "kind", "name"), [("configmaps", "ConfigMap", "stan-config"), ("services", "Service", "stan")]
)
async def test_an_object_of_others_is_left_as_it_is(
    plural: str, kind: str, name: str, with_claim: FakeSite
) -> None:
    site = with_claim
    made: Json = {
        "kind": kind,
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "stanlocal"}},
    }
    site.cluster.put(plural, site.namespace, made)
    version = made["metadata"]["resourceVersion"]
    with pytest.raises(NameConflict, match=f"{kind} '{name}' is there already") as caught:
        async with up(site):
            pass
    assert caught.value.name == name
    assert verbs(site) <= LOOKS
    assert site.cluster.objects[plural, site.namespace, name]["metadata"]["resourceVersion"] == version


async def test_a_claim_that_is_missing_is_named_before_anything_is_made(site: FakeSite) -> None:
    with pytest.raises(Refused, match=r"no PersistentVolumeClaim 'stan-store' in namespace 'default'"):
        async with up(site):
            pass
    assert verbs(site) <= LOOKS
    done = await asyncio.to_thread(site.cli().run, "up")
    assert done.returncode == 2
    assert "kubernetes.storage" in the_error(done)


async def test_an_up_that_fails_removes_what_it_made(
    own_storage: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = own_storage
    monkeypatch.setenv("STANLOCAL_IMAGE", "stanlocal.invalid/none:1")
    if isinstance(site, FakeSite):
        site.cluster.stores["default/stan"] = Store(held_back=True)
    group = site.group()
    with pytest.raises((WaitTimeout, EngineError)):
        await group.up(timeout=3)
    await group.close()
    for plural in (*OWN, "persistentvolumeclaims"):
        assert await asyncio.to_thread(site.objects, plural) == []
    assert (await site.run("list"))["groups"] == []


async def test_an_up_that_fails_leaves_a_new_claim_that_has_served_until_a_purge(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in site.storage().items():
        monkeypatch.setenv(name, value)
    site.cluster.troubles["stan-1"] = Trouble("boot")
    done = await asyncio.to_thread(site.cli().run, "up", "--timeout", "3")
    assert done.returncode != 0
    assert "the store has served, and stays until 'stanlocal down --purge': claim stan" in done.stderr
    assert [len(site.objects(plural)) for plural in ("statefulsets", "persistentvolumeclaims")] == [0, 1]
    assert (await asyncio.to_thread(site.cli().run, "down", "--purge", "--yes")).returncode == 0
    assert site.objects("persistentvolumeclaims") == []


async def test_an_up_that_fails_leaves_the_files_of_a_group_whose_plan_was_moved_away(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in site.storage().items():
        monkeypatch.setenv(name, value)
    async with up(site) as group:
        await group.down()
    (plan,) = (site.folder / "state").rglob("group.json")
    plan.rename(site.folder / "group.json")
    before = {path: path.read_bytes() for path in plan.parent.rglob("*") if path.is_file()}
    assert any(path.suffix == ".log" for path in before)
    site.cluster.troubles["stan-1"] = Trouble("boot")
    again = site.group()
    with pytest.raises(WaitTimeout):
        await again.up(timeout=1)
    await again.close()
    assert {path: path.read_bytes() for path in plan.parent.rglob("*") if path.is_file()} == before


async def test_an_interrupted_up_removes_what_it_made(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in site.storage().items():
        monkeypatch.setenv(name, value)
    site.cluster.stores["default/stan"] = Store(held_back=True)
    with site.cli().started("up", "--timeout", "100") as process:
        async with asyncio.timeout(60):
            while len(site.cluster.pods) < 2:
                await site.cluster.news()
        code, _, said = await asyncio.to_thread(interrupt, process)
    assert (code, said.strip()) == (130, "interrupted")
    for plural in (*OWN, "configmaps", "pods", "persistentvolumeclaims", "persistentvolumes"):
        assert site.objects(plural) == []


async def test_a_group_without_a_name_is_gone_after_its_block(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in site.storage().items():
        monkeypatch.setenv(name, value)
    async with FTGroup(
        engine="kubernetes", kubeconfig=site.kubeconfig, namespace=site.namespace, nodes=2
    ) as group:
        assert (await group.look()).status.state is GroupState.HEALTHY
        assert len(site.objects("statefulsets")) == 1
    for plural in (*OWN, "configmaps", "pods", "persistentvolumeclaims", "persistentvolumes"):
        assert site.objects(plural) == []


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("SECURE", "true", "secure makes certificates for this machine"),
        ("PROXIED", "true", "proxied needs the engine 'docker'"),
        ("STORE_SIZE", "1mb", "store_size is for groups on this machine"),
        ("PORT", "5222", "port is for groups on this machine"),
        ("KUBERNETES__STORAGE", "nfs", "NFS server nfs.example.com is an example"),
        ("KUBERNETES__NFS_SERVER", "nfs", "means nothing with kubernetes.storage existing-claim"),
    ],
)
async def test_settings_that_a_cluster_cannot_have_are_refused(
    name: str, value: str, why: str, with_claim: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"STANLOCAL_{name}", value)
    with pytest.raises(SettingsError, match=why):
        async with up(with_claim):
            pass
    assert verbs(with_claim) <= LOOKS


async def test_passwords_are_in_a_secret_and_a_new_one_reaches_the_pods(
    with_claim: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = with_claim
    monkeypatch.setenv("STANLOCAL_NATS__AUTHORIZATION__USER", "app")
    monkeypatch.setenv("STANLOCAL_NATS__AUTHORIZATION__PASSWORD", 'pass"word\\1')
    async with up(site) as group:
        before = await uids(group)
        secret = site.cluster.objects["secrets", "default", "stan-secrets"]
        kept = {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}
        assert kept == {"NATS_AUTHORIZATION_PASSWORD": 'pass\\"word\\\\1'}
        others = [each for key, each in site.cluster.objects.items() if key[0] != "secrets"]
        assert "word" not in json.dumps(others).replace("password", "").replace("PASSWORD", "")
        await group.up(timeout=site.timeout)
        assert await uids(group) == before
        monkeypatch.setenv("STANLOCAL_NATS__AUTHORIZATION__PASSWORD", "another1")
        await group.up(timeout=site.timeout)
        after = await uids(group)
        assert all(after[name] != uid for name, uid in before.items())


async def test_a_password_that_no_server_has_got_does_not_replace_the_kept_one(
    with_claim: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = with_claim
    monkeypatch.setenv("STANLOCAL_NATS__AUTHORIZATION__TOKEN", "first")
    async with up(site) as group:
        (kept,) = (site.folder / "state").rglob("settings.json")
        files = [kept, *(site.folder / "state").rglob("group.json")]
        before = [path.read_bytes() for path in files]
        monkeypatch.setenv("STANLOCAL_NATS__AUTHORIZATION__TOKEN", "second")
        site.only_looking()
        with pytest.raises(EngineError):
            await group.up(timeout=site.timeout)
        assert [path.read_bytes() for path in files] == before
        site.allow(changing_rules())
        await group.down()
        monkeypatch.setenv("STANLOCAL_STREAMING__STORE_LIMITS__MAX_CHANNELS", "77")
        site.cluster.troubles["stan-1"] = Trouble("boot")
        with pytest.raises(WaitTimeout):
            await group.up(timeout=1)
        assert [path.read_bytes() for path in files] == before


async def test_a_claim_of_others_survives_a_purge_and_is_named(with_claim: FakeSite) -> None:
    async with up(with_claim):
        done = await asyncio.to_thread(with_claim.cli().run, "--json", "down", "--purge", "--yes")
    assert done.returncode == 2
    assert json.loads(done.stdout)["left"] == ["claim stan-store was not made by the server or stanlocal"]
    assert with_claim.objects("persistentvolumeclaims") == ["stan-store"]
    assert with_claim.objects("statefulsets") == []


async def test_the_documented_role_is_enough_to_change_a_group(own_storage: Site) -> None:
    own_storage.allow(changing_rules())
    async with up(own_storage) as group:
        await group.restart("@standby")
        await group.stop("stan-1")
        await group.start("stan-1")
        await group.wait_state(GroupState.HEALTHY, timeout=own_storage.timeout)
        await group.down(purge=True)
    assert await asyncio.to_thread(own_storage.objects, "persistentvolumeclaims") == []


# Nodes of such a group


@pytest.mark.parametrize("target", ["@active", "@standby", "stan-0"])
async def test_a_stopped_pod_stays_away_until_it_is_started(target: str, own_storage: Site) -> None:
    async with up(own_storage) as group:
        fault = await group.stop(target)
        record = await fault.outcome()
        assert (record.as_expected, record.in_force) == (True, True), record.observed
        status = (await group.look()).status
        (stopped,) = fault.targets
        assert status.node(stopped).state is NodeState.STOPPED
        assert (status.state, len(status.nodes)) == (GroupState.DEGRADED, 2)
        await group.start(stopped)
        await group.wait_state(GroupState.HEALTHY, timeout=own_storage.timeout)
        (ended,) = await group.faults()
        assert not ended.in_force


async def test_a_stopped_active_is_followed_by_another_and_comes_back_by_healing(own_storage: Site) -> None:
    async with up(own_storage) as group:
        fault = await group.stop("@active")
        failover = await fault.failover(timeout=own_storage.timeout)
        assert (failover.cause, (failover.from_node,)) == ("stop", fault.targets)
        (healed,) = await group.heal()
        assert healed.name == "stop"
        await group.wait_state(GroupState.HEALTHY, timeout=own_storage.timeout)


@pytest.mark.parametrize("refused", [False, True], ids=["stopped already", "refused"])
async def test_a_kill_has_a_time_of_its_own_after_a_stop_that_ended_nothing(
    refused: bool, with_claim: FakeSite
) -> None:
    async with up(with_claim) as group:
        core, plan = await core_of(group), (await group.look()).plan
        if refused:
            with_claim.only_looking()
            with pytest.raises(NotAllowed):
                await core.engine.hold(plan, ["stan-1"])
            with_claim.cluster.rules = None
        else:
            await group.stop("stan-1")
            await core.engine.hold(plan, ["stan-1"])
            await core.engine.start(plan, "stan-1")
        before = datetime.now(UTC)
        assert await core.kill("stan-1", "SIGKILL") >= before


async def test_a_kill_has_a_time_of_its_own_after_a_stop_that_was_undone(with_claim: FakeSite) -> None:
    async with up(with_claim) as group:
        core, plan = await core_of(group), (await group.look()).plan
        await core.engine.hold(plan, ["stan-1"])
        await core.engine.release(plan, ["stan-1"])
        await core.engine.start(plan, "stan-1")
        before = datetime.now(UTC)
        assert await core.kill("stan-1", "SIGKILL") >= before


async def test_a_stop_says_that_a_pod_has_at_most_its_own_grace(
    with_claim: FakeSite, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    graces: list[float] = []
    said: list[str] = []
    async with up(with_claim) as group:
        core = await core_of(group)
        stop = core.engine.stop

        async def noted(node: str, grace_s: float) -> None:
            graces.append(grace_s)
            await stop(node, grace_s)

        monkeypatch.setattr(core.engine, "stop", noted)
        await group.stop("stan-1", timeout=20)
        assert not caplog.messages
        await group.start("stan-1")
        await group.stop("stan-1", timeout=90)
        (line,) = caplog.messages
        assert line == "the pods of 'stan' get 30 s to end, not 90: a pod has at most its own grace"
        await cluster_down.down(core, timeout=60, purge_store=False, report=said.append)
        assert line.replace("90", "60") in said
    assert graces[:2] == [20, 30]
    assert set(graces[2:]) == {30}


async def test_all_pods_are_stopped_and_started(with_claim: FakeSite) -> None:
    async with up(with_claim, 3) as group:
        await group.stop("@all")
        status = (await group.look()).status
        assert (status.state, len(status.nodes)) == (GroupState.DOWN, 3)
        await group.start("0", "1", "2")
        await group.wait_state(GroupState.HEALTHY, timeout=with_claim.timeout)


@pytest.mark.parametrize(("targets", "possible"), [(["1"], False), (["0", "2"], True), (["1", "2"], True)])
async def test_only_the_first_and_last_pods_can_be_left_out(
    targets: Sequence[str], possible: bool, with_claim: FakeSite
) -> None:
    async with up(with_claim, 3) as group:
        if possible:
            await group.stop(*targets)
            nodes = [node.instance for node in (await group.look()).status.nodes]
            stopped = [node.index for node in nodes if not node.running]
            assert stopped == [int(target) for target in targets]
            await group.up(timeout=with_claim.timeout)
            return
        with_claim.cluster.requests.clear()
        with pytest.raises(Unsupported, match="only its first or its last pods: stop stan-0 or stan-2"):
            await group.inject(Stop(), *targets)
        assert await group.faults() == []
        assert verbs(with_claim) <= LOOKS


async def test_a_group_of_its_own_needs_no_permission_for_faults(own_storage: Site) -> None:
    async with up(own_storage) as group:
        record = await (await group.kill("@active")).outcome()
        assert record.as_expected is True, record.observed
