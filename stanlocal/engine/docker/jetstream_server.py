"""A JetStream server of its own in a container, by blocking calls of the Docker API.

Its data is in a volume of the container's own, and goes with it. It carries the process that it was made for:
one that a killed tool left behind is removed by the next tool.
"""

from __future__ import annotations

import io
import json
import secrets
import socket
import tarfile
import time
from collections.abc import Callable, Sequence
from typing import Any

from docker.errors import APIError

from stanlocal.engine.artifacts.jetstream_image import CLIENT_PORT, IMAGE
from stanlocal.engine.docker.errors import explanation
from stanlocal.engine.docker.labels import LABEL, OWNER
from stanlocal.engine.docker.reach import PublishedAddress
from stanlocal.errors import EngineError, EngineUnavailable

PROCESS = f"{LABEL}.jetstream"
"""Label with the process that a server was made for."""
_CONF, _DATA = "jetstream.conf", "/data"
_END_S = 10
_ANSWERS_WITHIN_S = 20.0
_ASK_TIMEOUT_S = 0.5
_RETRY_S = 0.02


class JetStreamContainer:
    """The server; `make` makes it, `start` and `stop` keep its data, `remove` removes all of it."""

    def __init__(self, api: Any, *, owner: str, process: str) -> None:
        self._api = api
        self._labels = {OWNER: owner, PROCESS: process}
        self._id = ""
        self._host = ""

    def make(self, addresses: Sequence[PublishedAddress], max_payload: int, max_store: int) -> str:
        """Make and start it at the first of these addresses at which it is reached; return its URL.

        Raises `EngineUnavailable` when it is reached at none, and what the SDK raises.
        """
        objections = []
        for address in addresses:
            self._create(address, _configuration(max_payload, max_store))
            try:
                return self.start()
            except (APIError, EngineError) as error:
                reason = explanation(error) if isinstance(error, APIError) else str(error)
                objections.append(f"{address.host}: {reason}")
                self.remove()
        raise EngineUnavailable(
            f"a JetStream server in a container cannot be reached from here ({'; '.join(objections)}); "
            "use '--engine process', or see 'stanlocal doctor'"
        )

    def _create(self, address: PublishedAddress, configuration: bytes) -> None:
        made = self._api.create_container(
            IMAGE,
            command=["-c", f"/{_CONF}"],
            name=f"stanlocal-jetstream-{secrets.token_hex(4)}",
            labels=self._labels,
            ports=[CLIENT_PORT],
            volumes=[_DATA],
            host_config=self._api.create_host_config(
                port_bindings={CLIENT_PORT: (address.publish,)},
                cap_drop=["ALL"],
                security_opt=["no-new-privileges:true"],
            ),
        )
        self._id, self._host = made["Id"], address.host
        self._api.put_archive(self._id, "/", _archive(configuration))

    def start(self) -> str:
        """Start it, wait until it serves, and return its URL; raises `EngineError` when it does not."""
        self._api.start(self._id)
        deadline = time.monotonic() + _ANSWERS_WITHIN_S
        while time.monotonic() < deadline:
            state = self._api.inspect_container(self._id)
            if not state["State"]["Running"]:
                last = self._api.logs(self._id).decode("utf-8", "replace").strip().rpartition("\n")[2]
                raise EngineError(f"its server ended with exit code {state['State']['ExitCode']} ({last})")
            published = (state["NetworkSettings"]["Ports"] or {}).get(f"{CLIENT_PORT}/tcp")
            if published and _serves(self._host, int(published[0]["HostPort"])):
                return f"nats://{self._host}:{published[0]['HostPort']}"
            time.sleep(_RETRY_S)
        raise EngineError("no answer")

    def stop(self) -> None:
        """Stop it; its data stays."""
        if self._id:
            self._api.stop(self._id, timeout=_END_S)

    def remove(self) -> None:
        """Remove it with its data."""
        container, self._id = self._id, ""
        if container:
            self._api.remove_container(container, v=True, force=True)


def remove_left(api: Any, owner: str, has_ended: Callable[[str], bool]) -> None:
    """Remove the servers of this user whose process is known to have ended."""
    for each in api.containers(all=True, filters={"label": [f"{OWNER}={owner}", PROCESS]}):
        if has_ended(each["Labels"][PROCESS]):
            api.remove_container(each["Id"], v=True, force=True)


def _serves(host: str, port: int) -> bool:
    """Return whether a NATS server sends its INFO line there."""
    try:
        with socket.create_connection((host, port), _ASK_TIMEOUT_S) as connection:
            connection.settimeout(_ASK_TIMEOUT_S)
            return connection.recv(5) == b"INFO "
    except OSError:
        return False


def _configuration(max_payload: int, max_store: int) -> bytes:
    return (
        f"port: {CLIENT_PORT}\nmax_payload: {max_payload}\nmax_pending: {2 * max_payload}\n"
        f"jetstream {{ store_dir: {json.dumps(_DATA)}, max_file_store: {max_store} }}\n"
    ).encode()


def _archive(configuration: bytes) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(_CONF)
        entry.size = len(configuration)
        tar.addfile(entry, io.BytesIO(configuration))
    return archive.getvalue()
