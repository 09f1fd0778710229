"""The folders that stanlocal made a group's store in, noted in the group's state folder.

A store's marker goes along when the store is copied, so alone it proves nothing. A purge needs both: the
marker in the folder, and the folder in this list.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from stanlocal.util.durable_write import replace_file
from stanlocal.util.small_files import read_json

FILE = "made-stores.json"
OWN = "store"
"""Name of the store in the group's state folder."""


class MadeStores:
    """The list of one group. The store in the group's state folder counts as made without being noted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, store: Path) -> None:
        """Note that stanlocal made the store at `store`."""
        if store not in self:
            self._write([*self._noted(), os.path.realpath(store)])

    def discard(self, store: Path) -> None:
        """Forget a store that is gone: what is put there later is not stanlocal's."""
        noted = self._noted()
        if (path := os.path.realpath(store)) in noted:
            self._write([each for each in noted if each != path])

    def __contains__(self, store: Path) -> bool:
        path = os.path.realpath(store)
        return path == f"{os.path.realpath(self._folder)}/{OWN}" or path in self._noted()

    def _write(self, noted: list[str]) -> None:
        replace_file(self._folder / FILE, json.dumps(noted).encode(), mode=0o600)

    def _noted(self) -> list[str]:
        """Return the noted paths; none if the file is missing or is not such a list."""
        try:
            noted = read_json(self._folder / FILE)
        except (OSError, ValueError):
            return []
        return [path for path in noted if isinstance(path, str)] if isinstance(noted, list) else []
