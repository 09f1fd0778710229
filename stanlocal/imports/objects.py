"""Kubernetes objects in YAML documents, and access to their parts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from stanlocal.imports.walk import Path, items
from stanlocal.natsconf import Entry, Place, Table, Value

_FILES = ("ConfigMap", "Secret")


@dataclass
class Object:
    """An object of the file."""

    kind: str
    name: str
    content: Table
    place: Place
    taken: list[Path] = field(default_factory=list)
    """Paths of the parts that were used."""

    @property
    def title(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def namespace(self) -> str | None:
        namespace = at(self.content, ("metadata", "namespace"))
        return namespace if isinstance(namespace, str) else None

    @property
    def owner(self) -> tuple[str, str] | None:
        """Kind and name of the object that made this one; None if a person did."""
        for _, entry in listed(self.content, ("metadata", "ownerReferences"), self.place):
            if isinstance(entry.value, dict):
                return text(entry.value, "kind"), text(entry.value, "name")
        return None

    @cached_property
    def files(self) -> Table:
        """The files of a ConfigMap or Secret by their keys."""
        if self.kind not in _FILES:
            return {}
        data = at(self.content, ("data",))
        plain = at(self.content, ("stringData",))
        files = dict(data) if isinstance(data, dict) else {}
        binary = at(self.content, ("binaryData",))
        if self.kind == "Secret":
            binary, files = files, {}
        if isinstance(binary, dict):
            files |= {key: Entry(_decoded(entry.value), entry.place) for key, entry in binary.items()}
        return {**files, **(plain if isinstance(plain, dict) else {})}

    def take_file(self, key: str) -> str:
        """Return the text of a file, and note that it was used."""
        fields = ((name, at(self.content, (name,))) for name in ("stringData", "binaryData"))
        holds = (name for name, held in fields if isinstance(held, dict) and key in held)
        self.taken.append((next(holds, "data"), key))
        value = self.files[key].value
        return value if isinstance(value, str) else ""


def _decoded(value: Value) -> str:
    """Return the text that is in base64; empty if it is none."""
    try:
        return base64.b64decode(value if isinstance(value, str) else "").decode()
    except (binascii.Error, ValueError):
        return ""


def objects(documents: Sequence[Entry]) -> Iterator[Object]:
    """Yield the objects of the documents, those in lists (`kubectl get -o yaml`) included."""
    for document in documents:
        content = document.value
        if not isinstance(content, dict):
            continue
        if text(content, "kind").endswith("List"):
            yield from objects([item for _, item in listed(content, ("items",), document.place)])
        else:
            metadata = at(content, ("metadata", "name"))
            name = metadata if isinstance(metadata, str) else "?"
            yield Object(text(content, "kind") or "?", name, content, document.place)


def named(
    candidates: Sequence[Object], kind: str, name: str | None, namespace: str | None = None
) -> Object | None:
    """Return the object of this kind and name; None without one. One of the same namespace comes first."""
    found = [each for each in candidates if each.kind == kind and each.name == name]
    return next((each for each in found if each.namespace == namespace), found[0] if found else None)


def at(table: Table, path: Path) -> object:
    """Return the value at `path`; None when there is none."""
    value: object = table
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step].value
    return value


def text(table: Table, name: str) -> str:
    """Return the string of this name; empty when there is none."""
    value = at(table, (name,))
    return value if isinstance(value, str) else ""


def strings(table: Table, name: str) -> list[str]:
    """Return the words of the list of this name, with numbers as words; a word alone is a list of one."""
    value = at(table, (name,))
    words = value if isinstance(value, list) else [value]
    return [_word(word) for word in words if isinstance(word, (str, int, float))]


def _word(value: str | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def listed(table: Table, path: Path, place: Place) -> list[tuple[str, Entry]]:
    """Return the items of the list at `path` as paths name them; none without a list."""
    value = at(table, path)
    return list(items(value, place)) if isinstance(value, list) else []
