"""A Compose project: its files merged, with extended services, included files and variables filled in."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stanlocal.imports.environment_file import read_environment_file
from stanlocal.imports.given_files import GivenFile, GivenFiles
from stanlocal.imports.import_result import Found
from stanlocal.imports.interpolation import Interpolation, InterpolationError
from stanlocal.imports.yamltree import YamlTree
from stanlocal.natsconf import Entry, Place, Table, Value, plain

_MOST_FILES = 50
_MOST_VARIABLES = 50_000
_DEPTH = 32
"""Number of services that extend each other in a row."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The part of a service that one file has."""

    content: Table
    place: Place
    file: GivenFile


@dataclass(slots=True)
class Service:
    """A service, merged from all files: the last layer that has a value decides it."""

    name: str
    layers: list[Layer] = field(default_factory=list)

    @property
    def place(self) -> Place:
        return self.layers[-1].place

    def last(self, key: str) -> Entry | None:
        """Return the value that counts; None where it is not set."""
        values = (layer.content.get(key) for layer in reversed(self.layers))
        return next((each for each in values if each is not None and each.value != {}), None)

    def every(self, key: str) -> Iterator[tuple[Entry, Layer]]:
        """Yield the values of all layers, the last one last."""
        for layer in self.layers:
            if key in layer.content:
                yield layer.content[key], layer


@dataclass
class Project:
    """The services, configs and secrets of a project, and the variables in its values."""

    files: GivenFiles
    environ: Mapping[str, str]
    found: Found
    services: dict[str, Service] = field(default_factory=dict)
    configs: dict[tuple[str, str], tuple[Table, GivenFile]] = field(default_factory=dict)
    """Configs and secrets, by `configs` or `secrets` and their name."""
    documents: list[tuple[Table, GivenFile]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    _interpolation: Interpolation = field(default_factory=lambda: Interpolation({}))
    _tree: YamlTree | None = None
    _left: int = _MOST_FILES
    _variables_left: int = _MOST_VARIABLES
    _read: dict[str, dict[str, str]] = field(default_factory=dict)
    """Variables of the files that were read."""

    def load(self, given: Sequence[GivenFile]) -> None:
        """Read the files, those that override others last."""
        self.variables = {**self._from_env_file(given[0]), **self.environ}
        self._interpolation = Interpolation(self.variables)
        for file in sorted(given, key=lambda file: "override" in file.name.rpartition("/")[2]):
            self._load(file)
        for name in list(self.services):
            self._extend(self.services[name], ())

    def _from_env_file(self, beside: GivenFile) -> dict[str, str]:
        file = self.files.find(".env", beside)
        if file is None:
            return {}
        own = Interpolation(self.environ)
        return read_environment_file(file.text, own.text)

    def _load(self, file: GivenFile) -> None:
        self._left -= 1
        if self._left < 0:
            self.found.problem(file.start, f"there are more than {_MOST_FILES} files in the project")
            return
        self._tree = YamlTree(file.yaml, self._tree, truth_words=False)
        for document in self._tree.documents():
            table = document.value
            if not isinstance(table, dict):
                continue
            self.documents.append((table, file))
            for each in _list(table.get("include")):
                self._include(each, file)
            for name, entry in services_of(table).items():
                if isinstance(entry.value, dict):
                    service = self.services.setdefault(name, Service(name))
                    service.layers.append(Layer(entry.value, entry.place, file))
            for kind in ("configs", "secrets"):
                for name, entry in _table(table.get(kind)).items():
                    if isinstance(entry.value, dict):
                        self.configs[kind, name] = (entry.value, file)

    def _include(self, value: Value, file: GivenFile) -> None:
        paths = _list(value.get("path")) if isinstance(value, dict) else [value]
        for path in paths:
            name = self.text(path, file.start)
            other = self.files.find(name, file)
            if other is None:
                self.found.problem(
                    file.start, f"it includes {name}, which is neither given nor in its folder"
                )
            else:
                self._load(other)

    def _extend(self, service: Service, above: tuple[str, ...]) -> None:
        """Put the layers of the service that this one extends before its own."""
        entry = service.last("extends")
        if entry is None:
            return
        if service.name in above or len(above) > _DEPTH:
            self.found.problem(entry.place, f"service {service.name} extends itself, or too many others")
            return
        value = entry.value
        name = self.text(
            value["service"] if isinstance(value, dict) and "service" in value else value, entry.place
        )
        path = value.get("file") if isinstance(value, dict) else None
        base = self.services.get(name) if path is None else self._of_other_file(name, path, service)
        if base is None:
            self.found.problem(entry.place, f"service {service.name} extends {name}, which is not there")
            return
        if path is None:
            self._extend(base, (*above, service.name))
        service.layers[:0] = base.layers
        for layer in service.layers:
            layer.content.pop("extends", None)

    def _of_other_file(self, name: str, path: Entry, service: Service) -> Service | None:
        other = self.files.find(self.text(path.value, path.place), service.layers[-1].file)
        if other is None:
            return None
        inner = Project(self.files, self.environ, self.found, _left=self._left - 1, _tree=self._tree)
        inner.variables, inner._interpolation = self.variables, self._interpolation
        inner._load(other)
        self._tree, self._left = inner._tree, inner._left
        return inner.services.get(name)

    # Values

    def text(self, value: Value | Entry, place: Place) -> str:
        """Return a scalar as text, with its variables; a problem is noted for what Compose refuses."""
        value = value.value if isinstance(value, Entry) else value
        if isinstance(value, (dict, list)):
            return ""
        text = str(plain(value)) if not isinstance(value, bool) else str(value).lower()
        try:
            return self._interpolation.text(text)
        except InterpolationError as error:
            self.found.problem(place, f"{text[:60]!a}: {error}")
            return ""

    def words(self, entry: Entry | None) -> list[str] | None:
        """Return the words of a command, which is a list or one string; None where it is not set."""
        if entry is None:
            return None
        if isinstance(entry.value, list):
            return [self.text(word, entry.place) for word in entry.value]
        try:
            return shlex.split(self.text(entry.value, entry.place))
        except ValueError as error:
            self.found.problem(entry.place, f"the command cannot be split into words: {str(error).lower()}")
            return []

    def texts(self, entry: Entry | None) -> list[str]:
        """Return the strings of a list, or the only one."""
        return [self.text(each, entry.place) for each in _list(entry)] if entry is not None else []

    def note_unset(self) -> None:
        """Report the variables that are set nowhere."""
        for name in sorted(self._interpolation.unset)[:20]:
            place = self.documents[0][1].start
            self.found.changed(
                place, f"${name}", "it is set neither there nor in the environment: it is blank"
            )

    def environment(self, service: Service) -> dict[str, str]:
        """Return the variables of the service's containers; its own count more than those of its files."""
        variables: dict[str, str] = {}
        for entry, layer in service.every("env_file"):
            for each in _list(entry):
                variables |= self._env_file(each, entry, layer)
        for entry, _ in service.every("environment"):
            for name, own in _table(entry).items():
                self._set(variables, name, None if own.value == {} else self.text(own.value, own.place))
            for text in self.texts(entry) if isinstance(entry.value, list) else ():
                name, equals, value = text.partition("=")
                self._set(variables, name, value if equals else None)
        self._variables_left -= len(variables)
        if self._variables_left < 0:
            self.found.problem(service.place, f"the services have more than {_MOST_VARIABLES} variables")
            return {}
        return variables

    def _set(self, variables: dict[str, str], name: str, value: str | None) -> None:
        """Set a variable; one without a value is the caller's."""
        if value is not None:
            variables[name] = value
        elif name in self.variables:
            variables[name] = self.variables[name]

    def _env_file(self, value: Value, entry: Entry, layer: Layer) -> dict[str, str]:
        path = self.text(value["path"] if isinstance(value, dict) and "path" in value else value, entry.place)
        required = not (isinstance(value, dict) and "required" in value and value["required"].value is False)
        file = self.files.find(path, layer.file)
        if file is None:
            if required:
                self.found.problem(
                    entry.place,
                    f"the service reads its variables from {path}, which is neither given nor in this file's "
                    f"folder; add the file: --from {layer.file.name} --from {path}",
                )
            return {}
        if file.name not in self._read:
            self._read[file.name] = read_environment_file(file.text, self._expanded)
        return self._read[file.name]

    def _expanded(self, value: str) -> str:
        try:
            return self._interpolation.text(value)
        except InterpolationError:
            return value


def services_of(table: Table) -> Table:
    """Return the services of a Compose file; before version 2 they were at the top."""
    if "services" in table:
        return _table(table["services"])
    own = [each.value for each in table.values() if isinstance(each.value, dict)]
    first = bool(own) and len(own) == len(table) and all({"image", "build"} & set(each) for each in own)
    return table if first else {}


def _list(value: Entry | Value | None) -> list[Value]:
    inner = value.value if isinstance(value, Entry) else value
    if inner is None or inner == {}:
        return []
    return inner if isinstance(inner, list) else [inner]


def _table(entry: Entry | None) -> Table:
    return entry.value if entry is not None and isinstance(entry.value, dict) else {}
