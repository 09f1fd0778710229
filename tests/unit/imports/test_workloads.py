"""Objects of all kinds that run the server, one or several, and how many servers that is."""

from __future__ import annotations

from typing import Any

import pytest

from stanlocal.imports.reading import read
from tests.unit.imports.manifests import config_map, container, manifest, workload
from tests.unit.imports.reading import CASES, Write, problems, reported, values

_FLAGS = ("-st", "file", "-dir", "/d", "-ft_group", "ftg", "-cid", "orders")


@pytest.mark.parametrize("name", ["deploymentconfig", "replicaset", "private-image-c", "get-all"])
def test_the_group_is_found(name: str) -> None:
    found = values(CASES / f"{name}.yaml")
    assert (found.nodes, found.streaming["cluster_id"], found.streaming["ft_group_name"]) == (
        3,
        "orders",
        "ftg",
    )
    assert found.streaming["store_limits"]["max_age"] == "36h"


@pytest.mark.parametrize(
    "kind",
    [
        *("StatefulSet", "Deployment", "DeploymentConfig", "ReplicaSet", "ReplicationController"),
        *("Rollout", "CloneSet", "AdvancedStatefulSet", "Job", "Service"),
    ],
)
def test_any_object_with_a_pod_template_is_a_workload(write: Write, kind: str) -> None:
    found = values(write("a.yaml", manifest(workload(container(*_FLAGS), kind=kind, replicas=4))))
    assert (found.nodes, found.streaming["cluster_id"]) == (4, "orders")


@pytest.mark.parametrize(
    ("fields", "nodes"),
    [
        ({"kind": "DaemonSet", "replicas": None}, 2),
        ({"kind": "Deployment", "replicas": None}, 2),
        ({"replicas": 0}, 2),
        ({"replicas": "3"}, 3),
        ({"replicas": 5}, 5),
        ({"replicas": 1}, 1),
    ],
)
def test_the_number_of_servers_is_that_of_the_object(
    write: Write, fields: dict[str, Any], nodes: int
) -> None:
    path = write("a.yaml", manifest(workload(container(*_FLAGS), **fields)))
    assert values(path).nodes == nodes
    if fields["replicas"] in (None, 0):
        assert any(f"{nodes} nodes run" in line for line in reported(read(path, {})))


def test_pods_of_cron_jobs_and_pod_templates_are_found(write: Write) -> None:
    pod = {"template": {"spec": {"containers": [container(*_FLAGS)]}}}
    cron = {"kind": "CronJob", "apiVersion": "batch/v1", "spec": {"jobTemplate": {"spec": pod}}}
    template = {"kind": "PodTemplate", "apiVersion": "v1", **pod}
    for each in (cron, template):
        assert values(write("a.yaml", manifest(each))).streaming["cluster_id"] == "orders"


@pytest.mark.parametrize(
    "server",
    [
        {"image": "registry.example:5000/a/nats-streaming@sha256:abc", "args": list(_FLAGS)},
        {"image": "nats-streaming", "args": list(_FLAGS)},
        {"image": "nats-streaming-server:1", "args": list(_FLAGS)},
        {"image": "x/stan:7", "args": list(_FLAGS)},
        {"image": "x/stan:7", "command": ["/nats-streaming-server"], "args": list(_FLAGS)},
        {"image": "x/stan:7", "command": ["nats-streaming-server", *_FLAGS]},
        {"image": "x/stan:7", "args": ["--sc=/e/stan.conf"]},
        {"image": "x/stan:7", "args": ["-config", "/e/stan.conf"]},
        {"image": "x/stan:7", "args": ["-c", "/e/json.conf"]},
        {"command": ["tini", "--", "nats-streaming-server", *_FLAGS]},
    ],
)
def test_a_server_in_an_image_of_any_name_is_known(write: Write, server: dict[str, Any]) -> None:
    conf = '{"streaming": {"id": "orders", "store": "file", "dir": "d", "ft_group": "ftg"}}'
    held = config_map(stan_conf="streaming {\n id: orders\n store: file\n ft_group: ftg\n}", json_conf=conf)
    mounted = {"name": "stan", **server, "volumeMounts": [{"name": "c", "mountPath": "/e"}]}
    pod = workload(mounted, volumes=[{"name": "c", "configMap": {"name": "cm"}}])
    assert values(write("a.yaml", manifest(held, pod))).streaming["cluster_id"] == "orders"


@pytest.mark.parametrize(
    "other",
    [
        {"image": "nats:2.9", "args": ["-c", "/e/nats.conf"]},
        {"image": "natsio/prometheus-nats-exporter:0.16.0", "args": ["-varz", "-serverz", "http://x:8222"]},
        {"image": "x/app", "args": ["-store", "redis"]},
        {"image": "x/app", "args": ["-c", "/e/app.conf"]},
        {"image": "x/app", "command": ["sleep", "1"]},
        {"image": "nats-streaming-operator:1"},
    ],
)
def test_other_containers_are_no_servers(write: Write, other: dict[str, Any]) -> None:
    held = config_map("n", nats_conf="port: 4222", app_conf="a: b")
    mounted = {"name": "other", **other, "volumeMounts": [{"name": "c", "mountPath": "/e"}]}
    pod = workload(mounted, name="other", volumes=[{"name": "c", "configMap": {"name": "n"}}])
    found = values(write("a.yaml", manifest(held, pod, workload(container(*_FLAGS)))))
    assert (found.nodes, found.streaming["cluster_id"]) == (3, "orders")


# Several


def test_pods_that_another_object_makes_are_left_out(write: Write) -> None:
    lines = reported(read(CASES / "get-all.yaml", {}))
    assert [line for line in lines if line.endswith("Pod/s-0 left out: another object of the file makes it")]


def test_what_a_deployment_makes_is_left_out_with_all_that_this_makes(write: Write) -> None:
    deployment = workload(container(*_FLAGS), kind="Deployment", name="d", replicas=2)
    made = workload(container(*_FLAGS), kind="ReplicaSet", name="d-1", replicas=2)
    made["metadata"]["ownerReferences"] = [{"kind": "Deployment", "name": "d"}]
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"d-1-{n}", "ownerReferences": [{"kind": "ReplicaSet", "name": "d-1"}]},
            "spec": {"containers": [container(*_FLAGS)]},
        }
        for n in range(2)
    ]
    assert values(write("a.yaml", manifest(*pods, made, deployment))).nodes == 2
    assert values(write("a.yaml", manifest(*pods))).nodes == 2
    assert values(write("a.yaml", manifest(*pods, pods[0], made))).nodes == 2


def test_one_deployment_for_each_node_is_one_group(write: Write) -> None:
    nodes = [workload(container(*_FLAGS), kind="Deployment", name=f"stan-{n}", replicas=1) for n in "abc"]
    path = write("a.yaml", manifest(*nodes))
    assert values(path).nodes == 3
    assert any("3 nodes of one FT group run, or as" in line for line in reported(read(path, {})))


def test_the_first_of_several_counts_where_they_differ(write: Write) -> None:
    nodes = [workload(container(*_FLAGS, "-mm", str(n)), name=f"stan-{n}", replicas=1) for n in (7, 8)]
    path = write("a.yaml", manifest(*nodes))
    assert values(path).streaming["store_limits"]["max_msgs"] == 7
    assert any(
        "max_msgs (8) changed: StatefulSet/stan-8 differs from StatefulSet/stan-7" in line
        for line in reported(read(path, {}))
    )


def test_a_lone_server_beside_a_group_is_left_out(write: Write) -> None:
    lone = workload(container("-cid", "dev"), name="dev", replicas=1)
    path = write("a.yaml", manifest(lone, workload(container(*_FLAGS))))
    assert values(path).nodes == 3
    assert any(
        "StatefulSet/dev left out: it is another server (cluster id dev" in line
        for line in reported(read(path, {}))
    )


def test_two_groups_are_one_too_many(write: Write) -> None:
    other = workload(container(*_FLAGS[:-1], "billing"), name="other")
    (problem,) = problems(write("a.yaml", manifest(workload(container(*_FLAGS)), other)))
    assert (
        "are not one FT group: StatefulSet/s (cluster id orders, FT group ftg), StatefulSet/other ("
        in problem
    )
    assert problem.endswith("leave those with the same FT group and cluster id")


def test_a_hundred_servers_are_refused_at_once(write: Write) -> None:
    nodes = [workload(container(*_FLAGS), name=f"s{n}", replicas=1) for n in range(100)]
    (problem,) = problems(write("a.yaml", manifest(*nodes)))
    assert "there are more than 64 servers" in problem


# Operators


def _operated(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "streaming.nats.io/v1alpha1",
        "kind": "NatsStreamingCluster",
        "metadata": {"name": "orders"},
        "spec": {"size": 3, "natsSvc": "nats", **spec},
    }


def _bus(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "EventBus", "spec": spec}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"config": {"storeDir": "/pv", "ftGroup": "ftg"}}, {}),
        ({"store": "file", "config": {"storeDir": "/pv", "ftGroup": "ftg"}}, {}),
        (
            {"store": "FILE", "config": {"storeDir": "/pv", "ftGroup": "ftg", "debug": True}},
            {"stan_debug": True},
        ),
        ({"config": {"storeDir": "/pv", "ftGroup": "ftg", "trace": True}}, {"stan_trace": True}),
        ({"config": {"ftGroup": "ftg"}, "image": "nats-streaming:latest"}, {}),
        (
            {"config": {"storeDir": "/pv", "ftGroup": "ftg"}, "configFile": "/e/stan.conf"},
            {"hb_fail_count": 7},
        ),
    ],
)
def test_the_operators_resource_with_an_ft_group_is_read(
    write: Write, spec: dict[str, Any], expected: dict[str, Any]
) -> None:
    pod = {
        "containers": [{"name": "stan", "volumeMounts": [{"name": "c", "mountPath": "/e"}]}],
        "volumes": [{"name": "c", "configMap": {"name": "cm"}}],
    }
    held = config_map(stan_conf="streaming { hb_fail_count: 7, id: other }")
    path = write("a.yaml", manifest(held, _operated(**spec, template={"spec": pod})))
    found = values(path)
    assert (found.nodes, found.streaming["cluster_id"], found.streaming["ft_group_name"]) == (
        3,
        "orders",
        "ftg",
    )
    assert found.streaming.items() >= expected.items()
    assert any("nats_server_url" in line and "left out" in line for line in reported(read(path, {})))


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (_operated(), "the operator runs its servers as a Raft cluster"),
        (_operated(config={}), "set spec.config.ftGroup and spec.config.storeDir for an FT group"),
        (_operated(store="SQL", config={"ftGroup": "g"}), "streaming.store is 'SQL': the server could"),
        (_operated(store="MEMORY"), "streaming.store is 'MEMORY': an FT group needs"),
        (_bus({"nats": {"native": {}}}), "Argo Events runs the servers of its native bus as a Raft cluster"),
        (_bus({"nats": {"exotic": {"url": "x"}}}), "it names servers that run elsewhere; give the files of"),
        (_bus({"jetstream": {"version": "2"}}), "it is a bus of another kind than NATS Streaming"),
    ],
)  # fmt: skip
def test_a_resource_that_is_no_ft_group_is_one_line_with_the_way_on(
    write: Write, resource: dict[str, Any], expected: str
) -> None:
    (problem,) = problems(write("a.yaml", manifest(resource)))
    assert expected in problem
    assert "'stanlocal up' without --from" in problem or "--store file" in problem
