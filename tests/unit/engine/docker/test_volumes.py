"""Volumes of a group, made again or for the first time."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from typing import Any

from stanlocal.engine.docker import volumes
from stanlocal.engine.docker.api import Api
from stanlocal.errors import NodeNotFound
from stanlocal.model.placement import Placement, plan_group
from tests.support.facts import STREAMING

LABELS = {"dev.stanlocal.group": "stan"}
PLAN = plan_group(
    group="stan",
    image="nats-streaming:0.25.6",
    ports=((4222, 8222),),
    store_dir="/nowhere/store",
    state_dir="/nowhere",
    user="1000:1000",
    streaming=STREAMING,
    nats={},
    placement=Placement("docker", in_volumes=True),
)


class Engine(Api):
    """An engine that has volumes, perhaps their holder, and what was put into it."""

    def __init__(self, *holders: str) -> None:
        self.holders = [*holders]
        self.put: list[tuple[str, list[str]]] = []

    def create_volume(
        self, name: str, labels: Mapping[str, str], options: Mapping[str, str] | None
    ) -> Mapping[str, Any]:
        return {"Name": name, "Labels": dict(labels)}

    def container(self, name_or_id: str) -> Mapping[str, Any]:
        if name_or_id not in self.holders:
            raise NodeNotFound(name_or_id)
        return {"Config": {"Labels": LABELS}, "State": {"Running": False}}

    def create(self, name: str, description: Mapping[str, Any]) -> str:
        self.holders.append(name)
        return name

    def put_archive(self, container: str, folder: str, archive: Any) -> None:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            self.put.append((f"{container}:{folder}", files.getnames()))


def test_the_store_has_its_folder_once_the_volumes_are_made() -> None:
    engine = Engine()
    volumes.ensure(engine, PLAN, LABELS)
    assert engine.holders == ["stan-store"]
    assert engine.put == [("stan-store:/data/stan", ["store"])]


def test_the_store_has_its_folder_also_where_a_tool_was_killed_before_it_made_it() -> None:
    engine = Engine("stan-store")
    volumes.ensure(engine, PLAN, LABELS)
    assert engine.put == [("stan-store:/data/stan", ["store"])]
