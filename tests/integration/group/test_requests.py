"""The requests of a group's life to a Docker Engine: each takes its time on any machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from stanlocal.api import FTGroup
from stanlocal.engine.docker.transport import OpenAnswer, Transport

_NAME = re.compile(r"^/(containers|networks|images)/(?!json$|create$)[^/]+")

pytestmark = pytest.mark.only_on("docker", "processes have no API to ask")


class RecordingTransport:
    """Counts the requests of every transport, by method and kind of path."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._seen: Counter[str] = Counter()
        request, stream = Transport.request, Transport.stream

        def recorded_request(
            transport: Transport, method: str, path: str, *rest: Mapping[str, Any] | None, **named: Any
        ) -> bytes:
            self._seen[_kind(method, path)] += 1
            return request(transport, method, path, *rest, **named)

        def recorded_stream(
            transport: Transport, method: str, path: str, *rest: Mapping[str, Any] | None, **named: Any
        ) -> OpenAnswer:
            self._seen[_kind(method, path)] += 1
            return stream(transport, method, path, *rest, **named)

        monkeypatch.setattr(Transport, "request", recorded_request)
        monkeypatch.setattr(Transport, "stream", recorded_stream)

    def taken(self) -> Counter[str]:
        """Return the requests since the last call."""
        seen, self._seen = self._seen, Counter()
        return seen


def _kind(method: str, path: str) -> str:
    """Return the request without names and ids."""
    named = _NAME.sub(r"/\1/NAME", path)
    return f"{method} {named}"


NODES = 2
LOOK = {"GET /containers/json": 1, "GET /containers/NAME/json": NODES, "GET /containers/NAME/logs": NODES}
UP = {
    "GET /containers/json": 5,  # the nodes three times; the holder of volumes, the proxy
    "GET /containers/NAME/json": 2 * NODES,
    "GET /images/NAME/json": 1,
    "GET /volumes": 1,
    "GET /info": 3,
    "POST /networks/create": 2,
    "POST /containers/create": NODES,
    "POST /networks/NAME/connect": NODES,
    "POST /containers/NAME/start": NODES,
    "GET /events": 1,
    "POST /containers/NAME/attach": NODES,
    "GET /containers/NAME/logs": NODES,
}
AGAIN = {
    **UP,
    "GET /containers/NAME/json": 3 * NODES,
    "GET /networks/NAME": 2,
    "POST /containers/create": 0,
    "POST /networks/NAME/connect": 0,
    "POST /containers/NAME/start": 0,
}
DOWN = {
    "GET /containers/json": 2,  # the nodes; what else the group has
    "GET /containers/NAME/json": 3 * NODES,
    "POST /containers/NAME/kill": NODES,
    "GET /containers/NAME/logs": NODES,
    "GET /networks": 1,
    "DELETE /networks/NAME": 4,  # the first two while the nodes are removed
    "DELETE /containers/NAME": NODES,
}


async def test_a_group_costs_its_engine_these_requests_and_no_more(
    group: FTGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = RecordingTransport(monkeypatch)
    await group.up()
    assert recording.taken() - Counter(UP) == Counter()
    await group.document()
    assert recording.taken() - Counter(LOOK) == Counter()
    await group.up()
    assert recording.taken() - Counter(AGAIN) == Counter()
    await group.down(timeout=0)
    assert recording.taken() - Counter(DOWN) == Counter()
