"""A namespace with a group to look at: on the cluster in memory, and on the real one."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from stanlocal.api import FTGroup
from tests.support.cli import ROOT, Cli
from tests.support.fake_cluster import FakeCluster

Json = dict[str, Any]


def documents(text: str) -> list[Json]:
    return [each for each in yaml.safe_load_all(text) if each]


def looking_rules() -> tuple[list[Json], list[Json]]:
    """The rules of the Role and of the ClusterRole that the documentation names for looking."""
    return _rules(0)


def changing_rules() -> tuple[list[Json], list[Json]]:
    """Return the rules for looking, and the further ones that the documentation names for changing groups."""
    looking, more = _rules(0), _rules(1)
    return [*looking[0], *more[0]], [*looking[1], *more[1]]


def forwarding_rules() -> tuple[list[Json], list[Json]]:
    """The rules for looking, and those that the documentation names for clients outside of the cluster."""
    return _looking_and("stanlocal-forward")


def doctor_rules() -> tuple[list[Json], list[Json]]:
    """The rules for looking, and those that the documentation names for `doctor`."""
    return _looking_and("stanlocal-doctor")


def _looking_and(name: str) -> tuple[list[Json], list[Json]]:
    blocks = (ROOT / "docs/clusters.md").read_text().split("```yaml\n")[1:]
    roles = [each for block in blocks for each in documents(block.partition("```")[0])]
    looking = _rules(0)
    for kind, rules in zip(("Role", "ClusterRole"), looking, strict=True):
        found = [each["rules"] for each in roles if (each["kind"], each["metadata"]["name"]) == (kind, name)]
        rules += [rule for each in found for rule in each]
    return looking


def _rules(block: int) -> tuple[list[Json], list[Json]]:
    text = (ROOT / "docs/clusters.md").read_text()
    role, cluster_role = documents(text.split("```yaml\n")[1 + block].partition("```")[0])
    return role["rules"], cluster_role["rules"]


def nfs_storage(server: str, path: str) -> dict[str, str]:
    options = {"STORAGE": "nfs", "NFS_SERVER": server, "NFS_PATH": path, "STORAGE_SIZE": "1Gi"}
    return {f"STANLOCAL_KUBERNETES__{name}": value for name, value in options.items()}


class Site(ABC):
    """A namespace of a cluster, and what can happen to it."""

    namespace: str
    kubeconfig: Path
    timeout: float
    """Seconds for a failover and what follows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def group(self, name: str = "stan") -> FTGroup:
        return FTGroup(group=name, engine="kubernetes", kubeconfig=self.kubeconfig, namespace=self.namespace)

    def cli(self) -> Cli:
        env = {
            "STANLOCAL_ENGINE": "kubernetes",
            "STANLOCAL_KUBECONFIG": str(self.kubeconfig),
            "STANLOCAL_NAMESPACE": self.namespace,
            "XDG_STATE_HOME": str(self.folder / "state"),
        }
        return Cli(self.folder, env)

    async def run(self, *arguments: str) -> Any:
        """The command's JSON document."""
        return await asyncio.to_thread(self.cli().json, "--json", *arguments)

    @abstractmethod
    async def deploy(self, objects: Sequence[Json]) -> None:
        """Apply the objects, with what their volumes need."""

    @abstractmethod
    async def kill(self, node: str) -> None:
        """End the server's process, as its machine's kernel does for want of memory."""

    @abstractmethod
    async def delete(self, node: str) -> None:
        """Delete the pod at once."""

    @abstractmethod
    async def restart_api(self) -> None:
        """Have the API server go away and come back."""

    @abstractmethod
    async def cut(self, node: str) -> None:
        """Cut off the machine of the pod."""

    @abstractmethod
    async def heal(self, node: str) -> None:
        """Reconnect the machine of the pod."""

    @abstractmethod
    def allow(self, rules: tuple[list[Json], list[Json]]) -> None:
        """Go on with a login that has a Role and a ClusterRole with these rules, and no other."""

    def only_looking(self) -> None:
        """Go on with a login that has the documented role and no other."""
        self.allow(looking_rules())

    @abstractmethod
    def storage(self) -> dict[str, str]:
        """Variables by which `up` makes a claim that all pods can write."""

    @abstractmethod
    def objects(self, plural: str) -> list[str]:
        """Names of the objects of a kind in the namespace; those of none if they are for it."""


class FakeSite(Site):
    namespace = "default"
    timeout = 10.0

    def __init__(self, folder: Path, cluster: FakeCluster) -> None:
        super().__init__(folder)
        self.cluster = cluster
        self.kubeconfig = cluster.kubeconfig(folder)

    async def deploy(self, objects: Sequence[Json]) -> None:
        self.cluster.apply(objects, self.namespace)

    async def kill(self, node: str) -> None:
        self.cluster.kill(node)

    async def delete(self, node: str) -> None:
        self.cluster.delete(node)

    async def restart_api(self) -> None:
        await self.cluster.stop()
        await asyncio.sleep(0)
        await self.cluster.start()

    async def cut(self, node: str) -> None:
        self.cluster.cut(self._machine(node))

    async def heal(self, node: str) -> None:
        self.cluster.heal(self._machine(node))

    def _machine(self, node: str) -> str:
        return self.cluster.pods[self.namespace, node].machine

    def allow(self, rules: tuple[list[Json], list[Json]]) -> None:
        self.cluster.rules = [*rules[0], *rules[1]]

    def storage(self) -> dict[str, str]:
        return nfs_storage("nfs.invalid", "/")

    def objects(self, plural: str) -> list[str]:
        return [name for kind, _, name in self.cluster.objects if kind == plural]
