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


class MadeStores:
    """The list of one group, in `file`; `own`, the store in its state folder, counts without being noted."""

    def __init__(self, file: Path, own: Path) -> None:
        self._file = file
        self._own = own

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
        own = os.path.realpath(self._own.parent), self._own.name
        return os.path.split(path) == own or path in self._noted()

    def _write(self, noted: list[str]) -> None:
        replace_file(self._file, json.dumps(noted).encode(), mode=0o600)

    def _noted(self) -> list[str]:
        """Return the noted paths; none if the file is missing or is not such a list."""
        try:
            noted = read_json(self._file)
        except (OSError, ValueError):
            return []
        return [path for path in noted if isinstance(path, str)] if isinstance(noted, list) else []
