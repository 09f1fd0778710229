"""Names, addresses and folders of the cluster. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/var/lib/stanlocal-cluster")
"""Folder of a running cluster's state, removed by `down`; for root only."""
CGROUP = "stanlocal-cluster"
"""Name of the cgroup that everything of the cluster runs in."""
DAEMONS = f"{CGROUP}/daemons"
"""Name of the cgroup of what is no pod: a leaf, as cgroup v2 wants no processes between."""

SWITCH = "stanlocal-switch"
"""Network namespace of the bridge that all cables meet in."""
BRIDGE = "bridge"
HOST_CABLE = "stanlocal-host"
"""Link from the host to the switch; of the same name at both ends, like every cable."""

HOST_ADDRESS = "10.200.0.1"
"""Address of the host on the switch: API server, DNS and shared file system listen on it alone."""
API_PORT = 16443
ETCD_URL = "http://127.0.0.1:23790"
ETCD_PEER_URL = "http://127.0.0.1:23800"
SHARE_PORT = 24100
SERVICE_NETWORK = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"
"""First address of the services' network, which the API server takes for itself."""
CLUSTER_DOMAIN = "cluster.local"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the cluster."""

    index: int

    @property
    def name(self) -> str:
        """Name of the node in the cluster, and of the process that holds its namespaces."""
        return f"node-{self.index}"

    @property
    def network(self) -> str:
        """Name of its network namespace."""
        return f"stanlocal-{self.name}"

    @property
    def cable(self) -> str:
        """Name of the link between it and the switch."""
        return f"stan-{self.name}"

    @property
    def address(self) -> str:
        return f"10.200.0.{10 + self.index}"

    @property
    def pod_network(self) -> str:
        return f"10.244.{self.index}.0/24"

    @property
    def zone(self) -> str:
        """Value of its label topology.kubernetes.io/zone."""
        return f"zone-{self.index}"

    @property
    def cgroup(self) -> str:
        """Name of the cgroup of its pods: two kubelets in one would end each other's."""
        return f"{CGROUP}/{self.name}"


NODES = (Node(0), Node(1))


@dataclass(frozen=True, slots=True)
class Paths:
    """Files and folders of a running cluster."""

    root: Path = ROOT

    @property
    def removed(self) -> Path:
        """Name of `root` while it is removed."""
        return self.root.with_name(f"{self.root.name}.removed")

    @property
    def key(self) -> Path:
        """File with the key of the programs that it runs."""
        return self.root / "key"

    @property
    def boot(self) -> Path:
        """File that names the boot of the machine that the cluster belongs to."""
        return self.root / "boot"

    @property
    def network(self) -> Path:
        """File that is written once all networks are made."""
        return self.root / "network"

    @property
    def logs(self) -> Path:
        """Folder of what each process writes."""
        return self.root / "log"

    @property
    def pids(self) -> Path:
        return self.root / "pid"

    @property
    def credentials(self) -> Path:
        """Folder of certificates and keys."""
        return self.root / "pki"

    @property
    def shared(self) -> Path:
        """Folder on the host that holds what the shared file system serves."""
        return self.root / "shared"

    @property
    def helpers(self) -> Path:
        """Folder of `mount.nfs`, which appears among the nodes' programs."""
        return self.root / "sbin"

    @property
    def kernel_settings(self) -> Path:
        """File with the values that kubelet's changes are undone with."""
        return self.root / "sysctl.json"

    @property
    def made_folders(self) -> Path:
        """File with the folders outside of `root` that `up` made."""
        return self.root / "folders.json"

    def kubeconfig(self, user: str = "admin") -> Path:
        return self.root / f"{user}.kubeconfig"

    def certificate(self, name: str) -> Path:
        return self.credentials / f"{name}.crt"

    def private_key(self, name: str) -> Path:
        return self.credentials / f"{name}.key"

    def of_node(self, node: Node) -> Path:
        """Return the folder of a node's containerd and kubelet."""
        return self.root / node.name

    def containerd_socket(self, node: Node) -> Path:
        return self.of_node(node) / "containerd.sock"
