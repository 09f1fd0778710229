"""What happens to a group's nodes, picked from all that a Docker Engine tells of."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from docker.errors import NotFound

from stanlocal.engine.docker.streams import parse_time
from stanlocal.model.instance import EngineEvent

FILTERS: Mapping[str, list[str]] = {
    "type": ["container", "network"],
    "event": ["create", "start", "die", "pause", "unpause", "destroy", "connect", "disconnect"],
}
"""Of labels the engine knows nothing where an event is a network's: those are looked at here."""
_REMEMBERED = 64


def of_nodes(
    api: Any, stream: Iterable[Mapping[str, Any]], labels: Mapping[str, str], node_label: str
) -> Iterator[EngineEvent]:
    """The events of the containers that have these labels, each once."""
    told: deque[EngineEvent] = deque(maxlen=_REMEMBERED)
    for found in stream:
        time = datetime.fromtimestamp(found["timeNano"] / 1e9, UTC)
        attributes, action = found["Actor"]["Attributes"], found["Action"]
        if found["Type"] == "network":
            container = attributes.get("container")
            attributes = _running_since(api, container, time) if container else {}
            action = "networks"
        if node_label not in attributes or not labels.items() <= attributes.items():
            continue
        code = attributes.get("exitCode")
        event = EngineEvent(time, attributes[node_label], action, None if code is None else int(code))
        if event not in told:  # the engine keeps an event before it sends it: both may reach us
            told.append(event)
            yield event


def _running_since(api: Any, container_id: str, time: datetime) -> Mapping[str, str]:
    """The labels of a container that ran at that time and still does, else none.

    A start connects it before, an end disconnects it afterwards; of those there are events of their own.
    """
    try:
        found = api.inspect_container(container_id)
    except NotFound:
        return {}
    labels: Mapping[str, str] = found["Config"]["Labels"] or {}
    state = found["State"]
    return labels if state["Running"] and parse_time(state["StartedAt"]) <= time else {}
