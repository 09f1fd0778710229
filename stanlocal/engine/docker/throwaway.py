"""Throw-away servers for trials of an engine.

Images have nothing but the server, so every trial uses one. Each carries the labels of its group: one that
a killed tool left behind is removed by the next trial, or with the group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from stanlocal.engine.docker.api import Api
from stanlocal.engine.docker.containers import mount_of
from stanlocal.engine.docker.refusals import foreign
from stanlocal.errors import NodeNotFound
from stanlocal.render.container_spec import Mount


@contextmanager
def throwaway_server(
    api: Api,
    name: str,
    image: str,
    command: Sequence[str],
    labels: Mapping[str, str],
    *,
    user: str = "",
    network_mode: str = "",
    mounts: Sequence[Mount] = (),
    publish: Mapping[int, str] | None = None,
    volumes_from: Sequence[str] = (),
) -> Iterator[str]:
    """Make a server without starting it, and remove it afterwards with its own volumes; yields its id.

    `publish` has for each port the address at which the engine publishes it, on a port of its choice. An
    empty `user` or `network_mode` is the engine's default.
    """
    remove(api, name, labels)
    ports = {f"{port}/tcp": address for port, address in (publish or {}).items()}
    asked: dict[str, Any] = {
        "Image": image,
        "Cmd": list(command),
        "User": user,
        "Labels": dict(labels),
        "ExposedPorts": {port: {} for port in ports},
        "HostConfig": {
            "NetworkMode": network_mode,
            "PortBindings": {port: [{"HostIp": address}] for port, address in ports.items()},
            "Mounts": [mount_of(mount) for mount in mounts],
            "VolumesFrom": list(volumes_from),
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
        },
    }
    made = api.create(name, asked)
    try:
        yield made
    finally:
        api.remove(made, volumes=True)


def remove(api: Api, name: str, labels: Mapping[str, str]) -> None:
    """Remove the container of that name that a killed tool left; raise `NameConflict` if it is not ours."""
    try:
        found = api.container(name)
    except NodeNotFound:
        return
    if not labels.items() <= (found["Config"]["Labels"] or {}).items():
        raise foreign(name)
    api.remove(found["Id"], volumes=True)
