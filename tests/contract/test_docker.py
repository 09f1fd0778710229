"""Docker's own part of the contract: a node's container, by its record and by the kernel, and its labels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stanlocal.errors import EngineError
from stanlocal.model.plan import GroupPlan
from tests.contract.rigs import DockerRig

if TYPE_CHECKING:
    import docker

pytestmark = pytest.mark.docker


@dataclass(frozen=True, slots=True)
class Made:
    """A node that runs."""

    plan: GroupPlan
    engine: dict[str, Any]
    """Return the container as the engine inspects it."""
    kernel: dict[str, str]
    """The status of its process."""


@pytest.fixture
async def made(request: pytest.FixtureRequest, tmp_path: Path, group_name: str) -> AsyncIterator[Made]:
    rig = DockerRig(request, tmp_path, group_name)
    plan = await rig.started()
    found = rig.client.api.inspect_container(plan.nodes[0].name)
    status = Path(f"/proc/{found['State']['Pid']}/status").read_text()
    yield Made(plan, found, dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line))
    await rig.close()


async def test_a_nodes_container_is_hardened(made: Made) -> None:
    """Checked all at once, as it takes a second to make a container."""
    host, config, kernel = made.engine["HostConfig"], made.engine["Config"], made.kernel
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["PidsLimit"] == 512
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
    assert host["RestartPolicy"]["Name"] in ("", "no")  # a killed node has to stay down
    assert (host["PidMode"], host["IpcMode"] in ("private", "shareable"), host["UTSMode"]) == ("", True, "")
    assert (config["StopSignal"], config["StopTimeout"]) == ("SIGTERM", 30)

    user = made.plan.user.split(":")
    assert config["User"] == made.plan.user
    assert (kernel["Uid"].split(), kernel["Gid"].split()) == ([user[0]] * 4, [user[1]] * 4)
    assert user[0] != "0"
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(kernel[capabilities], 16) == 0
    assert kernel["NoNewPrivs"] == "1"
    assert kernel["Seccomp"] == "2"

    assert config["Cmd"] == ["-sc", "/etc/stan-config/stan.conf"]
    assert not [variable for variable in config["Env"] or () if not variable.startswith("PATH=")]

    writable = {mount["Destination"] for mount in made.engine["Mounts"] if mount["RW"]}
    assert writable == {"/data/stan/store"}


async def test_a_container_with_unreadable_labels_is_named_with_advice(
    request: pytest.FixtureRequest, tmp_path: Path, group_name: str
) -> None:
    rig = DockerRig(request, tmp_path, group_name)
    await rig.create(rig.plan())
    (node,) = await rig.engine.instances(group_name)
    labels = rig.client.containers.get(node.name).labels
    strange = f"{group_name}-strange"
    made = rig.client.containers.create(
        rig.image, name=strange, labels={**labels, "dev.stanlocal.plan": "{}"}
    )
    with pytest.raises(EngineError, match=f"'docker rm -f {strange}'"):
        await rig.engine.instances(group_name)
    made.remove()
    assert await rig.engine.instances(group_name) == [node]
    await rig.close()


async def test_a_node_is_reached_on_the_loopback_only_and_routes_lead_nowhere_else(
    made: Made, docker_client: docker.DockerClient
) -> None:
    (node,) = made.plan.nodes
    settings = made.engine["NetworkSettings"]
    assert {port: bound for port, bound in settings["Ports"].items() if bound} == {
        "4222/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(node.client_port)}],
        "8222/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(node.monitor_port)}],
    }
    names = (made.plan.client_network, made.plan.cluster_network)
    assert set(settings["Networks"]) == set(names)
    assert [docker_client.networks.get(name).attrs["Internal"] for name in names] == [False, True]
