"""Shell scripts and command lines that start servers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stanlocal.imports.environment_file import read_environment_file
from stanlocal.imports.given_files import GivenFile, GivenFiles
from stanlocal.imports.import_result import Found
from stanlocal.imports.launches import Launch, read_launches
from stanlocal.imports.shell import LONGEST, Shell, Started
from stanlocal.natsconf import ConfError, Place


def starts_servers(file: GivenFile) -> bool:
    """Return whether the text is a script that starts a server, or says that it is a script."""
    if file.text.startswith("#!"):
        return True
    if "nats-streaming" not in file.text or len(file.text) > LONGEST:
        return False
    shell = Shell({})
    try:
        shell.run(file.text, lambda line, column: Place(file.name, line, column))
    except ConfError:
        return False
    return bool(shell.servers)


def read_script(file: GivenFile, files: GivenFiles, environ: Mapping[str, str], found: Found) -> None:
    """Put the settings of the servers that the script starts into `found`."""

    def read(name: str) -> tuple[str, str] | None:
        other = files.find(name, file)
        return None if other is None else (other.name, other.text)

    shell = Shell(environ, read)
    try:
        shell.run(file.text, lambda line, column: Place(file.name, line, column))
    except ConfError as error:
        found.problems.append(str(error))
        return
    if not shell.servers:
        found.problem(file.start, "this script starts no nats-streaming-server")
        return
    launches = [
        _launch(started, number, shell, file, files) for number, started in enumerate(shell.servers, 1)
    ]
    read_launches(launches, files, found)


def _launch(started: Started, number: int, shell: Shell, file: GivenFile, files: GivenFiles) -> Launch:
    command = started.command
    environment = dict(command.environment if command.in_container else started.environment)
    for name in command.environment_files:
        if (other := files.find(name, file)) is not None:
            environment = {**read_environment_file(other.text), **environment}
    return Launch(
        command.title or f"server {number}",
        command.place,
        command.arguments,
        environment,
        lambda path: _file(path, started, shell, file, files),
    )


def _file(path: str, started: Started, shell: Shell, file: GivenFile, files: GivenFiles) -> GivenFile | None:
    """Return the file that the server reads at `path`: written by the script, mounted, or of the machine."""
    path = mounted(path, started.command.mounts)
    for name, (text, line) in shell.written.items():
        if Path(name) == Path(path) or Path(name).name == Path(path).name:
            return GivenFile(file.name, text, file.folder, first_line=line)
    return files.find(path, file)


def mounted(path: str, mounts: tuple[tuple[str, str], ...]) -> str:
    """Return the path on the machine of what a container has at `path`; the longest mount counts."""
    for source, target in sorted(mounts, key=lambda mount: -len(mount[1])):
        target = target.rstrip("/")
        if path == target:
            return source
        if path.startswith(f"{target}/"):
            return f"{source.rstrip('/')}/{path[len(target) + 1 :]}"
    return path
