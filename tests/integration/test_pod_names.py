"""The exported ConfigMap's configuration on the real server, with the pods' names as host names."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import docker
import pytest
import yaml
from docker.models.containers import Container

from stanlocal.export.kubernetes import Deployment, render
from stanlocal.export.objects import Storage
from stanlocal.model.plan import CONF_DIR
from tests.seed import by_name
from tests.unit.export.plans import a_plan

pytestmark = pytest.mark.docker

_DEADLINE_S = 30.0


@pytest.fixture
def pods(docker_client: docker.DockerClient, group_name: str, tmp_path: Path) -> Iterator[list[Container]]:
    """Two containers as the StatefulSet's pods would be: its image, arguments, variables, names, volume."""
    deployment = Deployment("stan", Storage("existing-claim", "claim"))
    found = by_name(list(yaml.safe_load_all(render(a_plan(), deployment))))
    server = found["StatefulSet/stan"]["spec"]["template"]["spec"]["containers"][0]
    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "stan.conf").write_text(found["ConfigMap/stan-config"]["data"]["stan.conf"])
    with ExitStack() as stack:
        network = docker_client.networks.create(group_name, check_duplicate=True)
        stack.callback(network.remove)
        volume = docker_client.volumes.create(group_name)
        stack.callback(volume.remove, force=True)
        made = []
        for index in range(found["StatefulSet/stan"]["spec"]["replicas"]):
            name = f"stan-{index}"
            address = f"{name}.stan.default.svc"
            pod = docker_client.containers.create(
                server["image"],
                server["args"],
                name=f"{group_name}-{index}",
                environment={"POD_NAME": name, "POD_NAMESPACE": "default", "CLUSTER_ADVERTISE": address},
                volumes={str(conf): {"bind": CONF_DIR, "mode": "ro"}, group_name: {"bind": "/data/stan"}},
                ports={"8222/tcp": ("127.0.0.1", 0)},
                network=group_name,
                networking_config={
                    group_name: docker_client.api.create_endpoint_config(aliases=[f"{name}.stan", address])
                },
            )
            stack.callback(pod.remove, force=True)
            made.append(pod)
        for pod in made:
            pod.start()
        yield made


def ask(pod: Container, path: str) -> dict[str, object]:
    """The monitor's answer; empty while there is none."""
    pod.reload()
    published = pod.ports.get("8222/tcp")
    if not published:
        return {}
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{published[0]['HostPort']}{path}", timeout=2
        ) as answer:
            found: dict[str, object] = json.load(answer)
            return found
    except OSError:
        return {}


def wait_until_active(pods: list[Container]) -> Container:
    """Return the active pod, once exactly one is active and reports readiness."""
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        active = [pod for pod in pods if ask(pod, "/streaming/serverz").get("state") == "FT_ACTIVE"]
        if len(active) == 1 and b"STREAM: Streaming Server is ready" in active[0].logs():
            return active[0]
        time.sleep(0.05)
    pytest.fail("\n".join(pod.logs().decode() for pod in pods))


def test_the_pods_find_each_other_by_name_and_fail_over(pods: list[Container]) -> None:
    active = wait_until_active(pods)
    (standby,) = [pod for pod in pods if pod != active]
    assert b"STREAM: Starting in standby mode" in standby.logs()
    for pod in pods:
        assert b"Cluster Name Conflict" not in pod.logs()
        assert b"Error trying to connect to route" not in pod.logs() or ask(pod, "/routez")["num_routes"] == 1
    assert {ask(pod, "/varz")["server_name"] for pod in pods} == {"stan-0", "stan-1"}
    active.kill()
    assert wait_until_active([standby]) == standby
