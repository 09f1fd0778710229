"""`Changes`: what makes, tries and changes a user's groups on a Docker Engine, in blocking calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stanlocal.engine.docker import helpers, lock_trial, networks, proxy
from stanlocal.engine.docker.api import Api
from stanlocal.engine.docker.containers import make
from stanlocal.engine.docker.labels import FINGERPRINT, Labels
from stanlocal.engine.docker.placement_trial import Trial, check_start, place
from stanlocal.machine.container_processes import end_processes_in
from stanlocal.model.placement import Placement
from stanlocal.model.plan import GroupPlan, NodePlan
from stanlocal.render.container_spec import container


class Changes:
    """Calls for one user's groups; commands that only look do not load them."""

    def __init__(self, api: Api, labels: Labels) -> None:
        self._api = api
        self._labels = labels

    # Trials

    def place(self, group: str, image: str, folder: Path, placement: Placement, address: str) -> Placement:
        trial = Trial(group, image, folder, self._labels.of_group(group))
        return place(self._api, trial, placement, address)

    def check_start(self, group: str, image: str) -> None:
        check_start(self._api, Trial(group, image, Path(), self._labels.of_group(group), role="start"))

    def check_lock(self, plan: GroupPlan) -> None:
        lock_trial.check(self._api, plan, self._labels.of_group(plan.group))

    # Making and removing

    def remove(self, container: Mapping[str, Any]) -> None:
        """Remove a container by its document, and end what the engine does not know to run in it."""
        if not container["State"]["Running"]:
            end_processes_in(container["Id"])
        self._api.remove(container["Id"])

    def make_network(self, plan: GroupPlan, name: str, *, internal: bool) -> None:
        self._api.create_network(name, self._labels.of_group(plan.group), internal=internal)

    def make_proxy(self, plan: GroupPlan) -> None:
        proxy.ensure(self._api, plan, self._labels.of_group(plan.group), FINGERPRINT)

    def make_node(self, plan: GroupPlan, node: NodePlan, fingerprint: str) -> None:
        make(self._api, container(plan, node), self._labels.of_node(plan, node, fingerprint))

    def remove_helpers(self, group: str) -> None:
        """Remove the group's proxy, and the throw-away servers that killed tools have left."""
        helpers.remove_proxy_and_trials(self._api, group, self._labels.filters(group))

    def store_parts(self, group: str) -> frozenset[str]:
        return helpers.store_parts(self._api, group, self._labels.filters(group))

    def discard_store(self, group: str, keep: frozenset[str]) -> None:
        helpers.discard_store(self._api, group, self._labels.filters(group), keep)

    # Volumes, which few groups have

    def make_volumes(self, plan: GroupPlan) -> None:
        from stanlocal.engine.docker import volumes

        volumes.ensure(self._api, plan, self._labels.of_group(plan.group))

    def put_conf(self, plan: GroupPlan, node: str) -> None:
        from stanlocal.engine.docker import volumes

        volumes.put_conf(self._api, plan, plan.node(node))

    def fill_store(self, plan: GroupPlan) -> None:
        from stanlocal.engine.docker import volumes

        volumes.fill(self._api, plan)

    def free_store(self, plan: GroupPlan) -> None:
        from stanlocal.engine.docker import volumes

        volumes.free(self._api, plan)

    # Networks, proxy

    def cut_routes(self, plan: GroupPlan, node: str) -> None:
        networks.cut_routes(self._api, plan, node)

    def isolate(self, plan: GroupPlan, node: str) -> None:
        networks.isolate(self._api, plan, node)

    def rejoin(self, plan: GroupPlan, node: str) -> None:
        networks.rejoin(self._api, plan, node)

    def control_proxy(self, group: str, arguments: Sequence[str]) -> str:
        return proxy.control(self._api, group, self._labels.of_group(group), arguments)
