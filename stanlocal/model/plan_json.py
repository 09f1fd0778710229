"""Plans as JSON, which is how they travel in the engine's labels and in the group's folder. Pure.

JSON that another version or anything else wrote is checked field by field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from types import NoneType
from typing import Any

from stanlocal.model.plan import GroupPlan, Listen, NodePlan, Origin

_KINDS: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "str | None": (str, NoneType),
    "int | None": (int, NoneType),
    "Mapping[str, Any]": (dict,),
}
"""Python types of the JSON values that a field accepts, by the field's annotation."""


def to_json(plan: GroupPlan) -> str:
    """Return the plan as one line of JSON."""
    return json.dumps(asdict(plan), sort_keys=True, separators=(",", ":"))


def from_json(text: str) -> GroupPlan:
    """Return the plan that `to_json` wrote; raise `ValueError` for any other text.

    Fields that a later version has added are left out.
    """
    try:
        data = json.loads(text)
        nodes = tuple(_node(node) for node in data["nodes"])
        origin = Origin(**_known(Origin, data["origin"])) if data.get("origin") else None
        known = _known(GroupPlan, data)
        _check_streaming(known["streaming"])
        return GroupPlan(**{**known, "nodes": nodes, "origin": origin})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not the plan of a group: {error!r}") from error


def _node(data: Mapping[str, Any]) -> NodePlan:
    arguments = tuple(data.get("arguments", ()))
    if not all(isinstance(each, str) for each in arguments):
        raise ValueError("arguments is not a list of strings")
    of_types = {"listen": Listen(**_known(Listen, data["listen"])), "arguments": arguments}
    return NodePlan(**{**_known(NodePlan, data), **of_types})


def _check_streaming(streaming: Mapping[str, Any]) -> None:
    """Raise `ValueError` if an option of `streaming {}` that plans are read for has a wrong type."""
    for name in ("cluster_id", "ft_group_name"):
        if not isinstance(streaming[name], str):
            raise ValueError(f"streaming.{name} is not a string")
    if not isinstance(streaming.get("nats_server_url"), str | None):
        raise ValueError("streaming.nats_server_url is not a string")
    limits = streaming.get("store_limits", {})
    channels = limits.get("channels", {})
    for each in (limits, *channels.values()):
        for name, value in each.items():
            if (each is not limits or name != "channels") and not _is_limit(name, value):
                raise ValueError(f"{name} of store_limits is not a limit")


def _is_limit(name: str, value: object) -> bool:
    """Whether the value is a number that fits into 64 bits; sizes and durations may be text."""
    if isinstance(value, str):
        return name in ("max_bytes", "max_age", "max_inactivity")
    return type(value) is int and abs(value) < 1 << 63


def _known(kind: type[GroupPlan | NodePlan | Listen | Origin], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `kind` that `data` has; raise `ValueError` for a value of another type."""
    known = {field.name: data[field.name] for field in fields(kind) if field.name in data}
    for field in fields(kind):
        kinds = _KINDS.get(str(field.type))
        if field.name in known and kinds is not None and type(known[field.name]) not in kinds:
            raise ValueError(f"{field.name} is not of the type {field.type}")
    return known
