"""Containers as the Docker API is asked for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from docker import APIClient
from docker.types import LogConfig
from docker.types import Mount as SdkMount

from stanlocal.engine.docker.containers import description, mount_of
from stanlocal.render.container_spec import Container, Mount, NodeContainer, Port

NODE = NodeContainer(
    name="stan-0",
    image="nats-streaming:0.25.6",
    user="1000:1001",
    ports=(Port("127.0.0.1", 4222, 4222), Port("127.0.0.1", 8230, 8222)),
    client_network="stan-clients",
    cluster_network="stan-cluster",
    route_alias="stan-0",
    stop_grace_s=30,
    command=("-sc", "/etc/stan-config/stan.conf"),
    extra_hosts={"host": "host-gateway"},
    store=Mount("/data/a:b/store", "/data/stan/store", read_only=False),
    conf=Mount("stan-conf", "/etc/stan-config"),
    files=(),
)
PLAIN = Container(**{name: getattr(NODE, name) for name in Container.__dataclass_fields__})
LABELS = {"dev.stanlocal.group": "stan"}


@pytest.mark.parametrize(
    ("source", "kind"),
    [("/data/store", "bind"), ("/data/a:b/store:ro", "bind"), ("stan-store", "volume"), ("", "volume")],
)
def test_a_folder_is_mounted_whatever_its_name(source: str, kind: str) -> None:
    assert mount_of(Mount(source, "/stan", read_only=False)) == {
        "Source": source,
        "Target": "/stan",
        "Type": kind,
        "ReadOnly": False,
    }


@pytest.mark.parametrize(
    ("wanted", "own_volumes"),
    [(NODE, ()), (replace(NODE, client_alias="proxied"), ()), (PLAIN, ("/etc/proxy",))],
    ids=["node", "alias", "proxy"],
)
def test_a_container_is_described_as_the_sdk_of_docker_would(
    wanted: Container, own_volumes: tuple[str, ...]
) -> None:
    ours, theirs = description(wanted, LABELS, own_volumes), _by_the_sdk(wanted, own_volumes)
    assert _said(ours) == _said(theirs)


def _by_the_sdk(wanted: Container, own_volumes: tuple[str, ...]) -> dict[str, Any]:
    sdk: Any = APIClient("unix:///nowhere", version="1.41")
    networking = None
    if wanted.client_alias:
        endpoint = sdk.create_endpoint_config(aliases=[wanted.client_alias])
        networking = sdk.create_networking_config({wanted.client_network: endpoint})
    mounts = [
        SdkMount(
            each.target,
            each.source,
            type="bind" if each.source.startswith("/") else "volume",
            read_only=each.read_only,
        )
        for each in wanted.mounts
    ]
    described: dict[str, Any] = sdk.create_container_config(
        wanted.image,
        command=list(wanted.command),
        hostname=wanted.name,
        user=wanted.user,
        ports=[port.inside for port in wanted.ports],
        volumes=list(own_volumes),
        labels=LABELS,
        stop_signal=wanted.stop_signal,
        stop_timeout=wanted.stop_grace_s,
        networking_config=networking,
        detach=True,
        host_config=sdk.create_host_config(
            mounts=mounts,
            port_bindings={port.inside: (port.host, port.outside) for port in wanted.ports},
            network_mode=wanted.client_network,
            read_only=wanted.read_only,
            cap_drop=list(wanted.cap_drop),
            security_opt=list(wanted.security_opt),
            extra_hosts=dict(wanted.extra_hosts),
            pids_limit=wanted.pids_limit,
            log_config=LogConfig(type=wanted.log_driver, config=dict(wanted.log_options)),
        ),
    )
    sdk.close()
    return described


def _said(value: Any) -> Any:
    """Leave out everything that says nothing: None, False and empty values."""
    if isinstance(value, dict):
        said = {key: _said(each) for key, each in value.items()}
        return {key: each for key, each in said.items() if each or isinstance(each, str) or _is_port(key)}
    return [_said(each) for each in value] if isinstance(value, list) else value


def _is_port(key: str) -> bool:
    return key.endswith("/tcp") or key.startswith("/")
