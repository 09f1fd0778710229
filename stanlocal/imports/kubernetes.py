"""Kubernetes objects as settings: the workloads that run the server, and the stan.conf that they read."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence

from stanlocal.imports import config_map, flags, openshift, operators, releases, workload
from stanlocal.imports.conf import read_conf
from stanlocal.imports.import_result import Found
from stanlocal.imports.kubernetes_reasons import (
    CONFIG_MAP,
    KINDS,
    OTHER_CONTAINER,
    OWNED,
    UNKNOWN_KIND,
    of_workload,
)
from stanlocal.imports.objects import Object
from stanlocal.imports.server_group import ENCRYPTION_KEY, MOST_SERVERS, ServerConfiguration, read_group
from stanlocal.imports.walk import leave_rest
from stanlocal.imports.workload import Server


def read(
    given: Sequence[Object], blocks: config_map.Blocks, environ: Mapping[str, str], found: Found
) -> None:
    """Put the settings of the objects into `found`; `environ` is used after the container's variables."""
    objects = openshift.processed(given, environ, found)
    made = {(each.kind, each.name) for each in objects}
    owned = {id(each) for each in objects if each.owner in made}
    free = (each for each in objects if id(each) not in owned)
    servers = [server for each in free for server in _servers(each, objects, found)]
    if len(servers) > MOST_SERVERS:
        found.problem(servers[0].workload.place, f"there are more than {MOST_SERVERS} servers")
    if found.problems:
        return
    configurations = config_map.Configurations(objects, blocks)
    if servers:
        _read_servers(servers, objects, configurations, environ, found)
    elif not releases.read(objects, found) and objects:
        _read_configuration(objects, configurations, environ, found)
    if found.problems:
        return
    for each in objects:
        _rest(each, servers, owned=id(each) in owned, found=found)


def _servers(each: Object, objects: Sequence[Object], found: Found) -> Iterator[Server]:
    if operators.is_custom(each):
        yield from operators.servers(each, found)
    else:
        yield from workload.servers(each, objects)


def _read_servers(
    servers: Sequence[Server],
    objects: Sequence[Object],
    configurations: config_map.Configurations,
    environ: Mapping[str, str],
    found: Found,
) -> None:
    candidates = [configured(each, objects, configurations, environ, found) for each in servers]
    members = read_group(candidates, found)
    for server, configuration in zip(servers, candidates, strict=True):
        if any(configuration is member for member in members):
            workload.take(server)


def configured(
    server: Server,
    objects: Sequence[Object],
    configurations: config_map.Configurations,
    environ: Mapping[str, str],
    found: Found,
) -> ServerConfiguration:
    """Return the server with the configuration from its files, arguments and variables."""
    own = Found(file_store=found.file_store)
    variables = server.environment(objects, environ, own)
    line = server.command_line(variables, objects, environ, own)
    arguments = flags.split(line.arguments, own)
    known = ChainMap(dict(line.environment), dict(environ))
    conf, start = configurations.of(server, arguments, known, line.written, own)
    merged = flags.lay_over(conf, arguments, own)
    count, place = server.count
    key = variables.places.get(ENCRYPTION_KEY)
    return ServerConfiguration(
        server.workload.title,
        server.workload.place,
        merged,
        start,
        own,
        count,
        place,
        key=None if key is None else (variables.values.get(ENCRYPTION_KEY), key),
    )


def _read_configuration(
    objects: Sequence[Object],
    configurations: config_map.Configurations,
    environ: Mapping[str, str],
    found: Found,
) -> None:
    """Read a stan.conf whose server is not in the file."""
    source = config_map.only(objects, found)
    if source is None:
        why = "there is neither a stan.conf in a ConfigMap nor a workload of nats-streaming"
        found.problem(objects[0].place, why)
    elif not found.problems:
        conf, start = configurations.read(source, environ, found)
        if not found.problems:
            read_conf(conf, start, found)


def _rest(each: Object, servers: Sequence[Server], *, owned: bool, found: Found) -> None:
    """Note the parts of the object that were not used."""
    taken = [("apiVersion",), ("kind",), *each.taken]
    server = next((server for server in servers if server.workload is each), None)
    if owned:
        found.left_out(each.place, each.title, OWNED)
    elif server is not None:
        others = {(*server.pod, "containers", step): OTHER_CONTAINER for step in server.other_containers}
        reasons = {**others, **of_workload(server.pod, server.path)}
        leave_rest(each.content, each.title, taken, reasons, found)
    elif each.taken:
        leave_rest(each.content, each.title, taken, CONFIG_MAP, found)
    else:
        found.left_out(each.place, each.title, KINDS.get(each.kind, UNKNOWN_KIND))
