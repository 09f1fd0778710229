"""`Api`: all requests to a Docker Engine, those of `Queries` and those that change something."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stanlocal.engine.docker.queries import Queries
from stanlocal.engine.docker.streams import Demultiplexer
from stanlocal.engine.docker.transport import segment


class Api(Queries):
    """Blocking requests to one engine; they raise as `Transport` does.

    A container or network is named by its name or id; a missing one raises `NodeNotFound`.
    """

    # Containers

    def create(self, name: str, description: Mapping[str, Any]) -> str:
        """Make a container without starting it; return its id."""
        made = json.loads(self._post("/containers/create", {"name": name}, description))
        return str(made["Id"])

    def start(self, container: str) -> None:
        """Start a container; one that runs is left alone."""
        self._act(container, "start")

    def stop(self, container: str, grace_s: int) -> None:
        """End a container by its stop signal, and kill it after `grace_s` seconds; wait for its end."""
        path = f"/containers/{segment(container)}/stop"
        self._transport.request("POST", path, {"t": grace_s}, longer_s=grace_s)

    def kill(self, container: str, signal: str) -> None:
        """Send a signal to a running container."""
        self._act(container, "kill", {"signal": signal})

    def pause(self, container: str) -> None:
        """Freeze a running container."""
        self._act(container, "pause")

    def unpause(self, container: str) -> None:
        """Resume a frozen container."""
        self._act(container, "unpause")

    def limit_cpu(self, container: str, period_us: int, quota_us: int) -> None:
        """Limit a container's CPU time to `quota_us` in each `period_us`."""
        limits = {"CpuPeriod": period_us, "CpuQuota": quota_us}
        self._post(f"/containers/{segment(container)}/update", {}, limits)

    def remove(self, container: str, *, volumes: bool = False) -> None:
        """Kill a container and remove it, with its anonymous volumes if `volumes` is true."""
        params = {"force": 1, "v": int(volumes)}
        self._transport.request("DELETE", f"/containers/{segment(container)}", params)

    def put_archive(self, container: str, folder: str, archive: Any) -> None:
        """Unpack a tar archive (bytes or a file) into a folder of a container, running or not."""
        path = f"/containers/{segment(container)}/archive"
        self._transport.request("PUT", path, {"path": folder}, content=archive)

    def run(self, container: str, command: Sequence[str]) -> tuple[int, bytes]:
        """Run a command in a running container; return its exit code and output."""
        asked = {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True}
        run = segment(json.loads(self._post(f"/containers/{segment(container)}/exec", {}, asked))["Id"])
        output = self._post(f"/exec/{run}/start", {}, {"Detach": False, "Tty": False})
        return int(self._object(f"/exec/{run}/json")["ExitCode"]), b"".join(Demultiplexer().feed(output))

    # Networks and volumes

    def create_network(self, name: str, labels: Mapping[str, str], *, internal: bool) -> None:
        """Make a bridge network; raises `NameConflict` if there is one of that name."""
        description = {
            "Name": name,
            "Driver": "bridge",
            "CheckDuplicate": True,
            "Internal": internal,
            "Labels": dict(labels),
        }
        self._post("/networks/create", {}, description)

    def connect(self, network: str, container: str, aliases: Sequence[str]) -> None:
        """Connect a container to a network, on which it has these additional names."""
        endpoint = {"Aliases": list(aliases)}
        path = f"/networks/{segment(network)}/connect"
        self._post(path, {}, {"Container": container, "EndpointConfig": endpoint})

    def disconnect(self, network: str, container: str) -> None:
        """Disconnect a container from a network."""
        self._post(f"/networks/{segment(network)}/disconnect", {}, {"Container": container})

    def remove_network(self, network: str) -> None:
        """Remove a network to which no container is connected."""
        self._transport.request("DELETE", f"/networks/{segment(network)}")

    def create_volume(
        self, name: str, labels: Mapping[str, str], options: Mapping[str, str] | None
    ) -> Mapping[str, Any]:
        """Make a volume, unless there is one of that name; return it."""
        description = {"Name": name, "Driver": "local", "DriverOpts": options or {}, "Labels": dict(labels)}
        made: Mapping[str, Any] = json.loads(self._post("/volumes/create", {}, description))
        return made

    def remove_volume(self, name: str) -> None:
        """Remove a volume that no container uses; one that is gone is no error."""
        self._transport.request("DELETE", f"/volumes/{segment(name)}", {"force": 1})

    def _act(self, container: str, what: str, params: Mapping[str, Any] | None = None) -> None:
        self._transport.request("POST", f"/containers/{segment(container)}/{what}", params)

    def _post(self, path: str, params: Mapping[str, Any], content: Mapping[str, Any]) -> bytes:
        return self._transport.request("POST", path, params, content=content)
