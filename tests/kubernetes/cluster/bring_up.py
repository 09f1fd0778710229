"""Bringing the cluster up, step by step; what is there already stays as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stanlocal.engine.base import Progress
from stanlocal.machine.user_dirs import make_private
from tests.kubernetes.cluster import (
    cgroups,
    control_plane,
    credentials,
    kernel_settings,
    network_plan,
    node_plan,
    requirements,
    share,
)
from tests.kubernetes.cluster.api import Api, ApiError
from tests.kubernetes.cluster.build import build
from tests.kubernetes.cluster.commands import run, wait_until
from tests.kubernetes.cluster.daemons import Daemons
from tests.kubernetes.cluster.errors import ClusterError
from tests.kubernetes.cluster.layout import NODES, Node, Paths
from tests.kubernetes.cluster.locks import MACHINE, is_in_use, locked
from tests.kubernetes.cluster.sources import COREDNS, IMAGES, KUBE, Built, key
from tests.kubernetes.cluster.take_down import remove_all, remove_networks

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_READY_S = 120.0
"""Seconds for each step of a busy machine; a quiet one takes 9 in all."""


def up(progress: Progress) -> None:
    """Bring the cluster up, built first if need be; return once both nodes are ready.

    Raises `CannotRun` where it cannot be, `ClusterError` if it does not come up.
    """
    requirements.check_machine()
    requirements.check_packages()
    built = build(progress)
    with locked(MACHINE):
        paths = Paths()
        if paths.boot.exists() and paths.boot.read_text() != _BOOT.read_text():
            remove_all(paths)  # its folders are all that is left of it
        _check_key(paths)
        _Start(paths, built).all(progress)


def _check_key(paths: Paths) -> None:
    """Raise `ClusterError` if a cluster of other programs runs: its tests may be under way."""
    if paths.key.exists() and (found := paths.key.read_text()) != key():
        raise ClusterError(
            f"a cluster of other versions ({found}) is up; 'python -m tests.kubernetes.cluster down' first"
        )


class _Start:
    """The steps, each of which does nothing where its result is there."""

    def __init__(self, paths: Paths, built: Built) -> None:
        self._paths = paths
        self._kube = KUBE.executable
        self._coredns = COREDNS.executable
        self._built = built
        self._daemons = Daemons(paths)

    def all(self, progress: Progress) -> None:
        self._folders()
        kernel_settings.save(self._paths)
        credentials.make(self._paths)
        cgroups.make()
        self._network()
        self._shared_files()
        progress("starting the control plane")
        self._control_plane()
        progress("starting the nodes")
        with ThreadPoolExecutor(len(NODES)) as threads:
            list(threads.map(self._node, NODES))
        api = Api(self._paths)
        names = {node.name for node in NODES}
        self._until(lambda: api.ready_nodes() >= names, "both nodes ready", "kubelet-0", "kubelet-1")
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        self._until(lambda: api.exists(account), "account of pods", control_plane.CONTROLLERS)

    def _folders(self) -> None:
        make_private(self._paths.root)
        self._paths.boot.write_text(_BOOT.read_text())
        self._paths.key.write_text(key())
        for folder in (self._paths.logs, self._paths.pids, self._paths.helpers, self._paths.shared):
            folder.mkdir(exist_ok=True)
        missing = [folder for folder in map(Path, node_plan.OWN_FOLDERS) if not folder.exists()]
        if not self._paths.made_folders.exists():
            self._paths.made_folders.write_text(json.dumps([str(folder) for folder in missing]))
        for folder in missing:
            folder.mkdir(parents=True)

    def _network(self) -> None:
        if self._paths.network.exists():
            # A test run that was killed may have left a node cut off; one that goes on may want it so.
            mended = () if is_in_use(self._paths) else NODES
            commands = [network_plan.cable(node, "up") for node in mended]
        else:
            remove_networks(self._paths)  # an earlier `up` was interrupted
            commands = [*network_plan.switch(), *network_plan.host_cable()]
            commands += [command for node in NODES for command in network_plan.node_network(node)]
        for command in commands:
            run(command)
        self._paths.network.touch()

    def _shared_files(self) -> None:
        share.server_file(self._paths).write_text(share.server_volume(self._paths))
        share.client_file(self._paths).write_text(share.client_volume())
        helper = self._paths.helpers / "mount.nfs"
        helper.write_text(share.mount_nfs(self._paths))
        helper.chmod(0o755)
        self._daemons.start(share.server(self._paths))

    def _control_plane(self) -> None:
        api = Api(self._paths)
        self._daemons.start(control_plane.etcd(self._kube, self._paths))
        self._daemons.start(control_plane.api_server(self._kube, self._paths))
        self._until(api.is_ready, "API server ready", "etcd", control_plane.API_SERVER)
        self._daemons.start(control_plane.controllers(self._kube, self._paths))
        self._daemons.start(control_plane.scheduler(self._kube, self._paths))
        control_plane.corefile_path(self._paths).write_text(control_plane.corefile(self._paths))
        self._daemons.start(control_plane.dns(self._coredns, self._paths))

    def _node(self, node: Node) -> None:
        folder = self._paths.of_node(node)
        for name, text in node_plan.files(node, self._paths).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        self._daemons.start(node_plan.holder(node, self._paths))
        self._until(lambda: self._is_prepared(node), f"mounts of {node.name}", node.name)
        containerd = node_plan.containerd(node, self._paths)
        self._daemons.start(containerd)
        self._until(lambda: self._answers(node), f"{containerd.name} answering", containerd.name)
        self._import_images(node)
        self._daemons.start(node_plan.kubelet(node, self._kube, self._paths))

    def _is_prepared(self, node: Node) -> bool:
        pid = self._daemons.pid(node.name)
        return pid is not None and node_plan.is_prepared(Path(f"/proc/{pid}/mountinfo").read_text())

    def _answers(self, node: Node) -> bool:
        try:
            self._ctr(node, "version")
        except ClusterError:
            return False
        return True

    def _import_images(self, node: Node) -> None:
        there = self._ctr(node, "images", "list", "--quiet").split()
        for image in IMAGES:
            if image not in there:
                self._ctr(node, "images", "import", str(self._built.archive(image)))

    def _ctr(self, node: Node, *words: str) -> str:
        socket = str(self._paths.containerd_socket(node))
        return run(("ctr", "--address", socket, "--namespace", "k8s.io", *words))

    def _until(self, is_so: Callable[[], bool], what: str, *names: str) -> None:
        """Wait, but no longer than the processes of these names run."""

        def reached() -> bool:
            for name in names:
                if self._daemons.ended(name):
                    raise ClusterError(f"{name} ended: {_last_line(self._daemons.log(name))}")
            try:
                return is_so()
            except ApiError:  # on a busy machine it may answer too late
                return False

        wait_until(reached, what, _READY_S)


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return f"{lines[-1] if lines else 'it wrote nothing'} ({log})"
