"""Selection of the engine's events that concern a group's nodes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stanlocal.engine.docker.events import of_nodes
from stanlocal.engine.docker.queries import Queries
from stanlocal.errors import NodeNotFound

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LABELS = {"group": "stan", "owner": "1000"}
OURS = {**LABELS, "node": "stan-0"}


class Api(Queries):
    """The engine's containers: each runs since a moment, or does not."""

    def __init__(self, **since: timedelta | None) -> None:
        self._since = since

    def container(self, name_or_id: str) -> Mapping[str, Any]:
        container_id = name_or_id
        if container_id not in self._since:
            raise NodeNotFound("gone")
        since = self._since[container_id]
        started = NOW + (since or timedelta())
        return {
            "Config": {"Labels": OURS if container_id != "foreign" else None},
            "State": {"Running": since is not None, "StartedAt": f"{started:%Y-%m-%dT%H:%M:%S.%fZ}"},
        }


def event(kind: str, action: str, **attributes: str) -> dict[str, Any]:
    nanoseconds = int(NOW.timestamp()) * 10**9
    return {"Type": kind, "Action": action, "timeNano": nanoseconds, "Actor": {"Attributes": attributes}}


def reported(*events: Mapping[str, Any], **since: timedelta | None) -> list[tuple[str, str, int | None]]:
    return [
        (each.node, each.action, each.exit_code) for each in of_nodes(Api(**since), events, LABELS, "node")
    ]


def test_an_event_of_a_node_is_reported_once_with_its_exit_code() -> None:
    """The engine keeps an event before it sends it: both may reach us."""
    died = event("container", "die", exitCode="137", **OURS)
    assert reported(died, died) == [("stan-0", "die", 137)]


@pytest.mark.parametrize("labels", [{}, {**OURS, "owner": "0"}, {**OURS, "group": "other"}, LABELS], ids=str)
def test_events_of_foreign_containers_are_left_out(labels: dict[str, str]) -> None:
    assert reported(event("container", "start", **labels)) == []


@pytest.mark.parametrize("action", ["connect", "disconnect"])
def test_a_cut_of_a_running_node_is_reported(action: str) -> None:
    found = reported(event("network", action, container="a"), a=timedelta(seconds=-1))
    assert found == [("stan-0", "networks", None)]


@pytest.mark.parametrize(
    "since",
    [
        {"a": None},  # it has ended
        {"a": timedelta(seconds=1)},  # it was being started
        {},  # it is gone
    ],
)
def test_network_changes_of_a_start_or_an_end_are_not_reported(since: dict[str, timedelta | None]) -> None:
    assert reported(event("network", "connect", container="a"), **since) == []


def test_networks_of_others_and_networks_themselves_are_left_out() -> None:
    foreign = event("network", "disconnect", container="foreign")
    assert reported(foreign, event("network", "destroy", name="x"), foreign=timedelta(seconds=-1)) == []
