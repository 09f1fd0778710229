"""The texts of `export kubernetes` and `export helm`, applied to a real cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tests.kubernetes import nats_server
from tests.kubernetes.cluster.layout import HOST_ADDRESS
from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.deployed_group import DeployedGroup
from tests.kubernetes.examined import examined
from tests.kubernetes.failing_over import survives_everything
from tests.kubernetes.volumes import make_claim, make_volume, shared_folder, wait_for_claim
from tests.support import stan_chart_objects
from tests.support.cli import Cli

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

_CLAIM = "stan-store"
_SIZE = ("--storage-size", "1Gi")


@pytest.fixture(params=["existing-claim", "nfs", "efs", "azurefile"])
def storage(request: pytest.FixtureRequest, cluster: Cluster, namespace: str) -> Sequence[str]:
    """The options of the export for each storage, whose volume the cluster serves.

    For a class of EFS or Azure, which no provisioner serves here, the volume is made as one would make it.
    """
    kind: str = request.param
    if kind == "existing-claim":
        make_claim(cluster, namespace, _CLAIM)
        return ("--storage", kind)
    if kind == "nfs":
        server = ("--nfs-server", HOST_ADDRESS, "--nfs-path", shared_folder(namespace))
        return ("--storage", kind, *server, *_SIZE)
    make_volume(cluster, namespace, _CLAIM, storage_class=f"stan-{kind}")
    file_system = ("--file-system", "fs-0123456789abcdef0") if kind == "efs" else ()
    return ("--storage", kind, *file_system, *_SIZE)


@pytest.fixture
def cli(cluster: Cluster, namespace: str, tmp_path: Path) -> Cli:
    """The command, which looks at the namespace of the test."""
    env = {
        "STANLOCAL_ENGINE": "kubernetes",
        "STANLOCAL_KUBECONFIG": str(cluster.paths.kubeconfig()),
        "STANLOCAL_NAMESPACE": namespace,
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    return Cli(tmp_path, env)


def test_an_exported_group_fails_over_in_every_way_and_is_well_to_doctor(
    cluster: Cluster, namespace: str, storage: Sequence[str], cli: Cli, tmp_path: Path
) -> None:
    """It comes up on both nodes and survives; nothing is left of it."""
    export = ("export", "kubernetes", "--name", "stan", "--namespace", namespace, "--nodes", "2")
    text = Cli(tmp_path).ok(*export, *storage)
    cluster.kubectl("apply", "--filename=-", stdin=text)
    wait_for_claim(cluster, namespace, _CLAIM)
    group = DeployedGroup(cluster, namespace)
    group.wait_for_one_active(2)
    found = examined(cli)
    assert (found.broken, found.unseen) == ({}, frozenset())

    survives_everything(cluster, group)
    delete = ("delete", "--namespace", namespace, "--wait=true", "--timeout=60s")
    cluster.kubectl(*delete, "--cascade=foreground", "--filename=-", stdin=text)
    assert group.pods() == {}


@pytest.fixture
def released(cluster: Cluster, namespace: str, tmp_path: Path) -> DeployedGroup:
    """A release of the nats/stan chart with the values of `export helm`, beside a NATS server."""
    make_claim(cluster, namespace, "stan-efs")
    nats_server.place(cluster, namespace, cluster.nodes[0])
    text = Cli(tmp_path).ok("export", "helm", "--name", "stan", "--nodes", "2")
    objects = stan_chart_objects.objects(yaml.safe_load(text), "stan")
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    cluster.kubectl("apply", "--namespace", namespace, "--filename=-", stdin=listed)
    return DeployedGroup(cluster, namespace)


def test_a_release_of_the_chart_fails_over_in_every_way_and_is_well_to_doctor(
    cluster: Cluster, namespace: str, released: DeployedGroup, cli: Cli
) -> None:
    released.wait_for_one_active(2)
    found = examined(cli)
    assert (found.broken, found.unseen) == ({}, frozenset())
    survives_everything(
        cluster,
        released,
        lambda active: nats_server.keep_from(cluster, namespace, released.node_of(active.pod)),
    )
