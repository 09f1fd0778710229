"""Shapes of JSON documents, written down as the contract writes them.

A shape is a type, None, a literal, a compiled pattern for text, `[shape]` for a list of such, `{name:
shape}` for an object with exactly these names, or a `|`-like tuple of shapes of which one must fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

Shape: TypeAlias = Any

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
"""RFC 3339 in UTC."""
MS = (int, float)
"""Milliseconds."""


def differences(value: Any, shape: Shape, at: str = "$") -> Iterator[str]:
    """Return one line for each place where the value is not of that shape; none if it fits."""
    match shape:
        case type():
            if not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
                yield f"{at}: {value!r} is no {shape.__name__}"
        case re.Pattern():
            if not isinstance(value, str) or not shape.fullmatch(value):
                yield f"{at}: {value!r} is not like {shape.pattern}"
        case tuple():
            if not any(fits(value, each) for each in shape):
                yield f"{at}: {value!r} is none of {shape}"
        case list():
            yield from _in_list(value, shape[0], at)
        case dict():
            yield from _in_object(value, shape, at)
        case _:
            if value != shape:
                yield f"{at}: {value!r} is not {shape!r}"


def fits(value: Any, shape: Shape) -> bool:
    return next(differences(value, shape), None) is None


def _in_list(value: Any, shape: Shape, at: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{at}: {value!r} is no list"
        return
    for number, item in enumerate(value):
        yield from differences(item, shape, f"{at}[{number}]")


def _in_object(value: Any, shape: dict[str, Shape], at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: {value!r} is no object"
        return
    for name in shape.keys() - value.keys():
        yield f"{at}: {name!r} is missing"
    for name in value.keys() - shape.keys():
        yield f"{at}: {name!r} is not in the contract"
    for name in shape.keys() & value.keys():
        yield from differences(value[name], shape[name], f"{at}.{name}")
