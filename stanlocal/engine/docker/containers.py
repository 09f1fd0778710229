"""Creation of containers from their description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stanlocal.engine.docker.api import Api
from stanlocal.errors import StanlocalError
from stanlocal.render.container_spec import Container, Mount


def make(api: Api, wanted: Container, labels: Mapping[str, str], *, own_volumes: Sequence[str] = ()) -> str:
    """Make the container on both of its networks, without starting it; return its id.

    Each path in `own_volumes` becomes an anonymous volume, removed with the container.
    """
    made = api.create(wanted.name, description(wanted, labels, own_volumes))
    try:
        api.connect(wanted.cluster_network, made, [wanted.route_alias])
    except StanlocalError:
        api.remove(made, volumes=True)
        raise
    return made


def description(
    wanted: Container, labels: Mapping[str, str], own_volumes: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the container as the Docker API describes it, on the first of its networks.

    Version 1.41 of the API takes only one.
    """
    asked: dict[str, Any] = {
        "Image": wanted.image,
        "Cmd": list(wanted.command),
        "Hostname": wanted.name,
        "User": wanted.user,
        "ExposedPorts": {f"{port.inside}/tcp": {} for port in wanted.ports},
        "Volumes": {path: {} for path in own_volumes},
        "Labels": dict(labels),
        "StopSignal": wanted.stop_signal,
        "StopTimeout": wanted.stop_grace_s,
        "HostConfig": {
            "NetworkMode": wanted.client_network,
            "PortBindings": {
                f"{port.inside}/tcp": [{"HostIp": port.host, "HostPort": str(port.outside)}]
                for port in wanted.ports
            },
            "Mounts": [mount_of(mount) for mount in wanted.mounts],
            "ExtraHosts": [f"{name}:{address}" for name, address in wanted.extra_hosts.items()],
            "ReadonlyRootfs": wanted.read_only,
            "CapDrop": list(wanted.cap_drop),
            "SecurityOpt": list(wanted.security_opt),
            "PidsLimit": wanted.pids_limit,
            "LogConfig": {"Type": wanted.log_driver, "Config": dict(wanted.log_options)},
        },
    }
    if wanted.client_alias is not None:
        endpoint = {"Aliases": [wanted.client_alias]}
        asked["NetworkingConfig"] = {"EndpointsConfig": {wanted.client_network: endpoint}}
    return asked


def mount_of(mount: Mount) -> dict[str, Any]:
    """Return the mount as a structure: in the string form a path could have no colon.

    Without a source it is an anonymous volume.
    """
    return {
        "Type": "bind" if mount.source.startswith("/") else "volume",
        "Source": mount.source,
        "Target": mount.target,
        "ReadOnly": mount.read_only,
    }
