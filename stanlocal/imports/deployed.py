"""A group that a cluster runs, read from its objects: what runs there, not what could run here.

`stanlocal.imports.kubernetes` reads the objects; nothing is left out because local nodes have it otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stanlocal.errors import SettingsError
from stanlocal.imports import config_map, kubernetes, workload
from stanlocal.imports.conf import read_conf
from stanlocal.imports.import_result import Found
from stanlocal.imports.objects import Object, objects, text
from stanlocal.imports.server_group import ServerConfiguration
from stanlocal.imports.workload import Server
from stanlocal.imports.yamltree import YamlText, YamlTree
from stanlocal.model.plan import CLIENT_PORT, CLUSTER_PORT, MONITOR_PORT
from stanlocal.natsconf import Entry, Table, plain
from stanlocal.settings.nats import NATS

_CLIENT = ("listen", "port", "net")
_MONITOR = ("http", "http_port", "https", "https_port")


@dataclass(frozen=True, slots=True)
class Deployed:
    """A workload's servers, as they are configured there."""

    container: str
    """Name of the container that runs the server."""
    image: str
    cluster_id: str
    ft_group: str
    """Empty for servers that are no FT group."""
    nats_url: str = ""
    """NATS servers that replace those inside the nodes; empty if there are none."""
    client_port: int = CLIENT_PORT
    monitor_port: int = MONITOR_PORT
    monitor_tls: bool = False
    route_port: int = CLUSTER_PORT
    store_dir: str = ""
    """Folder of the store as the servers see it; empty if it is not set."""
    store: str = ""
    """Kind of the store, as it is written; empty if it is not set."""
    conf: Table = field(default_factory=dict)
    """The configuration: files with the arguments laid over them; empty if it cannot be read."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Tree of the settings, secrets included."""
    problems: tuple[str, ...] = ()
    """Parts that cannot be read, each with its place."""


def container_of(kind: str, name: str, given: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the name of the container of this workload that runs the server; None if none does.

    `given` are objects as the API has them: the workload, and the ConfigMaps that it names, if known.
    """
    found, _ = _objects(given)
    return next((text(server.content, "name") for server in _servers(kind, name, found)), None)


def deployed(
    kind: str, name: str, given: Sequence[Mapping[str, Any]], environ: Mapping[str, str]
) -> Deployed | None:
    """Return the servers of this workload; None if it runs none.

    `given` as for `container_of`. What cannot be read is among the `problems`, and the server's default
    stands for it: what runs can be looked at all the same.
    """
    found, blocks = _objects(given)
    server = next(_servers(kind, name, found), None)
    if server is None:
        return None
    result = Found(file_store=True)
    container, image = text(server.content, "name"), text(server.content, "image")
    try:
        configurations = config_map.Configurations(found, blocks)
        configuration = kubernetes.configured(server, found, configurations, environ, result)
        problems = list(configuration.found.problems)
        read_conf(configuration.conf, configuration.start, result)
    except SettingsError as error:
        return Deployed(container, image, "", "", problems=tuple(error.problems))
    cluster_id, ft_group = configuration.group
    client, monitor = _port(configuration, _CLIENT), _port(configuration, _MONITOR)
    return Deployed(
        container,
        image,
        cluster_id if ft_group or not problems else "",
        ft_group,
        configuration.option("nats_server_url"),
        client or CLIENT_PORT,
        monitor or MONITOR_PORT,
        monitor_tls=_port(configuration, _MONITOR[2:]) is not None,
        route_port=_route_port(configuration) or CLUSTER_PORT,
        store_dir=configuration.option("dir"),
        store=configuration.option("store").lower(),
        conf=configuration.conf,
        settings=result.values,
        problems=tuple(dict.fromkeys((*problems, *result.problems))),
    )


def _objects(given: Sequence[Mapping[str, Any]]) -> tuple[list[Object], config_map.Blocks]:
    tree = YamlTree(YamlText(json.dumps({"kind": "List", "items": list(given)}, indent=1), "the cluster"))
    return list(objects(list(tree.documents()))), tree.blocks


def _servers(kind: str, name: str, found: Sequence[Object]) -> Iterator[Server]:
    for each in found:
        if (each.kind, each.name) == (kind, name):
            yield from workload.servers(each, found)


def _port(configuration: ServerConfiguration, names: Sequence[str]) -> int | None:
    """Return the port of the first of these options of the NATS server; None if none has one."""
    for each, entry in configuration.conf.items():
        option = NATS.find(each)
        if option is not None and option.name in names and (port := _port_in(entry)) is not None:
            return port
    return None


def _route_port(configuration: ServerConfiguration) -> int | None:
    """Return the port of the server's routes; None if it is not set."""
    for name, entry in configuration.conf.items():
        if name.lower() == "cluster" and isinstance(entry.value, dict):
            own = {key.lower(): each for key, each in entry.value.items()}
            return next(
                (port for key in ("listen", "port") if key in own and (port := _port_in(own[key]))), None
            )
    return None


def _port_in(entry: Entry) -> int | None:
    """Return the port in a value such as 4222, ":4222" or "0.0.0.0:4222"; None if it has none."""
    port = str(plain(entry.value)).rpartition(":")[2]
    return int(port) if port.isdecimal() and 0 < int(port) < 1 << 16 else None
