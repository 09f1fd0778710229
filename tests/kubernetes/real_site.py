"""A namespace of the real cluster, with the guide's group in it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.kubernetes.cluster.commands import wait_until
from tests.kubernetes.cluster.control_plane import API_SERVER, api_server
from tests.kubernetes.cluster.credentials import API_URL
from tests.kubernetes.cluster.layout import HOST_ADDRESS
from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.cluster.sources import KUBE
from tests.kubernetes.deployed_group import DeployedGroup
from tests.kubernetes.sites import Json, Site, nfs_storage
from tests.kubernetes.volumes import make_claim, shared_folder

_IMAGES = {"stan": "nats-streaming:0.25.6", "metrics": "natsio/prometheus-nats-exporter:0.16.0"}
"""Images that the cluster has, for those of the guide."""
_RBAC = "rbac.authorization.k8s.io"


class RealSite(Site):
    timeout = 100.0

    def __init__(self, folder: Path, cluster: Cluster, namespace: str) -> None:
        super().__init__(folder)
        self.cluster = cluster
        self.namespace = namespace
        self.kubeconfig = cluster.paths.kubeconfig()

    async def deploy(self, objects: Sequence[Json]) -> None:
        own = [each for each in objects if each["metadata"]["name"].startswith("stan")]
        for each in own:
            if each["kind"] == "StatefulSet":
                each["spec"].pop("volumeClaimTemplates", None)  # the guide's is empty, and refused
                for container in each["spec"]["template"]["spec"]["containers"]:
                    container["image"] = _IMAGES[container["name"]]
        text = "\n---\n".join(map(json.dumps, own))
        await asyncio.to_thread(make_claim, self.cluster, self.namespace, "efs")
        await asyncio.to_thread(self._kubectl, "apply", "--filename=-", stdin=text)

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self.cluster.kubectl("--namespace", self.namespace, *arguments, stdin=stdin)

    async def kill(self, node: str) -> None:
        for pid in _pids(self.namespace, node):
            os.kill(pid, signal.SIGKILL)

    async def delete(self, node: str) -> None:
        await asyncio.to_thread(self._kubectl, "delete", "pod", node, "--force", "--grace-period=0")

    async def restart_api(self) -> None:
        await asyncio.to_thread(self._restart_api)

    def _restart_api(self) -> None:
        cluster = self.cluster
        cluster.end(API_SERVER, signal.SIGKILL)  # SIGTERM would wait for the watches that are open
        cluster.start(api_server(KUBE.executable, cluster.paths))
        wait_until(cluster.api.is_ready, "API server ready", self.timeout)

    async def cut(self, node: str) -> None:
        self.cluster.cut(DeployedGroup(self.cluster, self.namespace).node_of(node))

    async def heal(self, node: str) -> None:
        self.cluster.connect(DeployedGroup(self.cluster, self.namespace).node_of(node))

    def storage(self) -> dict[str, str]:
        return nfs_storage(HOST_ADDRESS, shared_folder(self.namespace))

    def objects(self, plural: str) -> list[str]:
        if plural == "persistentvolumes":
            found = self.cluster.api.get("/api/v1/persistentvolumes")["items"]
            return [
                each["metadata"]["name"]
                for each in found
                if each["spec"].get("claimRef", {}).get("namespace") == self.namespace
            ]
        named = self._kubectl("get", plural, "--output=name").split()
        own = ("configmap/kube-root-ca.crt",)
        return [name.partition("/")[2] for name in named if name not in own]

    def allow(self, rules: tuple[list[Json], list[Json]]) -> None:
        """Go on as a service account; what the cluster has for it is named after the namespace."""
        api, namespace = self.cluster.api, f"/api/v1/namespaces/{self.namespace}"
        api.post(f"{namespace}/serviceaccounts", {"metadata": {"name": "looking"}})
        subject = {"kind": "ServiceAccount", "name": "looking", "namespace": self.namespace}
        own = f"/apis/{_RBAC}/v1/namespaces/{self.namespace}"
        for path, kind, wanted in ((own, "Role", rules[0]), (f"/apis/{_RBAC}/v1", "ClusterRole", rules[1])):
            role = {"apiGroup": _RBAC, "kind": kind, "name": self.namespace}
            metadata = {"name": self.namespace}
            api.post(f"{path}/{kind.lower()}s", {"metadata": metadata, "rules": wanted})
            binding = {"metadata": metadata, "roleRef": role, "subjects": [subject]}
            api.post(f"{path}/{kind.lower()}bindings", binding)
        token = api.post(f"{namespace}/serviceaccounts/looking/token", {"spec": {}})["status"]["token"]
        self.kubeconfig = self._kubeconfig(token)

    def _kubeconfig(self, token: str) -> Path:
        cluster: Any = {"server": API_URL, "certificate-authority": str(self.cluster.paths.certificate("ca"))}
        content = {
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "looking", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "looking",
        }
        path = self.folder / "looking.kubeconfig"
        path.write_text(json.dumps(content))
        return path

    def forget(self) -> None:
        """Remove what is in no namespace."""
        for plural in ("clusterroles", "clusterrolebindings"):
            self.cluster.api.delete(f"/apis/{_RBAC}/v1/{plural}/{self.namespace}")


def _pids(namespace: str, pod: str) -> Iterator[int]:
    """Yield the servers' processes of a pod: its variables name it."""
    wanted = {f"POD_NAME={pod}".encode(), f"POD_NAMESPACE={namespace}".encode()}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = set((process / "environ").read_bytes().split(b"\0"))
            if wanted <= variables and b"nats-streaming" in (process / "cmdline").read_bytes():
                yield int(process.name)
        except OSError:  # it has ended meanwhile
            continue
