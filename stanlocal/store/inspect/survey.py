"""The content of a store folder by name: the server's files, channels, and foreign entries."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from stanlocal.errors import StoreRefused
from stanlocal.store.format.slices import SliceFiles, slices_of
from stanlocal.store.layout import CLIENTS_FILE, MARKER_FILE, SERVER_FILE, SUBS_FILE, is_channels
from stanlocal.store.verify.problems import Kind, Problem, Start
from stanlocal.util.printable import printable


@dataclass
class ChannelFiles:
    """A channel's files."""

    name: str
    slices: list[SliceFiles]
    has_subs: bool


@dataclass
class Survey:
    """The names and sizes in a store folder."""

    store: Path
    server_file: bool = False
    clients_file: bool = False
    channels: list[ChannelFiles] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    disk_bytes: int = 0

    @property
    def files(self) -> list[str]:
        """Names of all files that `verify` reads."""
        top = [name for name, there in _top(self) if there]
        for channel in self.channels:
            top += [f"{channel.name}/{SUBS_FILE}"] if channel.has_subs else []
            top += [name for each in channel.slices for name in (each.data, each.index) if name]
        return top


def _top(survey: Survey) -> list[tuple[str, bool]]:
    return [(SERVER_FILE, survey.server_file), (CLIENTS_FILE, survey.clients_file)]


def survey(store: Path) -> Survey:
    """List the names in a store. Raises `StoreRefused` when it is not a readable store."""
    found = Survey(store)
    try:
        with os.scandir(store) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except NotADirectoryError as error:
        raise StoreRefused(f"{store} is not a folder; name the folder that holds server.dat") from error
    except OSError as error:
        raise StoreRefused(
            f"cannot read the store {store} ({error.strerror}); name the folder that holds server.dat"
        ) from error
    folders = [entry.name for entry in listed if entry.is_dir(follow_symlinks=False)]
    names = {entry.name for entry in listed} - set(folders)
    found.server_file = SERVER_FILE in names
    found.clients_file = CLIENTS_FILE in names
    for name in folders:
        _folder(found, name)
    if not found.server_file and not found.channels:
        only = ", ".join(printable(entry.name) for entry in listed[:3] if entry.name != MARKER_FILE)
        if names - {MARKER_FILE} or folders:
            inside = next((name for name in folders if (store / name / SERVER_FILE).is_file()), None)
            named = f"name {printable(str(store / inside))}" if inside else "name the folder with server.dat"
            raise StoreRefused(f"{store} is not a store of the server ({only}, …); {named}")
    if not found.server_file and found.channels:
        found.problems.append(
            Problem(
                Kind.SERVER_FILE_MISSING,
                SERVER_FILE,
                "missing, though there are channels; the server makes a new one",
                Start.REPAIRED,
                "nothing to do, as long as the cluster id stays the same",
            )
        )
    found.disk_bytes = sum(_size(store / name) for name in found.files)
    return found


def _folder(found: Survey, name: str) -> None:
    try:
        entries = [path.name for path in (found.store / name).iterdir()]
    except FileNotFoundError:  # a channel that was deleted just now
        return
    except OSError as error:
        found.problems.append(
            Problem(
                Kind.UNREADABLE,
                name,
                f"cannot be listed ({error.strerror})",
                Start.REFUSED,
                "give the server's user the right to read it, or move it out of the store",
            )
        )
        return
    if not any(is_channels(entry) for entry in entries):
        found.problems.append(
            Problem(
                Kind.FOREIGN_FOLDER,
                name,
                f"no channel: it has no {SUBS_FILE}; the server takes it for one",
                Start.REPAIRED,
                f"move {printable(name)} out of the store",
            )
        )
        return
    found.problems += [
        Problem(
            Kind.FOREIGN_NAME,
            f"{name}/{entry}",
            "named like messages, but without a number",
            Start.REFUSED,
            f"move {printable(entry)} out of the store",
        )
        for entry in entries
        if entry.startswith("msgs.") and entry.endswith(".dat") and not is_channels(entry)
    ]
    found.channels.append(ChannelFiles(name, slices_of(found.store, name), SUBS_FILE in entries))


def _size(path: Path) -> int:
    try:
        return path.stat(follow_symlinks=False).st_size
    except OSError:  # removed since it was listed
        return 0
