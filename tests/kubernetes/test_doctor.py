"""`doctor` for a group on a cluster, with the documented roles and no permission to write."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.kubernetes.cluster.commands import wait_until
from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.deployed_group import DeployedGroup
from tests.kubernetes.examined import Examined, examined
from tests.kubernetes.guides_group import healthy, seed
from tests.kubernetes.real_site import RealSite
from tests.kubernetes.sites import FakeSite, Site, doctor_rules

pytestmark = pytest.mark.timeout(120)

_AFFINITY = "statefulset/stan spec.template.spec.affinity.podAntiAffinity"


async def looked_at(site: Site) -> Examined:
    return await asyncio.to_thread(examined, site.cli())


async def test_the_guides_manifest_keeps_its_pods_on_one_machine_and_else_all_is_well(any_site: Site) -> None:
    async with healthy(any_site, 3):
        any_site.allow(doctor_rules())
        found = await looked_at(any_site)
    moving = {"image"} if isinstance(any_site, FakeSite) else set()  # the real one runs a fixed version
    assert found.broken.keys() == {"spread"} | moving
    assert found.broken["spread"]["where"] == _AFFINITY
    assert found.unseen == frozenset()


async def test_with_the_role_for_looking_alone_it_says_what_it_cannot_see(any_site: Site) -> None:
    async with healthy(any_site, 2):
        any_site.only_looking()
        found = await looked_at(any_site)
    assert found.broken.keys() - {"image"} == {"spread"}
    assert found.unseen == frozenset({"claim"})


@pytest.mark.cluster
@pytest.mark.timeout(300)
async def test_a_standby_passes_a_probe_of_the_page_that_says_whether_it_is_active(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    """It answers 204 there, which is a success to the cluster: not only the active passes such a probe."""
    objects = seed(2)
    for each in objects:
        if each["kind"] == "StatefulSet":
            server = each["spec"]["template"]["spec"]["containers"][0]
            server["readinessProbe"] = {"httpGet": {"path": "/streaming/isFTActive", "port": 8222}}
    await RealSite(tmp_path, cluster, namespace).deploy(objects)
    group = DeployedGroup(cluster, namespace)

    def all_ready() -> bool:
        statuses = [
            each for pod in group.pods().values() for each in pod["status"].get("containerStatuses", ())
        ]
        return len(statuses) == 4 and all(each["ready"] for each in statuses)

    await asyncio.to_thread(group.wait_for_one_active, 2)
    await asyncio.to_thread(wait_until, all_ready, "all containers ready", 90.0)


async def test_it_reads_only_with_kubectl_commands_for_the_cluster_that_was_chosen(site: FakeSite) -> None:
    async with healthy(site, 2):
        before = len(site.cluster.requests)
        found = await looked_at(site)
    verbs = {request.partition(" ")[0] for request in site.cluster.requests[before:]}
    assert verbs == {"get", "list"}
    (command,) = found.broken["image"]["commands"]
    start = f"kubectl --kubeconfig {site.kubeconfig} --namespace default set image statefulset/stan stan="
    assert command == f"{start}nats-streaming:0.25.6"


async def test_a_group_in_trouble_gets_commands_that_show_it_and_none_that_changes_it(site: FakeSite) -> None:
    async with healthy(site, 2) as (_, active):
        await site.cut(active)
        site.cluster.report_lost(site.cluster.pods[site.namespace, active].machine)
        found = await looked_at(site)
    where = f"--engine kubernetes --kubeconfig {site.kubeconfig} --namespace default"
    assert found.broken["group"]["commands"][0] == f"stanlocal {where} status"
    assert not any(command.endswith((" up", " heal")) for command in found.broken["group"]["commands"])


async def test_no_such_group_and_one_that_runs_something_else_are_said_to_be(site: FakeSite) -> None:
    other = {
        "kind": "StatefulSet",
        "metadata": {"name": "stan"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"containers": [{"name": "db", "image": "postgres:16"}]},
            },
        },
    }
    assert "no StatefulSet 'stan'" in (await looked_at(site)).broken["group"]["detail"]
    await site.deploy([other])
    assert "runs no nats-streaming-server" in (await looked_at(site)).broken["group"]["detail"]


async def test_servers_that_are_no_ft_group_are_said_to_be(site: FakeSite) -> None:
    objects = seed(2)
    for each in objects:
        if each["metadata"]["name"] == "stan-config":
            data = each["data"]
            data["stan.conf"] = data["stan.conf"].replace("ft_group_name", "# ft_group_name")
    await site.deploy(objects)
    found = (await looked_at(site)).broken
    assert found["ft-group"]["where"].startswith("configmap/stan-config stan.conf:")
    assert "group" not in found


async def test_without_a_cluster_it_says_so(site: FakeSite) -> None:
    await site.cluster.stop()
    found = (await looked_at(site)).broken
    assert "no answer from http://127.0.0.1" in found["engine"]["detail"]
