"""The deployment that `export kubernetes` writes, as the API has it, for tests that change a part of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import yaml

from stanlocal.doctor.cluster.deployed_group import DeployedGroup
from stanlocal.engine.kubernetes.group_objects import GroupObjects
from stanlocal.export.kubernetes import Deployment, render
from stanlocal.export.objects import Kind, Storage
from stanlocal.imports.deployed import deployed
from tests.support.facts import group_plan

Json = dict[str, Any]


def pod_of(workload: Json) -> Json:
    spec: Json = workload["spec"]["template"]["spec"]
    return spec


def container_of(workload: Json, index: int = 0) -> Json:
    container: Json = pod_of(workload)["containers"][index]
    return container


def exported(kind: Kind = "nfs", nodes: int = 2) -> dict[str, Json]:
    """The objects by kind, the claim bound to its volume."""
    text = render(group_plan(nodes), Deployment("stan", Storage(kind, "stan-store"), namespace="messaging"))
    found = {each["kind"]: each for each in yaml.safe_load_all(text)}
    claim = found.setdefault("PersistentVolumeClaim", {"metadata": {"name": "stan-store"}, "spec": {}})
    volume = found.setdefault("PersistentVolume", {"metadata": {"name": "pvc-1"}, "spec": {}})
    claim["spec"]["volumeName"] = volume["metadata"]["name"]
    claim["status"] = {"phase": "Bound"}
    return found


def running(name: str, machine: str, **statuses: Json) -> Json:
    """A pod on a machine, with the states of its containers."""
    states = {"stan": {"running": {}}, "metrics": {"running": {}}, **statuses}
    listed = [{"name": each, "state": state, "restartCount": 3} for each, state in states.items()]
    return {
        "metadata": {"name": name},
        "spec": {"nodeName": machine},
        "status": {"containerStatuses": listed},
    }


def group(
    found: Mapping[str, Json],
    *,
    pods: Mapping[str, Json] | None = None,
    machines: int = 2,
    unseen: Mapping[str, str] | None = None,
) -> DeployedGroup:
    """The deployment of these objects, on two machines."""

    def named(kind: str) -> dict[str, Json]:
        return {found[kind]["metadata"]["name"]: found[kind]} if kind in found else {}

    hidden = unseen or {}
    workload, config_map = found["StatefulSet"], found["ConfigMap"]
    if pods is None:
        pods = {f"stan-{index}": running(f"stan-{index}", f"node-{index}") for index in range(2)}
    objects = GroupObjects(
        "messaging",
        workload,
        [config_map],
        pods,
        {} if "persistentvolumeclaims" in hidden else named("PersistentVolumeClaim"),
        {} if "persistentvolumes" in hidden else named("PersistentVolume"),
        {} if "storageclasses" in hidden else named("StorageClass"),
        [] if "nodes" in hidden else [{"metadata": {"name": f"node-{index}"}} for index in range(machines)],
        hidden,
    )
    server = deployed("StatefulSet", "stan", [workload, config_map], {})
    assert server is not None
    return DeployedGroup(objects, server, ("--namespace", "messaging"))


def changed(change: Callable[[dict[str, Json]], object], kind: Kind = "nfs", nodes: int = 2) -> DeployedGroup:
    """The deployment with a change of its objects."""
    found = copy.deepcopy(exported(kind, nodes))
    change(found)
    return group(found)


def beside_a_nats_server(of: DeployedGroup) -> DeployedGroup:
    return replace(of, server=replace(of.server, nats_url="nats://nats:4222"))
