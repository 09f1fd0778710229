"""Throw-away servers by which an engine is tried, by blocking calls of the Docker API.

The server is all that its image holds, so what a trial needs to know is asked of it. Each carries the
labels of the group that it is tried for: one that a killed tool left is removed by the next trial, or by
`clean` with the group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from docker.errors import NotFound
from docker.types import Mount

from stanlocal.engine.docker.errors import foreign

ROLES = ("probe", "start", "lock-a", "lock-b")
"""What throw-away servers are for."""


def name_of(group: str, role: str) -> str:
    """The container's name; no node's, which end with a number."""
    return f"{group}-{role}"


@contextmanager
def prober(
    api: Any,
    name: str,
    image: str,
    command: Sequence[str],
    labels: Mapping[str, str],
    *,
    user: str | None = None,
    network_mode: str | None = None,
    mounts: Sequence[Mount] = (),
    publish: Mapping[int, str] | None = None,
    volumes_from: Sequence[str] = (),
) -> Iterator[str]:
    """The id of a server that was made and not started; it is gone afterwards, with its own volumes.

    `publish` has for each port the address that it is published on, as a port of the engine's choice.
    """
    remove(api, name, labels)
    ports = publish or {}
    made = api.create_container(
        image,
        command=list(command),
        name=name,
        user=user,
        labels=dict(labels),
        ports=list(ports),
        host_config=api.create_host_config(
            mounts=list(mounts),
            volumes_from=list(volumes_from),
            port_bindings={port: (address,) for port, address in ports.items()},
            network_mode=network_mode,
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
        ),
    )
    try:
        yield made["Id"]
    finally:
        api.remove_container(made["Id"], v=True, force=True)


def remove(api: Any, name: str, labels: Mapping[str, str]) -> None:
    """Removes what a killed tool left under that name; `NameConflict` for anybody else's container."""
    try:
        found = api.inspect_container(name)
    except NotFound:
        return
    if not labels.items() <= (found["Config"]["Labels"] or {}).items():
        raise foreign(name)
    api.remove_container(found["Id"], v=True, force=True)


def remove_left(api: Any, group: str, filters: Mapping[str, Any]) -> None:
    """Removes the group's throw-away servers that killed tools have left."""
    names = {f"/{name_of(group, role)}" for role in ROLES}
    for container in api.containers(all=True, filters=filters):
        if names.intersection(container["Names"]):
            api.remove_container(container["Id"], v=True, force=True)
