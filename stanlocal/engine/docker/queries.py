"""`Queries`: requests to a Docker Engine that change nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any
from urllib.parse import quote

from stanlocal.engine.docker.streams import CHUNK, Demultiplexer
from stanlocal.engine.docker.transport import LOST, Transport, lost, segment
from stanlocal.errors import EngineUnavailable

_SHOWN = 80
"""Bytes of an unusable answer that a message shows."""


class Queries:
    """Blocking requests to one engine; they raise as `Transport` does."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def info(self) -> Mapping[str, Any]:
        """Return the engine's description of itself."""
        return self._object("/info")

    def containers(
        self, filters: Mapping[str, Sequence[str]], *, ended: bool = True
    ) -> list[Mapping[str, Any]]:
        """List the containers, with those that have ended or were never started if `ended` is true."""
        return self._list("/containers/json", all=int(ended), filters=json.dumps(filters))

    def networks(self, filters: Mapping[str, Sequence[str]]) -> list[Mapping[str, Any]]:
        """List the networks."""
        return self._list("/networks", filters=json.dumps(filters))

    def container(self, name_or_id: str) -> Mapping[str, Any]:
        """Return all about one container; raises `NodeNotFound` if there is none."""
        return self._object(f"/containers/{segment(name_or_id)}/json")

    def logs(
        self, container: str, *, since: datetime | None = None, tail: int | None = None, stamped: bool = True
    ) -> Iterator[bytes]:
        """Yield the output of a container without a terminal, in pieces that end anywhere.

        If `stamped` is true, the engine's time is before each line.
        """
        params: dict[str, Any] = {"stdout": 1, "stderr": 1, "timestamps": int(stamped)}
        if since is not None:
            params["since"] = f"{since.timestamp():.6f}"
        if tail is not None:
            params["tail"] = tail
        frames = Demultiplexer()
        path = f"/containers/{segment(container)}/logs"
        try:
            with closing(self._transport.stream("GET", path, params, endless=False)) as answer:
                while chunk := answer.read1(CHUNK):
                    yield from frames.feed(chunk)
        except LOST as error:
            raise lost(error) from error

    def file(self, container: str, path: str) -> bytes:
        """Return a file of a container, running or not, in a tar archive; raises `NodeNotFound`."""
        return self._transport.get(f"/containers/{segment(container)}/archive", {"path": path})

    def image(self, name: str) -> Mapping[str, Any]:
        """Return all about one image; raises `ImageNotFound` if there is none."""
        return self._object(f"/images/{quote(name, safe='/:')}/json")

    def network(self, name: str) -> Mapping[str, Any]:
        """Return all about one network; raises `NodeNotFound` if there is none."""
        return self._object(f"/networks/{segment(name)}")

    def volumes(self, filters: Mapping[str, Sequence[str]]) -> list[Mapping[str, Any]]:
        """List the volumes."""
        found = self._json("/volumes", {"filters": json.dumps(filters)})
        if not isinstance(found, dict) or not isinstance(volumes := found.get("Volumes") or [], list):
            raise _unusable(repr(found))
        return volumes

    def _object(self, path: str) -> Mapping[str, Any]:
        found = self._json(path, {})
        if not isinstance(found, dict):
            raise _unusable(repr(found))
        return found

    def _list(self, path: str, **params: Any) -> list[Mapping[str, Any]]:
        found = self._json(path, params)
        if not isinstance(found, list):
            raise _unusable(repr(found))
        return found

    def _json(self, path: str, params: Mapping[str, Any]) -> Any:
        body = self._transport.get(path, params)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise _unusable(repr(body[:_SHOWN])) from error


def _unusable(answer: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"the engine's answer is not the Docker API's ({answer[:_SHOWN]}); see 'stanlocal doctor'"
    )
