"""Changes of a group's pods, from watches that survive: expired versions are listed again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

from stanlocal.engine.kubernetes.answers import Json
from stanlocal.engine.kubernetes.api import Api
from stanlocal.engine.kubernetes.errors import Expired
from stanlocal.engine.kubernetes.pods import name_of, path_of

Pods = Mapping[str, Json]


class Feed:
    """The objects of one list of the API, kept up to date by a watch."""

    def __init__(self, api: Api, path: str, params: Mapping[str, str], keep: Callable[[Json], bool]) -> None:
        """Take the list's path and query; `keep` selects the objects that count."""
        self._api = api
        self._path = path
        self._params = params
        self._keep = keep
        self._version = ""
        self._objects: dict[str, Json] = {}

    async def list(self) -> Pods:
        """Return the objects now, by name; `changes` goes on from here."""
        found = await self._api.get(self._path, self._params)
        self._version = str(path_of(found, "metadata", "resourceVersion") or "")
        self._objects = {name_of(each): each for each in found.get("items") or () if self._keep(each)}
        return self._objects

    async def changes(self) -> AsyncGenerator[tuple[str, Json | None, Json | None]]:
        """Yield name, old and new object of each change; None: it is not there.

        A watch that the server ends goes on where it ended; what an expired version has missed is found by
        listing again. Raises `EngineUnavailable` when the server is gone.
        """
        if not self._version:
            await self.list()
        while True:
            try:
                async with aclosing(self._api.watch(self._path, self._version, self._params)) as events:
                    async for kind, found in events:
                        self._version = str(path_of(found, "metadata", "resourceVersion") or self._version)
                        if kind != "BOOKMARK" and self._keep(found):
                            yield self._replaced(name_of(found), None if kind == "DELETED" else found)
            except Expired:
                before = dict(self._objects)
                now = dict(await self.list())
                for name in sorted({*before, *now}):
                    if before.get(name) != now.get(name):
                        yield name, before.get(name), now.get(name)

    def _replaced(self, name: str, new: Json | None) -> tuple[str, Json | None, Json | None]:
        old = self._objects.pop(name, None)
        if new is not None:
            self._objects[name] = new
        return name, old, new
