"""Files in the volumes of a pod: which ConfigMap or Secret has the file that the server reads."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath

from stanlocal.imports.given_files import GivenFile
from stanlocal.imports.objects import Object, at, listed, named, text
from stanlocal.imports.walk import Path
from stanlocal.natsconf import Place, Table

_ELSEWHERE = {
    "emptyDir": "which is empty until another container fills it",
    "persistentVolumeClaim": "which is a claim",
    "hostPath": "which is a folder of a machine",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file in a ConfigMap or a Secret."""

    object: Object
    key: str

    def file(self, text: str) -> GivenFile:
        """Return the file with its text."""
        held = self.object
        return GivenFile(f"{held.place.file} ({held.kind} {held.name}, {self.key})", text, FilePath())


@dataclass(frozen=True, slots=True)
class Volumes:
    """The volumes of a pod as one of its containers sees them."""

    workload: Object
    pod: Path
    container: Table
    candidates: Sequence[Object]
    """Objects of the file."""

    def source(self, path: str) -> Source | str:
        """Return the ConfigMap or Secret that has the file, or else what the file is in."""
        wanted = posixpath.normpath(posixpath.join("/", text(self.container, "workingDir"), path))
        mount = self._mount(wanted)
        if mount is None:
            return "its image, as no volume is mounted there"
        folder, volume = mount
        inside = posixpath.relpath(wanted, folder)
        inner = posixpath.normpath(posixpath.join(text(volume, "subPath"), inside))
        content = self._volume(text(volume, "name"))
        if content is None:
            return f"volume {text(volume, 'name')}, which the pod does not have"
        lacking = ""
        for kind, name, items in _sources(content, self.workload.place):
            key = inner if items is None else items.get(inner)
            found = named(self.candidates, kind, name, self.workload.namespace)
            if found is not None and key is not None and key in found.files:
                return Source(found, key)
            if found is None and key is not None:
                lacking = lacking or f"{kind} {name}, which is not in this file"
            elif found is not None:
                lacking = lacking or f"{kind} {name}, which has no {inner}"
        kind = next((name for name in content if name != "name"), "emptyDir")
        return lacking or f"volume {text(volume, 'name')}, {_ELSEWHERE.get(kind, f'which is a {kind}')}"

    def inside(self, path: str) -> tuple[str, str] | None:
        """Return the name of the volume that a path is on, and the path in it; None for one of the image."""
        wanted = posixpath.normpath(posixpath.join("/", text(self.container, "workingDir"), path))
        mount = self._mount(wanted)
        if mount is None:
            return None
        folder, volume = mount
        inner = posixpath.join(text(volume, "subPath"), posixpath.relpath(wanted, folder))
        return text(volume, "name"), posixpath.normpath(inner)

    def paths(self, volume: str, inner: str) -> Iterator[str]:
        """Yield the paths at which the container sees a path in a volume."""
        for _, entry in listed(self.container, ("volumeMounts",), self.workload.place):
            if isinstance(entry.value, dict) and text(entry.value, "name") == volume:
                below = posixpath.relpath(inner, text(entry.value, "subPath") or ".")
                if not below.startswith(".."):
                    folder = posixpath.join("/", text(entry.value, "mountPath"))
                    yield posixpath.normpath(posixpath.join(folder, below))

    def _mount(self, wanted: str) -> tuple[str, Table] | None:
        """Return the mount that has the file, with its folder: the innermost counts."""
        found: tuple[str, Table] | None = None
        for _, entry in listed(self.container, ("volumeMounts",), self.workload.place):
            if not isinstance(entry.value, dict):
                continue
            folder = posixpath.normpath(posixpath.join("/", text(entry.value, "mountPath")))
            within = wanted == folder or wanted.startswith(folder.rstrip("/") + "/")
            if within and (found is None or len(folder) > len(found[0])):
                found = folder, entry.value
        return found

    def _volume(self, name: str) -> Table | None:
        volumes = listed(self.workload.content, (*self.pod, "volumes"), self.workload.place)
        contents = (entry.value for _, entry in volumes if isinstance(entry.value, dict))
        return next((content for content in contents if text(content, "name") == name), None)


def _sources(volume: Table, place: Place) -> Iterator[tuple[str, str, dict[str, str] | None]]:
    """Yield the kinds and names of what a volume is made of; with `items`, the key of each path."""
    projected = [entry.value for _, entry in listed(volume, ("projected", "sources"), place)]
    for source in [volume, *(each for each in projected if isinstance(each, dict))]:
        for kind, field, names in (
            ("ConfigMap", "configMap", ("name",)),
            ("Secret", "secret", ("secretName", "name")),
        ):
            content = at(source, (field,))
            if isinstance(content, dict):
                name = next((text(content, each) for each in names if text(content, each)), "?")
                yield kind, name, _items(content, place)


def _items(source: Table, place: Place) -> dict[str, str] | None:
    """Return the key of each path that a volume shows; None if it shows all keys under their names."""
    chosen = listed(source, ("items",), place)
    if not chosen:
        return None
    pairs = [
        (text(each.value, "path"), text(each.value, "key"))
        for _, each in chosen
        if isinstance(each.value, dict)
    ]
    return {posixpath.normpath(path): key for path, key in pairs if path}
