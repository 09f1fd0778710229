"""A pull that ends if there is no progress; the SDK's own pull waits forever."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import aclosing, closing, suppress
from typing import Any

import docker
import docker.auth
import docker.utils
import requests

from stanlocal.engine.docker.errors import FOREIGN
from stanlocal.engine.docker.json_lines import json_objects
from stanlocal.engine.docker.streams import Pump, Source
from stanlocal.errors import ImageNotFound

SILENCE_S = 15.0
"""Seconds without a report after which a pull is given up: more than a slow registry needs to answer."""

_CONNECT_S = 5.0
_MB = 1_000_000
_CHUNK = 512
_MOST_LAYERS = 1000
"""Most layers whose progress is added up; an image has at most 127."""
_LONGEST_REFUSAL = 1 << 20
"""Most bytes read of the engine's refusal, which has a few hundred."""


class PullProgress:
    """The sum of the engine's progress reports for all layers."""

    def __init__(self, image: str) -> None:
        self._image = image
        self._layers: dict[str, tuple[int, int]] = {}
        self._said = ""

    def feed(self, status: dict[str, Any]) -> str | None:
        """Add a report; return a line to show, or None if the sum has not visibly changed."""
        detail = status.get("progressDetail")
        if status.get("status") == "Downloading" and isinstance(detail, dict):
            current, total = detail.get("current", 0), detail.get("total")
            if type(current) is int and type(total) is int and len(self._layers) < _MOST_LAYERS:
                self._layers[str(status.get("id"))] = (current, total)
        done, total = (sum(layer[i] for layer in self._layers.values()) for i in (0, 1))
        line = f"pulling {self._image}: {done // _MB} of {-(-total // _MB)} MB"
        if not total or line == self._said:
            return None
        self._said = line
        return line


class _Reports(Source[dict[str, Any]]):
    """Reader of the engine's reports on a pull; `{"error": …}` after a failure."""

    def __init__(self, client: docker.DockerClient, image: str, read_timeout_s: float) -> None:
        """Prepare the pull, which begins with the reading."""
        self._client = client
        self._image = image
        self._read_timeout_s = read_timeout_s
        self._response: requests.Response | None = None
        self._interrupted = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        try:
            yield from self._read()
        except (*FOREIGN, ValueError) as error:
            yield {"error": str(error)}

    def _read(self) -> Iterator[dict[str, Any]]:
        api = self._client.api
        repository, tag = docker.utils.parse_repository_tag(self._image)
        registry, _ = docker.auth.resolve_repository_name(repository)
        credentials = docker.auth.get_config_header(api, registry)
        response = api.post(
            f"{api.base_url}/v{api.api_version}/images/create",
            params={"fromImage": repository, "tag": tag or "latest"},
            headers={"X-Registry-Auth": credentials} if credentials else None,
            stream=True,
            timeout=(_CONNECT_S, self._read_timeout_s),
        )
        with closing(response):
            if response.status_code != requests.codes.ok:
                yield {"error": _message(response)}
                return
            self._response = response
            if not self._interrupted:
                yield from json_objects(response.iter_content(_CHUNK))

    def interrupt(self) -> None:
        """End the pull, in the engine too, which continues only while its connection is open.

        The wait for the first report cannot be interrupted, only given up.
        """
        self._interrupted = True
        if self._response is not None:
            # Closing the response itself would wait for its end; the thread does it once this has ended the
            # reading, which fails if that has ended already.
            with suppress(OSError, ValueError, RuntimeError):
                self._response.raw.shutdown()

    def close(self) -> None:
        """Do nothing: the reading closes the response."""


def _message(response: requests.Response) -> str:
    try:
        return str(json.loads(response.raw.read(_LONGEST_REFUSAL, decode_content=True))["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"HTTP {response.status_code}"


async def pull(
    client: docker.DockerClient,
    image: str,
    progress: Callable[[str], None],
    *,
    silence_s: float = SILENCE_S,
) -> None:
    """Pull `image` with the credentials that docker has for its registry.

    Raises `ImageNotFound` with the reason, also if no report comes for `silence_s` seconds.
    """
    progress(f"pulling {image}")
    shown = PullProgress(image)
    # The thread's own limit only ends it after this call has given up.
    source = _Reports(client, image, read_timeout_s=2 * silence_s)
    problem = None
    async with aclosing(Pump("stanlocal-pull", source).items()) as reports:
        try:
            while report := await asyncio.wait_for(anext(reports, None), silence_s):
                if "error" in report:
                    problem = _first_line(str(report["error"]))
                elif line := shown.feed(report):
                    progress(line)
        except TimeoutError:
            problem = f"no progress for {silence_s:g} s"
    if problem is not None:
        raise ImageNotFound(f"cannot pull {image}: {problem}")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:300]
