"""Throw-away servers for trials of an engine, by blocking calls of the Docker API.

Images have nothing but the server, so every trial uses one. Each carries the labels of its group: one that
a killed tool left behind is removed by the next trial, or by `clean` with the group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from docker.errors import NotFound
from docker.types import Mount

from stanlocal.engine.docker.refusals import foreign

ROLES = ("probe", "start", "lock-a", "lock-b")
"""Purposes of throw-away servers."""


def name_of(group: str, role: str) -> str:
    """Return the container's name, which differs from nodes' names, as those end with a number."""
    return f"{group}-{role}"


@contextmanager
def throwaway_server(
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
    """Make a server without starting it, and remove it afterwards with its own volumes; yields its id.

    `publish` has for each port the address at which the engine publishes it, on a port of its choice.
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
    """Remove the container of that name that a killed tool left; raise `NameConflict` if it is not ours."""
    try:
        found = api.inspect_container(name)
    except NotFound:
        return
    if not labels.items() <= (found["Config"]["Labels"] or {}).items():
        raise foreign(name)
    api.remove_container(found["Id"], v=True, force=True)


def remove_left(api: Any, group: str, filters: Mapping[str, Any]) -> None:
    """Remove the group's throw-away servers that killed tools have left."""
    names = {f"/{name_of(group, role)}" for role in ROLES}
    for container in api.containers(all=True, filters=filters):
        if names.intersection(container["Names"]):
            api.remove_container(container["Id"], v=True, force=True)
