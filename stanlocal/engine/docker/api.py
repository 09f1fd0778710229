"""`Api`: all requests to a Docker Engine; those that change something go through its SDK."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from stanlocal.engine.docker.queries import Queries
from stanlocal.engine.docker.transport import Transport
from stanlocal.errors import NodeNotFound

if TYPE_CHECKING:  # commands that change nothing do without it, which halves their time
    import docker


class Api(Queries):
    """Blocking requests to one engine; they raise as `Transport` does.

    A container or network is named by its name or id; a missing one raises `NodeNotFound`.
    """

    def __init__(self, transport: Transport, connect: Callable[[], docker.DockerClient]) -> None:
        """Use the client of the SDK that `connect` makes, once something is changed."""
        super().__init__(transport)
        self._connect = connect
        self._lock = threading.Lock()
        self._client: docker.DockerClient | None = None

    @property
    def client(self) -> docker.DockerClient:
        """Client of the SDK, which any thread may use; also for work on images."""
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def close(self) -> None:
        """Close the connections that the SDK keeps."""
        if self._client is not None:
            self._client.close()

    @contextmanager
    def _sdk(self) -> Iterator[Any]:
        from stanlocal.engine.docker.errors import translated

        with translated():
            yield self.client.api

    # Containers

    def create(self, name: str, description: Mapping[str, Any]) -> str:
        """Make a container without starting it; return its id."""
        with self._sdk() as sdk:
            return str(sdk.create_container_from_config(dict(description), name)["Id"])

    def start(self, container: str) -> None:
        """Start a container; one that runs is left alone."""
        with self._sdk() as sdk:
            sdk.start(container)

    def stop(self, container: str, grace_s: int) -> None:
        """End a container by its stop signal, and kill it after `grace_s` seconds; wait for its end."""
        with self._sdk() as sdk:
            sdk.stop(container, timeout=grace_s)

    def kill(self, container: str, signal: str) -> None:
        """Send a signal to a running container."""
        with self._sdk() as sdk:
            sdk.kill(container, signal)

    def pause(self, container: str) -> None:
        """Freeze a running container."""
        with self._sdk() as sdk:
            sdk.pause(container)

    def unpause(self, container: str) -> None:
        """Resume a frozen container."""
        with self._sdk() as sdk:
            sdk.unpause(container)

    def limit_cpu(self, container: str, period_us: int, quota_us: int) -> None:
        """Limit a container's CPU time to `quota_us` in each `period_us`."""
        with self._sdk() as sdk:
            sdk.update_container(container, cpu_period=period_us, cpu_quota=quota_us)

    def remove(self, container: str, *, volumes: bool = False) -> None:
        """Kill a container and remove it, with its anonymous volumes if `volumes` is true."""
        with self._sdk() as sdk:
            sdk.remove_container(container, force=True, v=volumes)

    def put_archive(self, container: str, folder: str, archive: Any) -> None:
        """Unpack a tar archive (bytes or a file) into a folder of a container, running or not."""
        with self._sdk() as sdk:
            sdk.put_archive(container, folder, archive)

    def run(self, container: str, command: Sequence[str]) -> tuple[int, bytes]:
        """Run a command in a running container; return its exit code and output."""
        with self._sdk() as sdk:
            run = sdk.exec_create(container, list(command))["Id"]
            output: bytes = sdk.exec_start(run)
            return int(sdk.exec_inspect(run)["ExitCode"]), output

    # Networks and volumes

    def create_network(self, name: str, labels: Mapping[str, str], *, internal: bool) -> None:
        """Make a bridge network; raises `NameConflict` if there is one of that name."""
        with self._sdk() as sdk:
            sdk.create_network(name, "bridge", internal=internal, labels=dict(labels), check_duplicate=True)

    def connect(self, network: str, container: str, aliases: Sequence[str]) -> None:
        """Connect a container to a network, on which it has these additional names."""
        with self._sdk() as sdk:
            sdk.connect_container_to_network(container, network, aliases=list(aliases))

    def disconnect(self, network: str, container: str) -> None:
        """Disconnect a container from a network."""
        with self._sdk() as sdk:
            sdk.disconnect_container_from_network(container, network)

    def remove_network(self, network: str) -> None:
        """Remove a network to which no container is connected."""
        with self._sdk() as sdk:
            sdk.remove_network(network)

    def create_volume(
        self, name: str, labels: Mapping[str, str], options: Mapping[str, str] | None
    ) -> Mapping[str, Any]:
        """Make a volume, unless there is one of that name; return it."""
        with self._sdk() as sdk:
            made: Mapping[str, Any] = sdk.create_volume(name, "local", dict(options or {}), dict(labels))
            return made

    def remove_volume(self, name: str) -> None:
        """Remove a volume that no container uses; one that is gone is no error."""
        with suppress(NodeNotFound), self._sdk() as sdk:
            sdk.remove_volume(name)
