"""Creation of containers from their description, by blocking calls of the Docker API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from docker.types import LogConfig
from docker.types import Mount as DockerMount

from stanlocal.engine.docker.errors import FOREIGN
from stanlocal.render.container_spec import Container, Mount


def make(api: Any, wanted: Container, labels: Mapping[str, str], *, own_volumes: Sequence[str] = ()) -> str:
    """Make the container on both of its networks, without starting it; return its id.

    Each path in `own_volumes` becomes an anonymous volume, removed with the container.
    """
    made: str = api.create_container(
        wanted.image,
        command=list(wanted.command),
        name=wanted.name,
        hostname=wanted.name,
        user=wanted.user,
        ports=[port.inside for port in wanted.ports],
        volumes=list(own_volumes),
        labels=dict(labels),
        stop_signal=wanted.stop_signal,
        stop_timeout=wanted.stop_grace_s,
        networking_config=_networking(api, wanted),
        host_config=api.create_host_config(
            mounts=[mount_of(mount) for mount in wanted.mounts],
            port_bindings={port.inside: (port.host, port.outside) for port in wanted.ports},
            network_mode=wanted.client_network,
            read_only=wanted.read_only,
            cap_drop=list(wanted.cap_drop),
            security_opt=list(wanted.security_opt),
            extra_hosts=dict(wanted.extra_hosts),
            pids_limit=wanted.pids_limit,
            log_config=LogConfig(type=wanted.log_driver, config=dict(wanted.log_options)),
        ),
    )["Id"]
    try:
        api.connect_container_to_network(made, wanted.cluster_network, aliases=[wanted.route_alias])
    except FOREIGN:
        api.remove_container(made, force=True, v=True)
        raise
    return made


def _networking(api: Any, wanted: Container) -> Any:
    """Return the settings of the first network; the API takes one at a time."""
    if wanted.client_alias is None:
        return None
    endpoint = api.create_endpoint_config(aliases=[wanted.client_alias])
    return api.create_networking_config({wanted.client_network: endpoint})


def mount_of(mount: Mount) -> Any:
    """Return the mount as a structure: in the string form a path could have no colon."""
    kind: Literal["bind", "volume"] = "bind" if mount.source.startswith("/") else "volume"
    return DockerMount(mount.target, mount.source, type=kind, read_only=mount.read_only)
