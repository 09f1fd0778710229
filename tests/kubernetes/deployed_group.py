"""A group on the cluster, seen from the API server and from inside of its nodes."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

from tests.kubernetes.cluster.api import ApiError
from tests.kubernetes.cluster.commands import wait_until
from tests.kubernetes.cluster.errors import ClusterError
from tests.kubernetes.cluster.layout import Node
from tests.kubernetes.cluster.running import Cluster

ACTIVE = "FT_ACTIVE"
STANDBY = "FT_STANDBY"
_DEADLINE_S = 90.0
"""More than the 12 s that a takeover from a node that is cut off takes on a quiet machine."""
_READ = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=5).read().decode())"


@dataclass(frozen=True, slots=True)
class Server:
    """One server, as its monitor describes it."""

    pod: str
    id: str
    """Made by each start of the server: another one is another process."""
    state: str


@dataclass(frozen=True, slots=True)
class DeployedGroup:
    """The StatefulSet of that name and its pods."""

    cluster: Cluster
    namespace: str
    name: str = "stan"

    def pods(self) -> dict[str, Any]:
        """Return its pods by name."""
        found = self.cluster.api.get(f"{self._path}/pods?labelSelector=app%3D{self.name}")["items"]
        return {pod["metadata"]["name"]: pod for pod in found}

    def node_of(self, pod: str) -> Node:
        """Return the node that a pod runs on."""
        return self.cluster.node(self.pods()[pod]["spec"]["nodeName"])

    def servers(self) -> list[Server]:
        """Return the servers that the API server reaches, each through the proxy to its pod."""
        return [found for pod in self.pods() if (found := self._server(pod)) is not None]

    def _server(self, pod: str) -> Server | None:
        try:
            text = self.cluster.api.text(f"{self._path}/pods/{pod}:8222/proxy/streaming/serverz")
            return _server(pod, text)
        except (ApiError, ValueError, KeyError):  # it starts, or is gone, or its node is
            return None

    def server_inside(self, pod: str, node: Node) -> Server:
        """Return the server of a pod, asked on its own node: that answers where a cable is cut, too."""
        address = self.pods()[pod]["status"]["podIP"]
        url = f"http://{address}:8222/streaming/serverz"
        return _server(pod, self.cluster.inside(node, sys.executable, "-c", _READ, url))

    def wait_for_one_active(self, size: int) -> Server:
        """Return the active server once every other of the group is a standby."""
        wanted = sorted([ACTIVE, *[STANDBY] * (size - 1)])
        found: list[Server] = []

        def reached() -> bool:
            found[:] = self.servers()
            return sorted(server.state for server in found) == wanted

        try:
            wait_until(reached, f"one active and {size - 1} standby", _DEADLINE_S)
        except ClusterError as err:
            raise ClusterError(f"{err}: {found}") from None
        return next(server for server in found if server.state == ACTIVE)

    def wait_for_active_beside(self, other: Server) -> Server:
        """Return the server that becomes active although that one did not end."""
        found: list[Server] = []

        def reached() -> bool:
            found[:] = [each for each in self.servers() if each.state == ACTIVE and each.pod != other.pod]
            return bool(found)

        wait_until(reached, "a second active", _DEADLINE_S)
        return found[0]

    @property
    def _path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}"


def _server(pod: str, text: str) -> Server:
    document = json.loads(text)
    return Server(pod, document["server_id"], document["state"])
