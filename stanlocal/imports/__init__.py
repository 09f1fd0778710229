"""Importers: an existing deployment's files (stan.conf, Kubernetes objects, chart values) as settings.

`read` takes everything that can run locally, and lists what it left out or changed, and why. The file may
be hostile: its size is bounded, and it can neither read files outside its folder nor run anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stanlocal.errors import SettingsError
from stanlocal.imports.conf import fill_defaults, read_conf
from stanlocal.imports.content import is_conf
from stanlocal.imports.import_result import Finding, Found
from stanlocal.natsconf import ConfError, Place, parse
from stanlocal.settings.layer import Layer, dotted
from stanlocal.settings.text import read_text

__all__ = ["Finding", "Import", "read"]


@dataclass(frozen=True, slots=True)
class Import:
    """The result of importing a file."""

    layer: Layer
    """The file's settings, each with its place in the file."""
    findings: tuple[Finding, ...]
    """Everything left out or changed in the local group, in the order of the file."""


def read(path: Path, environ: Mapping[str, str], *, file_store: bool = False) -> Import:
    """Import the settings of a file; `environ` has the variables that it may refer to.

    With `file_store` a deployment over another kind of store, or over memory, gets a file store.

    Its content shows whether it has Kubernetes objects, chart values, or is a stan.conf.
    Raises `SettingsError` with every problem, each with line and column where known.
    """
    text = read_text(path)
    found = Found(file_store=file_store)
    start = Place(str(path), 1, 1)
    if is_conf(text, path):
        _read_conf(text, path, environ, found)
    else:
        _read_yaml(text, start, environ, found)
    if found.problems:
        raise SettingsError(found.problems)
    fill_defaults(found, start)
    places = {dotted(key): str(place) for key, place in found.places.items()}
    layer = Layer("import", found.values, base=path.parent, file=path, may_execute=False, places=places)
    findings = sorted(found.findings, key=lambda finding: (finding.place.line, finding.place.column))
    return Import(layer, tuple(findings))


def _read_conf(text: str, path: Path, environ: Mapping[str, str], found: Found) -> None:
    try:
        conf = parse(
            text,
            str(path),
            environ=environ,
            read_include=lambda name: _included(path, name),
            missing_ok=True,
            said=lambda place, line: found.changed(place, "an option", line),
        )
    except ConfError as error:
        raise SettingsError([str(error)]) from error
    read_conf(conf, Place(str(path), 1, 1), found)


def _included(path: Path, name: str) -> str:
    """Read a file in the main one's folder, or below it, symbolic links resolved."""
    folder = path.parent.resolve()
    wanted = (folder / name).resolve()
    if not wanted.is_relative_to(folder):
        raise ValueError("it is outside the configuration's folder")
    try:
        return read_text(wanted)
    except SettingsError as error:
        raise ValueError(str(error)) from error


def _read_yaml(text: str, start: Place, environ: Mapping[str, str], found: Found) -> None:
    from stanlocal.imports import helm, kubernetes
    from stanlocal.imports.objects import objects
    from stanlocal.imports.yamltree import YamlTree

    tree = YamlTree(text, start.file)
    documents = list(tree.documents())
    tables = [document for document in documents if isinstance(document.value, dict)]
    if len(tables) == 1 and isinstance(tables[0].value, dict) and helm.is_values(tables[0].value):
        helm.read(tables[0].value, tables[0].place, found)
        return
    found_objects = list(objects(tables))
    strange = [each for each in found_objects if each.kind == "?"]
    if not found_objects or strange:
        place = strange[0].place if strange else start
        found.problem(place, "this is neither a Kubernetes object nor values of the nats/stan chart")
        return
    kubernetes.read(found_objects, tree.blocks, environ, found)
