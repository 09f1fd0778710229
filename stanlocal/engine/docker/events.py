"""Events of a group's nodes, selected from all events of a Docker Engine."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from stanlocal.engine.docker.json_lines import json_objects
from stanlocal.engine.docker.queries import Queries
from stanlocal.engine.docker.streams import CHUNK, Body, Source, parse_time
from stanlocal.engine.docker.transport import LOST
from stanlocal.errors import NodeNotFound
from stanlocal.model.instance import EngineEvent

_FILTERS: Mapping[str, list[str]] = {
    "type": ["container", "network"],
    "event": ["create", "start", "die", "pause", "unpause", "destroy", "connect", "disconnect"],
}
"""Filters without labels, which events of networks do not have: `of_nodes` checks the labels."""
PARAMETERS = {"filters": json.dumps(_FILTERS)}
"""Parameters of the request for events."""
_REMEMBERED = 64


class EventSource(Source[EngineEvent]):
    """Reader of the events of the containers that have these labels."""

    def __init__(self, body: Body, queries: Queries, labels: Mapping[str, str], node_label: str) -> None:
        super().__init__(body)
        self._queries, self._labels, self._node_label = queries, labels, node_label

    def __iter__(self) -> Iterator[EngineEvent]:
        yield from of_nodes(self._queries, json_objects(self._chunks()), self._labels, self._node_label)

    def _chunks(self) -> Iterator[bytes]:
        with suppress(*LOST):  # a stream without an end breaks off
            while chunk := self._body.read1(CHUNK):
                yield chunk


def of_nodes(
    queries: Queries, stream: Iterable[Mapping[str, Any]], labels: Mapping[str, str], node_label: str
) -> Iterator[EngineEvent]:
    """Yield the events of the containers that have these labels, each once."""
    recent: deque[EngineEvent] = deque(maxlen=_REMEMBERED)
    for found in stream:
        time = datetime.fromtimestamp(found["timeNano"] / 1e9, UTC)
        attributes, action = found["Actor"]["Attributes"], found["Action"]
        if found["Type"] == "network":
            container = attributes.get("container")
            attributes = _running_since(queries, container, time) if container else {}
            action = "networks"
        if node_label not in attributes or not labels.items() <= attributes.items():
            continue
        code = attributes.get("exitCode")
        event = EngineEvent(time, attributes[node_label], action, None if code is None else int(code))
        if event not in recent:  # an engine keeps an event before it sends it: both may arrive
            recent.append(event)
            yield event


def _running_since(queries: Queries, container_id: str, time: datetime) -> Mapping[str, str]:
    """Return the labels of a container that has run since before that time; otherwise none.

    A start connects a container before it runs, and an end disconnects it afterwards: these changes have
    their own events, `start` and `die`.
    """
    try:
        found = queries.container(container_id)
    except NodeNotFound:
        return {}
    labels: Mapping[str, str] = found["Config"]["Labels"] or {}
    state = found["State"]
    return labels if state["Running"] and parse_time(state["StartedAt"]) <= time else {}
