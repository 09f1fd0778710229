"""Answers of an API server as objects, and lines of a watch as events; other shapes are an error.

Only fields that are read here have a shape: whoever reads an object can rely on these, and passes over the
rest. A field that is null is absent, as in the API itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from stanlocal.engine.kubernetes.access import Access
from stanlocal.engine.kubernetes.errors import of_status
from stanlocal.errors import EngineError

Json: TypeAlias = dict[str, Any]
Shape: TypeAlias = Any
"""`str`, `int`, a list with its items' shape, or a map: with shapes of some keys, or `{str: …}` of all."""

_REFERENCE = {"name": str}
_CONDITION = dict.fromkeys(("type", "status", "reason", "message", "lastTransitionTime"), str)
_REQUIREMENT = {"key": str, "operator": str, "values": [str]}
_SELECTOR = {"matchLabels": {str: str}, "matchExpressions": [_REQUIREMENT]}
_SOURCES = {"configMap": _REFERENCE, "secret": {"secretName": str, "name": str}}
_VOLUME = {"persistentVolumeClaim": {"claimName": str}, "projected": {"sources": [_SOURCES]}, **_SOURCES}
_CONTAINER = {
    "name": str,
    "image": str,
    "command": [str],
    "args": [str],
    "env": [
        {
            "name": str,
            "value": str,
            "valueFrom": {"configMapKeyRef": _REFERENCE, "secretKeyRef": _REFERENCE},
        }
    ],
    "envFrom": [{"configMapRef": _REFERENCE}],
}
_POD = {
    "nodeName": str,
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "volumes": [_VOLUME],
    "terminationGracePeriodSeconds": int,
}
_RUN = {"running": {"startedAt": str}, "waiting": {"reason": str, "message": str}}
_END = {"reason": str, "containerID": str, "startedAt": str, "finishedAt": str, "exitCode": int}
_STATE = {**_RUN, "terminated": _END}
_META = {
    "name": str,
    "uid": str,
    "resourceVersion": str,
    "generation": int,
    "labels": {str: str},
    "annotations": {str: str},
    "ownerReferences": [{"uid": str}],
    "managedFields": [{"manager": str, "operation": str}],
    "creationTimestamp": str,
    "deletionTimestamp": str,
}
_OBJECT = {
    "kind": str,
    "metadata": _META,
    "spec": {
        **_POD,
        "replicas": int,
        "ordinals": {"start": int},
        "selector": _SELECTOR,
        "podSelector": _SELECTOR,
        "template": {"metadata": _META, "spec": _POD},
        "volumeName": str,
        "storageClassName": str,
    },
    "status": {
        "phase": str,
        "reason": str,
        "message": str,
        "podIP": str,
        "observedGeneration": int,
        "updateRevision": str,
        "conditions": [_CONDITION],
        "containerStatuses": [
            {"name": str, "containerID": str, "restartCount": int, "state": _STATE, "lastState": _STATE}
        ],
    },
}
"""Shape of the objects of all kinds: where two of them have a field, it has one shape."""
_STATUS = {"code": int, "message": str}
"""Shape of the answer to a removal, and of a watch's error."""
_INT64 = range(-(2**63), 2**63)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CHANGES = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK")


def read_object(body: bytes, path: str) -> Json:
    """Return the object or list in the answer to a path; raise `EngineError` if there is none."""
    return _checked(_read(body, path), path)


def read_event(line: bytes, path: str, access: Access) -> tuple[str, Json]:
    """Return type and object of a line of a watch.

    Raises as `of_status` does for an error that the server sends, and `EngineError` for what is no event.
    """
    event = _read(line, path)
    kind, found = event.get("type"), event.get("object")
    if kind == "ERROR":
        status = found if isinstance(found, dict) else {}
        code = status.get("code")
        raise of_status(access, code if isinstance(code, int) else 500, json.dumps(status).encode())
    if kind not in _CHANGES or not isinstance(found, dict):
        raise _no_answer(path, "it is no event of a watch")
    return kind, _checked(found, path)


def _read(body: bytes, path: str) -> Json:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise EngineError(f"the answer to {path} is no JSON ({error})") from error
    if not isinstance(found, dict):
        raise _no_answer(path, f"it is {_named(found)}, not a map")
    return found


def _checked(found: Json, path: str) -> Json:
    shape: Shape = _STATUS if found.get("kind") == "Status" else {**_OBJECT, "items": [_OBJECT]}
    if (wrong := next(_misfits(found, shape, ""), None)) is not None:
        raise _no_answer(path, wrong)
    return found


def _no_answer(path: str, why: str) -> EngineError:
    return EngineError(f"the answer to {path} is not one of an API server: {why}")


def _misfits(value: Any, shape: Shape, where: str) -> Iterator[str]:
    """Yield what is wrong with a value, in words."""
    if isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{where} is {_named(value)}, not a list"
            return
        for index, each in enumerate(value):
            yield from _misfits(each, shape[0], f"{where}[{index}]")
    elif isinstance(shape, Mapping):
        if not isinstance(value, dict):
            yield f"{where} is {_named(value)}, not a map"
        elif str in shape:
            for key, each in value.items():
                yield from _misfits(key, str, f"a key of {where}")
                yield from _misfits(each, shape[str], f"a value of {where}")
        else:
            for key, inner in shape.items():
                if value.get(key) is not None:
                    yield from _misfits(value[key], inner, f"{where}.{key}" if where else key)
    elif shape is int:
        if type(value) is not int or value not in _INT64:
            yield f"{where} is {_named(value)}, not a whole number"
    elif not isinstance(value, str):
        yield f"{where} is {_named(value)}, not a string"
    elif _SURROGATE.search(value):
        yield f"{where} has half a character"


def _named(value: Any) -> str:
    names: Mapping[type, str] = {
        **{dict: "a map", list: "a list", str: "a string", bool: "a truth value"},
        **{int: "a number", float: "a number", type(None): "null"},
    }
    return names[type(value)]
