"""The requests of a group's life to a Docker Engine: each takes its time on any machine."""

from __future__ import annotations

import http.client
import re
from collections import Counter
from typing import Any

import pytest

from stanlocal.api import FTGroup

_API = re.compile(r"^/v\d\.\d+(?P<path>/[^?]*)")
_NAME = re.compile(r"^/(containers|networks|images)/(?!json$|create$)[^/]+")

pytestmark = pytest.mark.only_on("docker", "processes have no API to ask")


class RecordedRequests:
    """Counts the requests to an engine, with or without its SDK, by method and kind of path."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._seen: Counter[str] = Counter()
        put = http.client.HTTPConnection.putrequest

        def recorded(
            connection: http.client.HTTPConnection, method: str, url: str, *rest: Any, **named: Any
        ) -> None:
            if api := _API.match(url):
                path = _NAME.sub(r"/\1/NAME", api["path"])
                self._seen[f"{method} {path}"] += 1
            put(connection, method, url, *rest, **named)

        monkeypatch.setattr(http.client.HTTPConnection, "putrequest", recorded)

    def taken(self) -> Counter[str]:
        """Return the requests since the last call."""
        seen, self._seen = self._seen, Counter()
        return seen


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
    recording = RecordedRequests(monkeypatch)
    await group.up()
    assert recording.taken() - Counter(UP) == Counter()
    await group.document()
    assert recording.taken() - Counter(LOOK) == Counter()
    await group.up()
    assert recording.taken() - Counter(AGAIN) == Counter()
    await group.down(timeout=0)
    assert recording.taken() - Counter(DOWN) == Counter()
