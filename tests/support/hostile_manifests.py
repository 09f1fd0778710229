"""Kubernetes manifests and chart values that are small or merely large, and that are slow to read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

_CONF = "streaming { id: a, store: file, dir: d, ft_group: g }\n"
_FLAGS = ["-st", "file", "-ft_group", "g"]


def _pod(container: Mapping[str, Any], name: str = "s", **pod: Any) -> dict[str, Any]:
    spec = {"containers": [{"image": "nats-streaming", **container}], **pod}
    metadata = {"name": name}
    return {
        "apiVersion": "v1",
        "kind": "StatefulSet",
        "metadata": metadata,
        "spec": {"template": {"spec": spec}},
    }


def _map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _all(*objects: Mapping[str, Any]) -> str:
    return "\n---\n".join(map(json.dumps, objects))


def _many_servers_of_one_file() -> str:
    conf = _CONF + "".join(f"# {number:060}\n" for number in range(3_000))
    mounted = {"args": ["-sc", "/e/c"], "volumeMounts": [{"name": "c", "mountPath": "/e"}]}
    volumes = [{"name": "c", "configMap": {"name": "m"}}]
    return _all(_map("m", c=conf), *(_pod(mounted, f"s{n}", volumes=volumes) for n in range(60)))


def _many_limits_in_many_servers() -> str:
    channels = ", ".join(f"c{number}: {{ }}" for number in range(1_500))
    conf = f"streaming {{ store: file, ft_group: g, limits {{ channels {{ {channels} }} }} }}"
    mounted = {"args": ["-sc", "/e/c"], "volumeMounts": [{"name": "c", "mountPath": "/e"}]}
    volumes = [{"name": "c", "configMap": {"name": "m"}}]
    return _all(_map("m", c=conf), *(_pod(mounted, f"s{n}", volumes=volumes) for n in range(64)))


def _pods_of_an_owner() -> str:
    owner = [{"kind": "StatefulSet", "name": "s"}]
    pods = [
        {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": f"p{n}", "ownerReferences": owner}}
        for n in range(1_200)
    ]
    return _all(*pods, _pod({"args": _FLAGS}))


def _variables_of_many_maps() -> str:
    data = {f"k{number}": "" for number in range(2_000)}
    sources = [{"configMapRef": {"name": "m"}} for _ in range(1_500)]
    return _all(_map("m", **data), _pod({"args": _FLAGS, "envFrom": sources}))


def _releases_of_doubling_values() -> str:
    doubling = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 13))
    return _all(
        *(
            {"apiVersion": "v1", "kind": "HelmChart", "spec": {"valuesContent": f"{doubling}b{n}: 1\n"}}
            for n in range(700)
        )
    )


def _parameters_in_parameters() -> str:
    template = {
        "apiVersion": "v1",
        "kind": "Template",
        "parameters": [{"name": "A", "value": "x" * 100_000}],
        "objects": [_pod({"args": ["${A}" * 100, *_FLAGS]}, f"s{n}") for n in range(500)],
    }
    return _all(template)


MANIFESTS: Mapping[str, Callable[[], str]] = {
    "many servers": lambda: _all(*(_pod({"args": _FLAGS}, f"s{n}") for n in range(500))),
    "many servers of one large file": _many_servers_of_one_file,
    "many limits in many servers": _many_limits_in_many_servers,
    "pods of an owner": _pods_of_an_owner,
    "variables of many maps": _variables_of_many_maps,
    "releases of doubling values": _releases_of_doubling_values,
    "a parameter in many places": _parameters_in_parameters,
    "many files named": lambda: _all(
        _map("m", c=_CONF),
        _pod(
            {
                "image": "x",
                "args": ["-c", "/e/c"] * 1_500,
                "volumeMounts": [{"name": f"v{n}", "mountPath": "/e"} for n in range(1_500)],
            }
        ),
    ),
    "a long script": lambda: _all(_pod({"command": ["sh", "-c", "echo x; " * 30_000]})),
    "a script of nested expansions": lambda: _all(
        _pod({"command": ["sh", "-c", "${A:-" * 5_000 + "}" * 5_000]})
    ),
    "a script whose variables double": lambda: _all(
        _pod({"command": ["sh", "-c", "a=xx; " + "a=$a$a; " * 60 + "nats-streaming-server -cid $a"]})
    ),
    "many channels in values": lambda: json.dumps(
        {
            "store": {
                "ft": {"group": "g"},
                "limits": {"channels": {f"c.{n}": {"max_msgs": 1} for n in range(2_400)}},
            }
        }
    ),
    "numbers without end in values": lambda: (
        "store:\n  ft: {group: g}\n  limits: {max_msgs: %s}\n" % ("9" * 100_000)
    ),
    "many subcharts": lambda: json.dumps({f"c{n}": {"stan": {"replicas": 2}} for n in range(2_000)}),
    "many routes": lambda: _all(
        _map(
            "m",
            **{
                "stan.conf": _CONF
                + "cluster { routes: ["
                + ", ".join(f"nats://h-{n}" for n in range(9_000))
                + "] }"
            },
        )
    ),
    "a route of dashes": lambda: _all(
        _map("m", **{"stan.conf": f"{_CONF}cluster {{ routes: ['{'-' * 200_000}', b] }}"})
    ),
}
"""Manifests and values by name."""
