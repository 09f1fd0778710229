"""Elements of a deployment by name: `StatefulSet/stan spec.replicas`, `stan.conf http`, `values stan`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stanlocal.natsconf import parse, plain


def elements(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return every value that is no table, by its name; null values are left out."""
    found: dict[str, Any] = {}
    for document in documents:
        kind = document.get("kind")
        title = f"{kind}/{document['metadata']['name']}" if kind else "values"
        found.update((f"{title} {path}", value) for path, value in _leaves(document, ""))
        conf = document.get("data", {}).get("stan.conf") if kind == "ConfigMap" else None
        if conf is not None:
            del found[f"{title} data.stan.conf"]
            tree = plain(parse(conf, missing_ok=True))
            found.update((f"stan.conf {path}", value) for path, value in _leaves(tree, ""))
    return found


def under(found: Mapping[str, Any], element: str) -> dict[str, Any]:
    """Return the values at `element` and below it, by the rest of their names."""
    return {
        name.removeprefix(element): value
        for name, value in found.items()
        if name == element or name.startswith((f"{element}.", f"{element}[", f"{element} "))
    }


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}[{item.get('name', number)}]")
    elif value is not None:
        yield path, value
