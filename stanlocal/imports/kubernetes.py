"""Kubernetes objects as settings: the stan.conf of a ConfigMap, and the workload that uses it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence

from stanlocal.imports import config_map, flags, workload
from stanlocal.imports.conf import read_conf
from stanlocal.imports.import_result import Found, listing
from stanlocal.imports.kubernetes_reasons import (
    CONFIG_MAP,
    KINDS,
    OTHER_CONTAINER,
    UNKNOWN_KIND,
    of_workload,
)
from stanlocal.imports.objects import Object
from stanlocal.imports.walk import leave_rest
from stanlocal.imports.workload import Server
from stanlocal.natsconf import Table


def read(
    objects: Sequence[Object], blocks: config_map.Blocks, environ: Mapping[str, str], found: Found
) -> None:
    """Put the settings of the objects into `found`; `environ` is used after the container's variables."""
    servers = [server for each in objects for server in workload.servers(each)]
    if len(servers) > 1:
        names = listing([server.workload.title for server in servers])
        place = servers[1].workload.place
        found.problem(place, f"several run nats-streaming ({names}); leave one in the file")
        return
    server = servers[0] if servers else None
    arguments = flags.split(server.arguments, found) if server else []
    source = config_map.find(objects, server, arguments, found)
    if source is None and server is None:
        why = "there is neither a stan.conf in a ConfigMap nor a workload of nats-streaming"
        found.problem(objects[0].place, why)
    if found.problems:
        return
    conf: Table = {}
    start = server.workload.place if server else objects[0].place
    if source is not None:
        variables = ChainMap(workload.environment(server, found) if server else {}, dict(environ))
        conf, start = config_map.read(source, blocks, variables, found)
    elif server is not None:
        workload.environment(server, found)
    if found.problems:
        return
    read_conf(flags.lay_over(conf, arguments, found), start, found)
    if server is not None:
        workload.take(server, found)
    for each in objects:
        _rest(each, server, found)


def _rest(each: Object, server: Server | None, found: Found) -> None:
    """Note the parts of the object that were not used."""
    taken = [("apiVersion",), ("kind",), *each.taken]
    if server is not None and each is server.workload:
        others = {(*server.pod, "containers", step): OTHER_CONTAINER for step in server.other_containers}
        reasons = {**others, **of_workload(server.pod, server.path)}
        leave_rest(each.content, each.title, taken, reasons, found)
    elif each.kind == "ConfigMap" and each.taken:
        leave_rest(each.content, each.title, taken, CONFIG_MAP, found)
    else:
        found.left_out(each.place, each.title, KINDS.get(each.kind, UNKNOWN_KIND))
