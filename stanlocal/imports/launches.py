"""The servers that a script, a unit or Compose starts, as settings.

Each server is read as it starts: its arguments, the files that these name, and its variables.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stanlocal.imports.flags import NATS_FILE, STREAMING_FILE, Flag, Word, lay_over, split
from stanlocal.imports.given_files import GivenFile, GivenFiles
from stanlocal.imports.import_result import Found
from stanlocal.imports.server_group import (
    ENCRYPTION_KEY,
    MOST_SERVERS,
    ServerConfiguration,
    combined,
    read_group,
)
from stanlocal.natsconf import Place, Table


@dataclass(frozen=True, slots=True)
class Launch:
    """One server as it is started."""

    title: str
    place: Place
    arguments: Sequence[Word]
    environment: Mapping[str, str]
    read: Callable[[str], GivenFile | None]
    """Returns the file that the server reads at a path."""
    count: int = 1

    def beside(self, flag: Flag | None) -> Callable[[str], GivenFile | None]:
        """Return the reader of paths that are relative to the file that a flag names."""
        folder = posixpath.dirname(flag.value or "") if flag is not None else ""
        return lambda path: self.read(posixpath.normpath(posixpath.join(folder, path)))

    def local_file(self, path: str) -> Path | None:
        """Return the file of this machine that the server reads at a path."""
        file = self.read(path)
        return None if file is None else file.path


def read_launches(launches: Sequence[Launch], files: GivenFiles, found: Found) -> None:
    """Put the settings of the group into `found`; what keeps it from running is noted as problems."""
    if len(launches) > MOST_SERVERS:
        found.problem(launches[0].place, f"there are more than {MOST_SERVERS} servers")
        return
    read_group([_server(launch, files, file_store=found.file_store) for launch in launches], found)


def _server(launch: Launch, files: GivenFiles, *, file_store: bool) -> ServerConfiguration:
    found = Found(file_store=file_store)
    flags = split(launch.arguments, found)
    conf, start = _configuration(launch, flags, files, found)
    key = launch.environment.get(ENCRYPTION_KEY)
    return ServerConfiguration(
        launch.title,
        launch.place,
        lay_over(conf, flags, found),
        start,
        found,
        launch.count if launch.count > 1 else None,
        key=None if key is None else (key, launch.place),
        local_file=launch.local_file,
    )


def _configuration(
    launch: Launch, flags: Sequence[Flag], files: GivenFiles, found: Found
) -> tuple[Table, Place]:
    """Return what the server reads: one file for both halves, or one for each."""
    named = {
        half: next((flag for flag in reversed(flags) if flag.name in names), None)
        for half, names in (("streaming", STREAMING_FILE), ("nats", NATS_FILE))
    }
    read = {half: _file(launch, flag, found) for half, flag in named.items() if flag is not None}
    if any(file is None for file in read.values()) or not read:
        return {}, launch.place
    tables = {
        half: files.configuration(file, launch.environment, found, launch.beside(named[half]))
        for half, file in read.items()
        if file
    }
    only = next(iter(tables.values()))
    starts = [file.start for file in read.values() if file]
    return (combined(tables["nats"], tables["streaming"], found) if len(tables) > 1 else only), starts[0]


def _file(launch: Launch, flag: Flag, found: Found) -> GivenFile | None:
    if flag.missing or not flag.value:
        name = f"${flag.missing}" if flag.missing else "an empty name"
        if flag.missing.startswith("%"):  # a specifier of systemd
            name = f"{flag.missing}, which the unit's name does not tell"
        found.problem(
            flag.place, f"the server reads its configuration from {name}; write the file's name there"
        )
        return None
    file = launch.read(flag.value)
    if file is None:
        found.problem(
            flag.place,
            f"the server reads {flag.value}, which is neither given nor in this file's folder; "
            f"add the file: --from {flag.place.file} --from {flag.value}",
        )
    return file
