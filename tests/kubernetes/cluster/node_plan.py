"""The processes of a node, and the files that configure them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.kubernetes.cluster.layout import CLUSTER_DOMAIN, HOST_ADDRESS, Node, Paths
from tests.kubernetes.cluster.program import Program, options

PAUSE_IMAGE = "registry.k8s.io/pause:3.10"
OWN_FOLDERS = (
    "/run/netns",  # networks of its pods
    "/run/containerd",  # sockets of its shims, beside which another containerd of the machine has its own
    "/var/lib/cni",
    "/var/lib/kubelet",  # socket of the device plugins, which two kubelets would remove from each other
    "/var/log/containers",  # links to logs
)
"""Folders that no option moves: each node has a file system of its own there."""
_LAST_MOUNT = "/usr/sbin"


def holder(node: Node, paths: Paths) -> Program:
    """Return the process that holds the node's namespaces.

    Mounts on the host appear in the node, and never the other way round. `/` is shared within the node, as
    kubelet wants it.
    """
    folders = " ".join(OWN_FOLDERS)
    script = (
        f"mount --make-rshared / && for folder in {folders}; do mount -t tmpfs node $folder || exit 1; done"
        f" && mount -t overlay -o lowerdir={paths.helpers}:{_LAST_MOUNT} helpers {_LAST_MOUNT}"
        " && exec sleep infinity"
    )
    network = ("nsenter", f"--net=/run/netns/{node.network}")
    return Program(node.name, (*network, "unshare", "--mount", "--propagation", "slave", "sh", "-c", script))


def is_prepared(mountinfo: str) -> bool:
    """Return whether a holder with these mounts (proc_pid_mountinfo(5)) has made the last of them."""
    return any(line.split()[4] == _LAST_MOUNT for line in mountinfo.splitlines())


def containerd(node: Node, paths: Paths) -> Program:
    config = paths.of_node(node) / "containerd.toml"
    return Program(f"containerd-{node.index}", ("containerd", "-c", str(config), "-l", "warn"), node)


def kubelet(node: Node, kube: Path, paths: Paths) -> Program:
    folder = paths.of_node(node)
    flags = options(
        config=folder / "kubelet.yaml",
        kubeconfig=paths.kubeconfig(node.name),
        root_dir=folder / "kubelet",
        cert_dir=folder / "pki",
        hostname_override=node.name,
        node_ip=node.address,
        node_labels=f"topology.kubernetes.io/zone={node.zone}",
    )
    return Program(f"kubelet-{node.index}", (str(kube), "kubelet", *flags), node)


def files(node: Node, paths: Paths) -> Mapping[str, str]:
    """Return the text of the files in the node's folder, by their path in there."""
    return {
        "cni/10-ptp.conflist": _pod_networks(node, paths),
        "containerd.toml": _containerd_config(paths.of_node(node), paths.containerd_socket(node)),
        "kubelet.yaml": _kubelet_config(node, paths),
        "resolv.conf": f"nameserver {HOST_ADDRESS}\n",
    }


def _pod_networks(node: Node, paths: Paths) -> str:
    """Return how CNI connects pods: each by a route of its own, so that the node's firewall sees all."""
    addresses = {
        "type": "host-local",
        "dataDir": str(paths.of_node(node) / "addresses"),
        "ranges": [[{"subnet": node.pod_network}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugin = {"type": "ptp", "ipMasq": False, "mtu": 1500, "ipam": addresses}
    return json.dumps({"cniVersion": "0.4.0", "name": "stanlocal", "plugins": [plugin]}, indent=2)


def _containerd_config(folder: Path, socket: Path) -> str:
    return f"""version = 2
root = "{folder}/containerd"
state = "{folder}/state"
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"  # imported: no registry is asked
  disable_apparmor = true
  # Without CAP_SYS_RESOURCE, as in many a virtual machine, a pod of -998 would not start.
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"  # of exec and port-forward, which kubelet comes for
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"  # where Debian has them
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false  # a test machine may lack systemd
"""


def _kubelet_config(node: Node, paths: Paths) -> str:
    folder = paths.of_node(node)
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{paths.containerd_socket(node)}",
        "address": "0.0.0.0",  # of the node's network
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": str(paths.certificate("ca"))},
        },
        "authorization": {"mode": "AlwaysAllow"},  # whoever has a certificate
        "readOnlyPort": 0,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cgroup}",
        "failCgroupV1": False,  # version 1.35 refuses such machines by default
        "failSwapOn": False,
        "clusterDomain": CLUSTER_DOMAIN,
        "clusterDNS": [HOST_ADDRESS],
        "resolvConf": str(folder / "resolv.conf"),
        "podLogsDir": str(folder / "logs"),
        "volumePluginDir": str(folder / "plugins"),
        "makeIPTablesUtilChains": False,
        "registerNode": True,
        "nodeStatusUpdateFrequency": "4s",
        "syncFrequency": "10s",
        # A machine whose disk is almost full must not evict the pods of tests.
        "evictionHard": {
            "memory.available": "50Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "localStorageCapacityIsolation": False,
        # A test that kills a server three times would wait for 20 s, and then for 40 s.
        "featureGates": {"KubeletCrashLoopBackOffMax": True},
        "crashLoopBackOff": {"maxContainerRestartPeriod": "1s"},
        "maxPods": 100,
    }
    return json.dumps(config, indent=2)  # which is YAML too


def pod_logs(node: Node, paths: Paths) -> Path:
    """Return the folder of the logs of its pods."""
    return paths.of_node(node) / "logs"
