"""The shapes in which deployments are written, with their readers: a file's content decides its shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from stanlocal.errors import SettingsError
from stanlocal.imports import conf_files, templates
from stanlocal.imports.compose import is_compose, read_compose
from stanlocal.imports.content import has_values, is_conf
from stanlocal.imports.given_files import GivenFile, GivenFiles
from stanlocal.imports.import_result import Found
from stanlocal.imports.inspected import is_inspected, read_inspected
from stanlocal.imports.objects import Object, objects
from stanlocal.imports.script import read_scripts, starts_servers
from stanlocal.imports.supervisor import is_supervisor, read_supervisor
from stanlocal.imports.unit import is_unit, read_units
from stanlocal.imports.yamltree import YamlTree
from stanlocal.natsconf import Entry, Place

Read = Callable[[Sequence[GivenFile], GivenFiles, Mapping[str, str], Found], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """A way in which a deployment is written down."""

    name: str
    """Name in messages."""
    fits: Callable[[GivenFile], bool]
    read: Read


def _read_yaml(
    given: Sequence[GivenFile], files: GivenFiles, environ: Mapping[str, str], found: Found
) -> None:
    """Read Kubernetes objects, or the values of the chart, of all files together."""
    from stanlocal.imports import helm, kubernetes

    blocks: dict[Place, tuple[int, int]] = {}
    tables: list[Entry] = []
    tree: YamlTree | None = None
    for file in given:
        tree = YamlTree(file.yaml, tree)
        tables += [each for each in tree.documents() if isinstance(each.value, dict)]
        blocks |= tree.blocks
    values = helm.merged(tables)
    if values is not None and (charts := helm.values_in(values)):
        if len(tables) > 1:
            later = "a value of a later file counts more than that of an earlier one, as in helm -f A -f B"
            found.changed(tables[1].place, "values", later)
        helm.read(values, charts, tables[0].place, found)
        return
    found_objects = list(objects(tables))
    if why := next((why for each in found_objects if (why := _source_of(each))), None):
        found.problem(found_objects[0].place, why)
        return
    strange = [each for each in found_objects if each.kind == "?"]
    if not found_objects or strange:
        place = strange[0].place if strange else given[0].start
        if strange and helm.values_in(strange[0].content):
            why = "these are values of the nats/stan chart, beside Kubernetes objects: name the files of one"
        else:
            why = "this is neither a Kubernetes object nor values of the nats/stan chart"
        found.problem(place, why)
        return
    kubernetes.read(found_objects, blocks, environ, found)


def _source_of(each: Object) -> str | None:
    lists_and_words = [name for name, entry in each.content.items() if not isinstance(entry.value, dict)]
    return templates.source_of(lists_and_words, "" if each.kind == "?" else each.kind)


def _read_scripts(
    given: Sequence[GivenFile], files: GivenFiles, environ: Mapping[str, str], found: Found
) -> None:
    """Read scripts, and where they start no server the units and other deployments that they write."""
    written = read_scripts(given, files, environ, found)
    if written is None:
        return
    inner = replace(files, given=[*files.given, *written])
    for shape in (UNIT, SUPERVISOR, COMPOSE, OBJECTS):
        if fitting := [file for file in written if shape_of(file) is shape]:
            shape.read(fitting, inner, environ, found)
            return
    found.problem(given[0].start, "this script starts no nats-streaming-server")


SUPERVISOR = Shape("a supervisord configuration", lambda file: is_supervisor(file.text), read_supervisor)
UNIT = Shape("a systemd unit", lambda file: is_unit(file.text), read_units)
VALUES = Shape("values of the nats/stan chart", has_values, _read_yaml)
OBJECTS = Shape("Kubernetes objects", lambda file: not is_conf(file), _read_yaml)
SCRIPT = Shape("a script", starts_servers, _read_scripts)
CONF = Shape("a stan.conf", lambda file: True, conf_files.read_confs)

COMPOSE = Shape("a Compose file", is_compose, read_compose)
INSPECTED = Shape("the output of docker inspect", is_inspected, read_inspected)
SHAPES = (UNIT, SUPERVISOR, INSPECTED, COMPOSE, VALUES, OBJECTS, SCRIPT, CONF)
"""All shapes; of those that fit a file, the first."""


def shape_of(file: GivenFile) -> Shape:
    """Return the shape of a file."""
    return next(shape for shape in SHAPES if shape.fits(file))


def _unreadable(file: GivenFile) -> str | None:
    """Return why a file is nothing that could be read; None if it may be."""
    return templates.template(file.text) or (None if file.text.strip() else "the file is empty")


def read_all(files: GivenFiles, environ: Mapping[str, str], found: Found) -> dict[str, Shape]:
    """Put the settings of all files into `found`; return the shape of each."""
    sources = {file.name: why for file in files.given if (why := _unreadable(file))}
    rest = [file for file in files.given if file.name not in sources]
    for file in files.given:
        if file.name in sources and rest:
            found.left_out(file.start, "the whole file", sources[file.name])
        elif file.name in sources:
            found.problem(file.start, sources[file.name])
    if found.problems:
        return {}
    shapes = {file.name: shape_of(file) for file in rest}
    readers = {shape.read: shape for shape in SHAPES if shape is not CONF and shape in shapes.values()}
    whole = list(readers.values())
    if len(whole) > 1:
        first, other = (next(file for file in rest if shapes[file.name] is shape) for shape in whole[:2])
        found.problem(
            other.start,
            f"this is {whole[1].name}, and {first.name} is {whole[0].name}: name the files of one of them",
        )
        return shapes
    shape = whole[0] if whole else CONF
    given = [file for file in rest if shapes[file.name].read is shape.read]
    try:
        shape.read(given, files, environ, found)
    except SettingsError as error:
        found.problems += error.problems
    if found.problems:
        texts = [file for file in given if file.name in "".join(found.problems)]
        why = next((why for file in texts if (why := templates.perhaps_template(file.text))), None)
        if why is not None and shape is not SCRIPT:
            found.problems[:] = [f"{texts[0].start}: {why}"]
    for file in rest:
        if shapes[file.name].read is not shape.read and file.name not in files.used:
            found.left_out(file.start, "the whole file", f"no server of {given[0].name} reads it")
    return shapes
