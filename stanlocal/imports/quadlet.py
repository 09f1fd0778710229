"""Podman's quadlets: the container that a unit describes, as the command that Podman makes of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from stanlocal.imports import unit_file
from stanlocal.imports.flags import Word
from stanlocal.imports.given_files import GivenFile
from stanlocal.imports.unit_file import Line

_OPTIONS = {
    "ContainerName": "--name",
    "Entrypoint": "--entrypoint",
    "Environment": "--env",
    "EnvironmentFile": "--env-file",
    "Volume": "--volume",
    "Mount": "--mount",
}
TAKEN = frozenset((*_OPTIONS, "Exec"))
"""Lines that count; the image does too, and is no setting."""


def command(lines: Sequence[Line], unit: GivenFile, variables: Mapping[str, str]) -> Sequence[Word]:
    """Return the words of `podman run`; `variables` are those of the service. Empty without an image."""
    images = [line for line in lines if line.name == "Image" and line.value]
    if not images:
        return []

    def words(line: Line) -> Iterator[Word]:
        return unit_file.expanded(line.value, unit, variables, line, literal=False)

    place = images[-1].place
    result = [Word("podman", place), Word("run", place)]
    for line in lines:
        if line.name in _OPTIONS:
            for word in words(line):
                result += [Word(_OPTIONS[line.name], line.place), word]
    result += [Word("--", place), *list(words(images[-1]))[:1]]
    for line in [line for line in lines if line.name == "Exec"][-1:]:
        result += words(line)
    return result
