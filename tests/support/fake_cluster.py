"""A Kubernetes API server in memory, with nats-streaming servers in its pods.

It serves what stanlocal asks for, as the real one does: objects, watches with versions that expire, logs by
container run, monitors through the proxy, roles. A test makes things go wrong: servers end, pods go, machines
are cut off, the API server goes away.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from stanlocal.testing.fake.server import FakeServer, Pace, Store, Trouble
from tests.support import fake_cluster_storage
from tests.support.fake_cluster_changes import REVISION, reconcile, revision_of
from tests.support.fake_cluster_policies import is_routed

Json = dict[str, Any]

PLURALS = {
    **{"StatefulSet": "statefulsets", "Pod": "pods", "ConfigMap": "configmaps", "Secret": "secrets"},
    **fake_cluster_storage.PLURALS,
}
_TOKEN = "the-callers-token"


def _stamp(time: datetime | None = None) -> str:
    """A time as the API's objects have it: in whole seconds."""
    return (time or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(eq=False)
class FakePod:
    """A pod's container: its runs and their output."""

    name: str
    namespace: str
    machine: str
    uid: str = field(default_factory=lambda: secrets.token_hex(8))
    restarts: int = 0
    server: FakeServer | None = None
    log: list[str] = field(default_factory=list)
    """Lines of the present run, or of the last one."""
    previous: list[str] = field(default_factory=list)
    state: Json = field(default_factory=dict)
    last: Json = field(default_factory=dict)
    container_id: str = ""
    monitor: str | None = None
    """FT state that the monitor answers; None: nothing listens."""
    last_ns: int = 0
    deleting: bool = False
    """Whether it is to go once its server has ended."""
    workload: Json = field(default_factory=dict)
    """The StatefulSet that has made it."""
    revision: str = ""
    """Revision of the template that it was made from."""

    @property
    def group(self) -> str:
        return self.name.rpartition("-")[0]

    @property
    def index(self) -> int:
        return int(self.name.rpartition("-")[2])


class FakeCluster:
    """One API server with one namespace or several, and machines `node-0`, `node-1`."""

    def __init__(self, *, machines: int = 2, restart_s: float = 0.02, notices_s: float = 0.0) -> None:
        self.objects: dict[tuple[str, str, str], Json] = {}
        self.pods: dict[tuple[str, str], FakePod] = {}
        self.restart_s = restart_s
        self.notices_s = notices_s
        """Time after which the API server knows of a container's end."""
        self.rules: Sequence[Mapping[str, Any]] | None = None
        """Rules of the caller's role; None: everything is allowed."""
        self.requests: list[str] = []
        """Verb and path of each request."""
        self.unseen: set[str] = set()
        """Machines that the API server cannot reach."""
        self.stores: dict[str, Store] = {}
        self.behind: dict[tuple[str, str], int] = {}
        """Port of this machine that stands for a pod's client port, by namespace and pod."""
        self.end_noticed_s = 0.0
        """Time after which a machine reports the end of a forwarded connection; containerd takes a second."""
        self.sockets: set[web.WebSocketResponse] = set()
        """Forwarded connections that are open."""
        self.enforces_policies = False
        """Whether its network enforces NetworkPolicies."""
        self.peers: dict[str, str] = {}
        """Pods without a StatefulSet that have a route, each with the pod that it leads to."""
        self.troubles: dict[str, Trouble] = {}
        """What keeps the servers of pods from becoming active, by pod."""
        self._version = 100
        self._oldest = 0
        self._past: list[tuple[int, str, str, Json]] = []
        self._news = asyncio.Event()
        self._streams: set[asyncio.Task[Any]] = set()
        self._runner: web.AppRunner | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.port = 0
        for index in range(machines):
            self.put("nodes", "", _machine(f"node-{index}", "True"))

    # The server itself

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[FakeCluster]:
        await self.start()
        try:
            yield self
        finally:
            for task in list(self._tasks):
                task.cancel()
            await self.stop()

    async def start(self) -> None:
        """Listen, on the same port again after `stop`."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Go away: connections break off."""
        self.end_streams()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def end_streams(self) -> None:
        """End every watch and every log that is followed, as a restart of a kubelet does."""
        for task in list(self._streams):
            task.cancel()

    def kubeconfig(self, folder: Path, namespace: str = "default") -> Path:
        """A kubeconfig with this cluster as the context `fake`."""
        path = folder / "kubeconfig"
        named = [{"name": "fake", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}]
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": named,
            "users": [{"name": "me", "user": {"token": _TOKEN}}],
            "contexts": [
                {"name": "fake", "context": {"cluster": "fake", "user": "me", "namespace": namespace}}
            ],
            "current-context": "fake",
        }
        path.write_text(json.dumps(config))
        return path

    # Objects

    def apply(self, objects: Sequence[Json], namespace: str = "default") -> None:
        """Make the objects; the pods of a StatefulSet start."""
        for each in objects:
            if each["kind"] in PLURALS:
                made = copy.deepcopy(each)
                within = "" if each["kind"] in fake_cluster_storage.OF_NO_NAMESPACE else namespace
                if within:
                    made["metadata"]["namespace"] = within
                if each["kind"] == "PersistentVolumeClaim":
                    fake_cluster_storage.bind(self, made)
                self.put(PLURALS[each["kind"]], within, made)
        for each in objects:
            if each["kind"] == "StatefulSet":
                for index in range(each["spec"].get("replicas", 1)):
                    self.make_pod(each["metadata"]["name"], index, namespace)

    def put(self, plural: str, namespace: str, thing: Json) -> None:
        key = plural, namespace, thing["metadata"]["name"]
        before = self.objects.get(key)
        self._version += 1
        metadata = thing["metadata"]
        metadata.setdefault("uid", secrets.token_hex(8))
        metadata.setdefault("creationTimestamp", _stamp())
        metadata.setdefault("generation", 1)
        metadata["resourceVersion"] = str(self._version)
        self.objects[key] = thing
        self._note("MODIFIED" if before else "ADDED", plural, thing)

    def drop(self, plural: str, namespace: str, name: str) -> None:
        gone = copy.deepcopy(self.objects.pop((plural, namespace, name)))
        self._version += 1
        gone["metadata"]["resourceVersion"] = str(self._version)
        self._note("DELETED", plural, gone)

    def _note(self, kind: str, plural: str, thing: Json) -> None:
        self._past.append((self._version, kind, plural, copy.deepcopy(thing)))
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def expire(self) -> None:
        """Forget what happened so far: a watch from an older version is refused, and running ones end."""
        self._version += 1
        self._oldest = self._version
        self._past.clear()
        self.end_streams()

    # Pods

    def make_pod(self, group: str, index: int, namespace: str) -> None:
        pod = FakePod(f"{group}-{index}", namespace, f"node-{index % 2}")
        pod.revision = revision_of(self.objects["statefulsets", namespace, group])
        self.pods[namespace, pod.name] = pod
        self._start(pod)

    def _start(self, pod: FakePod) -> None:
        group = pod.name.rpartition("-")[0]
        pod.previous, pod.log = pod.log, []
        pod.container_id = f"containerd://{secrets.token_hex(16)}"
        pod.state = {"running": {"startedAt": _stamp()}}
        pod.server = FakeServer(
            pod.name,
            "test-cluster",
            self.stores.setdefault(f"{pod.namespace}/{group}", Store()),
            Pace(),
            self.troubles.get(pod.name),
            lambda: is_routed(self, pod),
            lambda line: self.write(pod, line),
            lambda code: self._ended(pod, code),
            lambda: datetime.now(UTC),
        )
        self.publish(pod)
        pod.server.start()

    def write(self, pod: FakePod, line: str) -> None:
        """Write a line of output; the monitor says what the server says."""
        now = datetime.now(UTC)
        pod.last_ns = max(pod.last_ns + 1, int(now.timestamp() * 1e6) * 1000)
        seconds, rest = divmod(pod.last_ns, 10**9)
        stamp = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
        pod.log.append(f"{stamp} {line}")
        if "Starting in standby mode" in line:
            pod.monitor = "FT_STANDBY"
        elif "Server is active" in line:
            pod.monitor = "FT_ACTIVE"
        self._wake()
        if pod.monitor is not None and "Starting in standby mode" in line:
            reconcile(self, pod.namespace, pod.group)

    def _ended(self, pod: FakePod, code: int) -> None:
        pod.server, pod.monitor = None, None
        ended = {
            "exitCode": code,
            "finishedAt": _stamp(),
            "startedAt": pod.state["running"]["startedAt"],
            "containerID": pod.container_id,
            "reason": "Completed" if code == 0 else "Error",
        }
        self._wake()
        if pod.deleting:
            pod.state = {"terminated": ended}
            self.publish(pod)
            self.remove_pod(pod)
            return

        async def restart() -> None:
            await asyncio.sleep(self.notices_s)
            pod.state = {"terminated": ended}
            self.publish(pod)
            await asyncio.sleep(self.restart_s)
            if self.pods.get((pod.namespace, pod.name)) is not pod:
                return
            pod.restarts, pod.last = pod.restarts + 1, {"terminated": ended}
            self._start(pod)

        if self.pods.get((pod.namespace, pod.name)) is pod:
            self.spawn(restart())

    def kill(self, name: str, namespace: str = "default") -> None:
        """End the server's process, as `kill -9` on its machine does."""
        server = self.pods[namespace, name].server
        assert server is not None
        server.signal("SIGKILL")

    def delete(self, name: str, namespace: str = "default") -> None:
        """Delete the pod at once; its StatefulSet makes it again."""
        self.remove_pod(self.pods[namespace, name])

    def remove_pod(self, pod: FakePod) -> None:
        """Take a pod away, and have its StatefulSet, if it is still there, make what it then lacks."""
        if self.pods.get((pod.namespace, pod.name)) is not pod:
            return
        del self.pods[pod.namespace, pod.name]
        if pod.server is not None:
            pod.server.signal("SIGKILL")
        self.drop("pods", pod.namespace, pod.name)
        reconcile(self, pod.namespace, pod.group)

    def scale(self, group: str, replicas: int, namespace: str = "default") -> None:
        """Set the number of replicas; pods beyond it end."""
        workload = self.objects["statefulsets", namespace, group]
        workload["spec"]["replicas"] = replicas
        workload["metadata"]["generation"] += 1
        self.put("statefulsets", namespace, workload)
        for (at, name), pod in list(self.pods.items()):
            if at == namespace and int(name.rpartition("-")[2]) >= replicas:
                del self.pods[at, name]
                if pod.server is not None:
                    pod.server.signal("SIGKILL")
                self.drop("pods", namespace, name)

    def cut(self, machine: str) -> None:
        """Cut a machine off: its servers go on, and lose the lock's protection, as with a lease that ends."""
        self.unseen.add(machine)
        for pod in self.pods.values():
            store = self.stores[f"{pod.namespace}/{pod.name.rpartition('-')[0]}"]
            if pod.machine == machine and store.holder is pod.server:
                store.holder = None

    def heal(self, machine: str) -> None:
        """Reconnect a machine: of two servers that serve, the one that became active later ends."""
        self.unseen.discard(machine)
        self.put("nodes", "", _machine(machine, "True"))
        for pod in list(self.pods.values()):
            if pod.machine != machine:
                continue
            self.publish(pod)
            store = self.stores[f"{pod.namespace}/{pod.name.rpartition('-')[0]}"]
            if pod.monitor == "FT_ACTIVE" and store.holder is not pod.server and pod.server is not None:
                self.write(pod, 'panic: ft: serverID "other" claims to be active, aborting')
                pod.server.signal("SIGQUIT")
        self._wake()

    def report_lost(self, machine: str) -> None:
        """Have the cluster notice that a machine is gone."""
        self.put("nodes", "", _machine(machine, "Unknown"))
        for pod in self.pods.values():
            if pod.machine == machine:
                self.publish(pod)

    def publish(self, pod: FakePod) -> None:
        workload = self.objects.get(("statefulsets", pod.namespace, pod.group)) or pod.workload
        pod.workload = workload
        template = workload["spec"]["template"]
        known = self.objects["nodes", "", pod.machine]["status"]["conditions"][0]["status"] == "True"
        container = next(each["name"] for each in template["spec"]["containers"])
        self.put(
            "pods",
            pod.namespace,
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": pod.name,
                    "namespace": pod.namespace,
                    "uid": pod.uid,
                    "labels": {**template["metadata"]["labels"], REVISION: pod.revision},
                    **({"deletionTimestamp": _stamp()} if pod.deleting else {}),
                    "ownerReferences": [{"kind": "StatefulSet", "uid": workload["metadata"]["uid"]}],
                },
                "spec": {**template["spec"], "nodeName": pod.machine},
                "status": {
                    "phase": "Running",
                    "conditions": [
                        {"type": "ContainersReady", "status": "True", "lastTransitionTime": _stamp()},
                        {"type": "Ready", "status": str(known), "lastTransitionTime": _stamp()},
                    ],
                    "containerStatuses": [
                        {
                            "name": container,
                            "containerID": pod.container_id,
                            "restartCount": pod.restarts,
                            "state": pod.state,
                            "lastState": pod.last,
                        }
                    ],
                },
            },
        )

    # Requests

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        from tests.support.fake_cluster_requests import answer

        task = asyncio.current_task()
        assert task is not None
        if request.headers.get("Authorization") != f"Bearer {_TOKEN}":
            return web.json_response({"kind": "Status", "message": "Unauthorized", "code": 401}, status=401)
        if request.query.get("watch") or request.query.get("follow"):
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
        return await answer(self, request)

    def since(self, version: int) -> Iterator[tuple[int, str, str, Json]]:
        """Return the events after a version; raises `LookupError` for one that is too old."""
        if version < self._oldest:
            raise LookupError(f"too old resource version: {version} ({self._oldest})")
        return (each for each in self._past if each[0] > version)

    async def news(self) -> None:
        """Wait until something happens after this call."""
        await self._news.wait()

    @property
    def version(self) -> int:
        return self._version


def _machine(name: str, ready: str) -> Json:
    reason = "KubeletReady" if ready == "True" else "NodeStatusUnknown"
    condition = {"type": "Ready", "status": ready, "reason": reason, "lastTransitionTime": _stamp()}
    uid = hashlib.sha256(name.encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "uid": uid},
        "status": {"conditions": [condition]},
    }
