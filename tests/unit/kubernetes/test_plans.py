"""What the processes of the cluster are given."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.kubernetes.cluster import control_plane, credentials, network_plan, node_plan, share
from tests.kubernetes.cluster.layout import HOST_ADDRESS, NODES, Node, Paths

KUBE = Path("/built/kube")
_MOST_OF_A_LINK_NAME = 15
"""Characters that the kernel allows."""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


@pytest.mark.parametrize("of", ["name", "network", "cable", "address", "pod_network", "zone", "cgroup"])
def test_nothing_belongs_to_two_nodes(of: str) -> None:
    assert len({getattr(node, of) for node in NODES}) == len(NODES)


def test_names_of_links_are_short_enough_for_the_kernel() -> None:
    links = [command[command.index("link") + 2] for node in NODES for command in _plugs(node)]
    assert links
    assert max(map(len, links)) <= _MOST_OF_A_LINK_NAME


def _plugs(node: Node) -> list[network_plan.Command]:
    commands = [*network_plan.host_cable(), *network_plan.node_network(node)]
    return [command for command in commands if "add" in command and "veth" in command]


def test_two_kubelets_share_neither_cgroup_nor_folder(paths: Paths) -> None:
    configs = [json.loads(node_plan.files(node, paths)["kubelet.yaml"]) for node in NODES]
    for setting in ("cgroupRoot", "podLogsDir", "volumePluginDir", "containerRuntimeEndpoint"):
        assert len({config[setting] for config in configs}) == len(NODES), setting


def test_only_holders_of_a_certificate_reach_kubelet(paths: Paths) -> None:
    config = json.loads(node_plan.files(NODES[0], paths)["kubelet.yaml"])
    assert not config["authentication"]["anonymous"]["enabled"]
    assert config["readOnlyPort"] == 0


def test_no_server_of_the_control_plane_listens_on_all_addresses(paths: Paths) -> None:
    assert f"--bind-address={HOST_ADDRESS}" in control_plane.api_server(KUBE, paths).command
    assert "--secure-port=0" in control_plane.controllers(KUBE, paths).command
    assert "--secure-port=0" in control_plane.scheduler(KUBE, paths).command


def test_a_node_is_prepared_once_its_last_mount_is_there() -> None:
    earlier = "36 25 0:32 / /run/netns rw shared:1 - tmpfs node rw\n"
    last = "37 25 0:33 / /usr/sbin ro shared:2 - overlay helpers ro\n"
    assert not node_plan.is_prepared(earlier)
    assert node_plan.is_prepared(earlier + last)


def test_a_kubeconfig_names_the_files_of_its_user(paths: Paths) -> None:
    config = json.loads(credentials.kubeconfig(paths, "node-1"))
    login = config["users"][0]["user"]
    assert login["client-certificate"] == str(paths.certificate("node-1"))
    assert config["contexts"][0]["context"]["user"] == config["users"][0]["name"]


@pytest.mark.parametrize("path", ["/../outside", "/exports/../..", ".."])
def test_a_mounted_path_does_not_lead_out_of_the_shared_folder(path: str, paths: Paths) -> None:
    done = subprocess.run(
        ["sh", "-c", share.mount_nfs(paths), "mount.nfs", f"server:{path}", str(paths.root)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 32
    assert "leads out" in done.stderr
    assert list(paths.root.iterdir()) == []
