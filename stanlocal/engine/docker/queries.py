"""`Queries`: requests to a Docker Engine that change nothing, sent without its SDK.

Commands that only look need no more than these, and loading the SDK takes as long as all the rest of them.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from stanlocal.engine.docker.ping import Target, open_connection
from stanlocal.engine.docker.refusals import first_line, refusal
from stanlocal.engine.docker.streams import CHUNK, Demultiplexer
from stanlocal.errors import EngineUnavailable

_SHOWN = 80
"""Bytes of an unusable answer that a message shows."""


class Queries:
    """Blocking requests to one engine; each has its own connection, so that any thread may send one."""

    def __init__(self, target: Target, api_version: str, timeout_s: float) -> None:
        self._target = target
        self._root = f"/v{api_version}"
        self._timeout_s = timeout_s

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
        return self._object(f"/containers/{quote(name_or_id, safe='')}/json")

    def logs(
        self, container: str, *, since: datetime | None = None, tail: int | None = None
    ) -> Iterator[bytes]:
        """Yield the output of a container without a terminal, with the engine's time before each line.

        It comes in pieces that end anywhere.
        """
        params: dict[str, Any] = {"stdout": 1, "stderr": 1, "timestamps": 1}
        if since is not None:
            params["since"] = f"{since.timestamp():.6f}"
        if tail is not None:
            params["tail"] = tail
        frames = Demultiplexer()
        with self._got(f"/containers/{quote(container, safe='')}/logs", params) as answer:
            while chunk := answer.read1(CHUNK):
                yield from frames.feed(chunk)

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
        body = self._get(path, params)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise _unusable(repr(body[:_SHOWN])) from error

    def _get(self, path: str, params: Mapping[str, Any]) -> bytes:
        """Return the body of the answer; raises as `_got`."""
        with self._got(path, params) as answer:
            return answer.read()

    @contextmanager
    def _got(self, path: str, params: Mapping[str, Any]) -> Iterator[http.client.HTTPResponse]:
        """Yield the answer, its body unread; raises the error of stanlocal that says why there is none."""
        query = f"?{urlencode(params)}" if params else ""
        try:
            with closing(open_connection(self._target, self._timeout_s)) as connection:
                connection.request("GET", f"{self._root}{path}{query}", headers={"User-Agent": "stanlocal"})
                answer = connection.getresponse()
                if answer.status >= 400:
                    raise refusal(_message(answer.read()), not_found=answer.status == 404)
                yield answer
        except TimeoutError as error:
            raise EngineUnavailable(
                "the engine does not answer in time; restart it, then try again"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise EngineUnavailable(
                f"the connection to the engine was lost ({first_line(str(error))}); see 'stanlocal doctor'"
            ) from error


def _message(body: bytes) -> str:
    """Return the first line of the engine's reason for a refusal."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, RecursionError, KeyError, TypeError):
        message = body.decode("utf-8", "replace")
    return first_line(str(message))


def _unusable(answer: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"the engine's answer is not the Docker API's ({answer[:_SHOWN]}); see 'stanlocal doctor'"
    )
