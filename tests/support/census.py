"""Census of the engine and the state folder, so that a test can say: nothing was left behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.processes import processes_of

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True, slots=True)
class Census:
    """Names; equal before and after when nothing was left and nothing was taken away."""

    containers: frozenset[str]
    networks: frozenset[str]
    volumes: frozenset[str]
    folders: frozenset[str]

    def named(self) -> dict[str, set[str]]:
        """Return all of it, by kind; empty if there is nothing."""
        return self.added_since(NOTHING)

    def added_since(self, before: Census) -> dict[str, set[str]]:
        """Return what is new, by kind; empty if nothing is."""
        news = {f.name: set(getattr(self, f.name) - getattr(before, f.name)) for f in fields(self)}
        return {kind: names for kind, names in news.items() if names}


NOTHING = Census(frozenset(), frozenset(), frozenset(), frozenset())


class Left:
    """Return what exists of one test's group, on the engine and in the state folder."""

    def __init__(self, client: docker.DockerClient | None, state_home: Path, prefix: str) -> None:
        """Nodes of a group without a Docker client are local processes."""
        self._client = client
        self._state_home = state_home
        self._prefix = prefix

    def census(self) -> Census:
        if self._client is not None:
            return take(self._client, state_home=self._state_home, prefix=self._prefix)
        group = self._state_home / "stanlocal" / self._prefix
        nodes = {path.name for path in group.glob("processes/*")}
        orphans = set() if nodes else {f"process {pid}" for pid in processes_of(group)}
        folders = _matching(_folders(self._state_home), self._prefix)
        return replace(NOTHING, containers=frozenset(nodes | orphans), folders=folders)


def take(client: docker.DockerClient, *, state_home: Path | None = None, prefix: str = "") -> Census:
    """Counts what has a name that starts with `prefix`.

    Tests run side by side over one engine: give the name of the test's own group, unless nothing else
    runs there.
    """
    containers = client.api.containers(all=True)  # one call: the SDK's list() inspects each one
    return Census(
        containers=_matching((name.lstrip("/") for c in containers for name in c["Names"]), prefix),
        networks=_matching((n["Name"] for n in client.api.networks()), prefix),
        volumes=_matching((v["Name"] for v in client.api.volumes()["Volumes"] or ()), prefix),
        folders=_matching(_folders(state_home), prefix),
    )


def _folders(state_home: Path | None) -> list[str]:
    groups = state_home / "stanlocal" if state_home else None
    return [path.name for path in groups.iterdir()] if groups and groups.is_dir() else []


def _matching(names: Iterable[str], prefix: str) -> frozenset[str]:
    return frozenset(name for name in names if name.startswith(prefix))
