"""`SdkCalls`: the blocking calls that go through the Docker SDK, for one user's groups."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import docker.errors
from requests.exceptions import HTTPError

from stanlocal.engine.docker import lock_trial, networks, proxy, throwaway, volumes
from stanlocal.engine.docker.containers import make
from stanlocal.engine.docker.events import PARAMETERS, EventSource
from stanlocal.engine.docker.labels import FINGERPRINT, NODE, Labels
from stanlocal.engine.docker.placement_trial import Trial, check_start, place
from stanlocal.model.placement import Placement
from stanlocal.model.plan import GroupPlan, NodePlan
from stanlocal.render.container_spec import container


class SdkCalls:
    """Calls that raise the SDK's exceptions, `stanlocal.engine.docker.errors.FOREIGN`."""

    def __init__(self, client: docker.DockerClient, labels: Labels) -> None:
        self.client = client
        self.api = client.api
        self.event_parameters = PARAMETERS
        self._labels = labels

    # Trials

    def place(self, group: str, image: str, folder: Path, placement: Placement, address: str) -> Placement:
        trial = Trial(group, image, folder, self._labels.of_group(group))
        return place(self.api, trial, placement, address)

    def check_start(self, group: str, image: str) -> None:
        trial = Trial(group, image, Path(), self._labels.of_group(group), role="start")
        check_start(self.api, trial)

    def check_lock(self, plan: GroupPlan) -> None:
        lock_trial.check(self.api, plan, self._labels.of_group(plan.group))

    # Making and removing

    def make_network(self, plan: GroupPlan, name: str, *, internal: bool) -> None:
        labels = self._labels.of_group(plan.group)
        self.api.create_network(name, driver="bridge", internal=internal, labels=labels, check_duplicate=True)

    def make_volumes(self, plan: GroupPlan) -> None:
        volumes.ensure(self.api, plan, self._labels.of_group(plan.group))

    def make_proxy(self, plan: GroupPlan) -> None:
        proxy.ensure(self.api, plan, self._labels.of_group(plan.group), FINGERPRINT)

    def make_node(self, plan: GroupPlan, node: NodePlan, fingerprint: str) -> None:
        make(self.api, container(plan, node), self._labels.of_node(plan, node, fingerprint))

    def remove_helpers(self, group: str) -> None:
        """Remove the group's proxy, and the throw-away servers that killed tools have left."""
        throwaway.remove_left(self.api, group, self._labels.filters(group))
        proxy.discard(self.api, group, self._labels.of_group(group))

    # Networks, volumes, proxy

    def cut_routes(self, plan: GroupPlan, node: str) -> None:
        networks.cut_routes(self.api, plan, node)

    def isolate(self, plan: GroupPlan, node: str) -> None:
        networks.isolate(self.api, plan, node)

    def rejoin(self, plan: GroupPlan, node: str) -> None:
        networks.rejoin(self.api, plan, node)

    def put_conf(self, plan: GroupPlan, node: str) -> None:
        volumes.put_conf(self.api, plan, plan.node(node))

    def fill_store(self, plan: GroupPlan) -> None:
        volumes.fill(self.api, plan)

    def free_store(self, plan: GroupPlan) -> None:
        volumes.free(self.api, plan)

    def store_parts(self, group: str) -> frozenset[str]:
        return volumes.parts(self.api, group, self._labels.filters(group))

    def discard_store(self, group: str, keep: frozenset[str]) -> None:
        volumes.discard(self.api, group, self._labels.filters(group), keep)

    def control_proxy(self, group: str, arguments: Sequence[str]) -> str:
        return proxy.control(self.api, group, self._labels.of_group(group), arguments)

    # Streams

    def ask(self, method: str, path: str, **params: str | int) -> Any:
        """Send a request whose answer is a stream; return the answer with its body unread."""
        url = f"{self.api.base_url}/v{self.api.api_version}/{path}"
        timeout = (self.api.timeout, None)
        response = self.api.request(method, url, params=params, stream=True, timeout=timeout)
        if response.status_code >= 400:
            with closing(response):
                docker.errors.create_api_error_from_http_exception(HTTPError(response=response))
        return response

    def event_source(self, answer: Any, group: str) -> EventSource:
        return EventSource(answer, self.api, self._labels.of_group(group), NODE)
