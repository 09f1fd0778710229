"""The format of a file, which its content shows: its name may be anything."""

from __future__ import annotations

from pathlib import Path

from stanlocal.errors import SettingsError
from stanlocal.imports.given_files import GivenFile
from stanlocal.imports.helm import values_in
from stanlocal.imports.yamltree import YamlTree
from stanlocal.natsconf import ConfError, Table, Value, parse
from stanlocal.settings.nats import NATS
from stanlocal.settings.schema import Kind
from stanlocal.settings.streaming import STREAMING

_YAML_NAMES = frozenset({".yaml", ".yml", ".json"})
_OBJECT = frozenset({"kind", "apiversion"})


def has_values(file: GivenFile) -> bool:
    """Return whether the text is a values file of the chart."""
    return any(values_in(table) for table in _yaml_tables(file) or ())


def is_conf(file: GivenFile) -> bool:
    """Return whether the text is a stan.conf, and not a YAML document.

    A stan.conf in JSON is valid YAML, and may be named so. A text that is neither counts as what its name
    says, so that the message is about that format.
    """
    named_yaml = Path(file.name).suffix.lower() in _YAML_NAMES
    tables = _yaml_tables(file)
    if tables is None:
        return not named_yaml or _is_configuration(file.text)
    if any(_is_document(table) for table in tables):
        return False
    return _is_configuration(file.text) if named_yaml else True


def _yaml_tables(file: GivenFile) -> list[Table] | None:
    """Return the tables among the YAML documents; None if it is no YAML."""
    try:
        documents = [document.value for document in YamlTree(file.yaml).documents()]
    except SettingsError:
        return None
    return [document for document in documents if isinstance(document, dict)]


def _is_document(table: Table) -> bool:
    """Return whether a table of a YAML document is a Kubernetes object or has a chart's values."""
    return {name.lower() for name in table} >= _OBJECT or bool(values_in(table))


def _is_configuration(text: str) -> bool:
    """Return whether the text is a configuration with options that the server knows."""
    try:
        conf = parse(text, missing_ok=True, read_include=lambda name: "")
    except ConfError:
        return False
    return any(_is_known(name, entry.value) for name, entry in conf.items())


def _is_known(name: str, value: Value) -> bool:
    """Return whether the name is an option's, or a section's, with a value that fits."""
    if name.lower() == "streaming":
        return True
    option = STREAMING.find(name) or NATS.find(name)
    tables = (Kind.TABLE, Kind.MAP, Kind.STRUCTURE)
    return option is not None and (not isinstance(value, (dict, list)) or option.kind in tables)
