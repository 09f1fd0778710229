"""The cluster as a test sees it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kubernetes.cluster import network_plan
from tests.kubernetes.cluster.api import Api
from tests.kubernetes.cluster.commands import run
from tests.kubernetes.cluster.daemons import Daemons
from tests.kubernetes.cluster.layout import NODES, Node, Paths
from tests.kubernetes.cluster.program import Program
from tests.kubernetes.cluster.sources import Built


class Cluster:
    """A cluster that is up."""

    nodes = NODES

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.api = Api(paths)
        """Requests as the cluster's administrator."""
        self._daemons = Daemons(paths)
        self._kubectl = str(Built.kept().kubectl)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Return the output of kubectl, as the administrator; raise `ClusterError` if it fails."""
        return run((self._kubectl, f"--kubeconfig={self.paths.kubeconfig()}", *arguments), stdin=stdin)

    def node(self, name: str) -> Node:
        """Return the node of that name."""
        return next(node for node in self.nodes if node.name == name)

    def cut(self, node: Node) -> None:
        """Cut a node off: from the other, the API server and the shared file system."""
        run(network_plan.cable(node, "down"))

    def connect(self, node: Node) -> None:
        """Connect a node again; a node that was not cut off stays as it is."""
        run(network_plan.cable(node, "up"))

    def inside(self, node: Node, *command: str) -> str:
        """Return the output of a command that runs in the node's network, even if it is cut off."""
        return run(self._daemons.member(command, node))

    @contextmanager
    def drained(self, node: Node) -> Iterator[None]:
        """Move the pods of a node to others, and let none come back to it until the end of the block."""
        try:
            self.kubectl("drain", node.name, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s")
            yield
        finally:
            self.kubectl("uncordon", node.name)

    @contextmanager
    def running_inside(self, node: Node, *command: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command in a node's network, with pipes; it is killed on the way out."""
        process = subprocess.Popen(
            self._daemons.member(command, node), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def pid(self, name: str) -> int | None:
        """Return the pid of a process of the cluster; None if it does not run."""
        return self._daemons.pid(name)

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """End a process of the cluster, such as `apiserver` or `kubelet-1`, until `start` or `up`."""
        self._daemons.end(name, how)

    def start(self, program: Program) -> None:
        """Start a process of the cluster unless it runs."""
        self._daemons.start(program)
