"""A group's containers and volumes beside its nodes: found by name and label, and removed.

Helpers are the group's proxy, the holder of its volumes, and throw-away servers of trials.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from stanlocal.engine.docker.api import Api
from stanlocal.engine.docker.queries import Queries
from stanlocal.model import proxy_routes

TRIALS = ("probe", "start", "lock-a", "lock-b")
"""Purposes of throw-away servers."""

Filters = Mapping[str, Sequence[str]]


def trial_server(group: str, purpose: str) -> str:
    """Return the name of a throw-away server, which differs from nodes' names, as those end with a number."""
    return f"{group}-{purpose}"


def store_holder(group: str) -> str:
    """Return the name of the container that has the group's volumes."""
    return f"{group}-store"


def named(queries: Queries, filters: Filters, names: Collection[str]) -> list[Mapping[str, Any]]:
    """Return the containers that have one of these names, as the engine lists them."""
    paths = {f"/{name}" for name in names}
    return [found for found in queries.containers(filters) if paths.intersection(found["Names"])]


def remove_proxy_and_trials(api: Api, group: str, filters: Filters) -> None:
    """Remove the group's proxy, and the throw-away servers that killed tools have left."""
    names = {proxy_routes.container_name(group), *(trial_server(group, purpose) for purpose in TRIALS)}
    for container in named(api, filters, names):
        api.remove(container["Id"], volumes=True)


def store_parts(queries: Queries, group: str, filters: Filters) -> frozenset[str]:
    """Name the volumes of the group, and give the id of their holder."""
    holders = (container["Id"] for container in _holders(queries, group, filters))
    return frozenset((*holders, *_volumes(queries, filters)))


def discard_store(api: Api, group: str, filters: Filters, keep: frozenset[str]) -> None:
    """Remove the volumes of the group (the store included) and their holder, except for those in `keep`."""
    for container in _holders(api, group, filters):
        if container["Id"] not in keep:
            api.remove(container["Id"])
    for name in _volumes(api, filters):
        if name not in keep:
            api.remove_volume(name)


def _holders(queries: Queries, group: str, filters: Filters) -> list[Mapping[str, Any]]:
    return named(queries, filters, {store_holder(group)})


def _volumes(queries: Queries, filters: Filters) -> list[str]:
    return [str(volume["Name"]) for volume in queries.volumes(filters)]
