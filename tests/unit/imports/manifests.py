"""Manifests of an FT group, put together of their parts."""

from __future__ import annotations

import json
from typing import Any

CONF = (
    'streaming { id: orders, store: file, dir: /data, ft_group_name: ftg, store_limits { max_age: "36h" } }'
)


def config_map(name: str = "cm", kind: str = "ConfigMap", **files: str) -> dict[str, Any]:
    """A ConfigMap of files, whose names have `_` for their point."""
    data = {key.replace("_", "."): text for key, text in files.items()} or {"stan.conf": CONF}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "data": data}


def container(*args: str, **fields: Any) -> dict[str, Any]:
    return {"name": "stan", "image": "nats-streaming:0.25.6", "args": list(args), **fields}


def workload(
    *containers: dict[str, Any],
    kind: str = "StatefulSet",
    name: str = "s",
    replicas: object = 3,
    **pod: Any,
) -> dict[str, Any]:
    """An object of a kind whose pods have the containers."""
    spec = {"template": {"spec": {"containers": list(containers), **pod}}}
    own = {} if replicas is None else {"replicas": replicas}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": {**own, **spec}}


def manifest(*objects: dict[str, Any]) -> str:
    """The objects as one YAML file."""
    return "\n---\n".join(map(json.dumps, objects))
