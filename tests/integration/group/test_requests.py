"""The requests of a group's life to a Docker Engine: each takes its time on any machine."""

from __future__ import annotations

import http.client
import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from typing import Any

import docker
import pytest

from stanlocal.api import FTGroup
from stanlocal.engine.docker.labels import GROUP

_API = re.compile(r"^/v\d\.\d+(?P<path>/[^?]*)")
_NAME = re.compile(r"^/(containers|networks|images)/(?!json$|create$)[^/]+")
_ANY_NAME = r"/\1/NAME"
_ID = re.compile(r"^/containers/(?P<id>[0-9a-f]{64})/")

pytestmark = pytest.mark.only_on("docker", "processes have no API to ask")


class RecordedRequests:
    """Counts the requests to an engine, with or without its SDK, by method and kind of path.

    Those for containers of other groups do not count: an engine reports all events of networks, and a watch
    asks which container each is about.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._seen: list[tuple[str, str]] = []
        self._records = True
        put = http.client.HTTPConnection.putrequest

        def recorded(
            connection: http.client.HTTPConnection, method: str, url: str, *rest: Any, **named: Any
        ) -> None:
            if self._records and (api := _API.match(url)):
                self._seen.append((method, api["path"]))
            put(connection, method, url, *rest, **named)

        monkeypatch.setattr(http.client.HTTPConnection, "putrequest", recorded)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Count nothing within."""
        self._records = False
        yield
        self._records = True

    def taken(self, own: Collection[str]) -> Counter[str]:
        """Return the requests since the last call; `own` has the ids of the group's containers."""
        seen, self._seen = self._seen, []
        identified = ((_ID.match(path), method, path) for method, path in seen)
        return Counter(
            f"{method} {_NAME.sub(_ANY_NAME, path)}"
            for container, method, path in identified
            if container is None or container["id"] in own
        )


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
    group: FTGroup, group_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = RecordedRequests(monkeypatch)
    await group.up()
    with recording.suspended(), closing(docker.from_env()) as client:
        labels = [f"{GROUP}={group_name}"]
        own = {each["Id"] for each in client.api.containers(all=True, filters={"label": labels})}
    assert len(own) == NODES
    assert recording.taken(own) - Counter(UP) == Counter()
    await group.document()
    assert recording.taken(own) - Counter(LOOK) == Counter()
    await group.up()
    assert recording.taken(own) - Counter(AGAIN) == Counter()
    await group.down(timeout=0)
    assert recording.taken(own) - Counter(DOWN) == Counter()
