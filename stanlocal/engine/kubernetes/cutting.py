"""Cuts of pods' connections by NetworkPolicies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from stanlocal.engine.kubernetes.answers import Json
from stanlocal.engine.kubernetes.api import MERGE, Api
from stanlocal.engine.kubernetes.errors import Missing
from stanlocal.engine.kubernetes.ownership import FIELD_MANAGER, is_ours
from stanlocal.engine.kubernetes.pods import name_of, path_of
from stanlocal.engine.kubernetes.policies import (
    Extent,
    cuts,
    is_protection,
    names_of,
    opening,
    policies_of,
    without,
)
from stanlocal.engine.kubernetes.policy_trial import PolicyTrial
from stanlocal.engine.kubernetes.workload import View, policies_path
from stanlocal.errors import NameConflict, Unsupported
from stanlocal.model.plan import GroupPlan
from stanlocal.util.tasks import run_to_end


class Cutting:
    """The methods of the engine that cut nodes off."""

    _cuts: Cuts

    async def _look(self, group: str) -> View | None:
        raise NotImplementedError

    async def check_cut(self, group: str, nodes: Sequence[str], *, routes_only: bool) -> None:
        view = await self._look(group)
        if view is not None:
            await self._cuts.check(view, nodes, "routes" if routes_only else "all")

    async def disconnect_routes(self, plan: GroupPlan, node: str) -> None:
        await self._cut_off(plan, node, "routes")

    async def isolate(self, plan: GroupPlan, node: str) -> None:
        await self._cut_off(plan, node, "all")

    async def rejoin(self, plan: GroupPlan, node: str) -> None:
        await self._cut_off(plan, node, None)

    async def _cut_off(self, plan: GroupPlan, node: str, extent: Extent | None) -> None:
        view = await self._look(plan.group)
        if view is not None:
            await run_to_end(self._cuts.change(view, node, extent))


class Cuts:
    """The cuts in one namespace."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._namespace = api.access.namespace
        self._enforced = False
        """Whether a trial has shown that the network enforces policies."""
        self._changing = asyncio.Lock()
        """The policies of a group follow from all its cuts, so that these change one after the other."""

    async def check(self, view: View, nodes: Sequence[str], extent: Extent) -> None:
        """Raise an error if a policy would not cut these nodes off; the group is left alone."""
        group, plan = name_of(view.workload), view.deployment.plan
        if extent == "routes" and plan.external_nats:
            raise Unsupported(
                f"{', '.join(nodes)} has no routes that could be cut, as the nodes meet at "
                f"{plan.external_nats[0]}; 'isolate' cuts it off from there, too"
            )
        listed = await self._listed()
        taken = [each for each in listed if name_of(each) in names_of(group) and not is_ours(each)]
        if taken:
            raise NameConflict(
                f"the NetworkPolicy {name_of(taken[0])} is there, and stanlocal did not make it; rename it",
                name_of(taken[0]),
            )
        hit = {node: view.pods[node] for node in nodes if node in view.pods}
        pods = hit if extent == "all" else view.pods
        open_ones = opening(listed, pods, extent)
        others = [name_of(each) for each in open_ones if extent == "routes" or not is_protection(each, group)]
        if others:
            raise Unsupported(
                f"{', '.join(nodes)} cannot be cut off: policies add up, and {', '.join(others)} allows "
                "traffic that another does not take away; remove it for the time of the fault"
            )
        if not self._enforced:
            template: Json = path_of(view.workload, "spec", "template", "spec") or {}
            await PolicyTrial(self._api, plan.image, template).run()
            self._enforced = True

    async def change(self, view: View, node: str, extent: Extent | None) -> None:
        """Cut a node off, or with None connect it again; return when the cluster has the policies."""
        async with self._changing:
            await self._change(view, node, extent)

    async def _change(self, view: View, node: str, extent: Extent | None) -> None:
        group, plan = name_of(view.workload), view.deployment.plan
        listed = await self._listed()
        wanted = cuts(listed, group).but(node, extent)
        port = next((each.listen.cluster for each in plan.nodes if each.name == node), None)
        made = policies_of(group, view.workload, port or plan.nodes[0].listen.cluster, wanted)
        for each in made:
            params = {"fieldManager": FIELD_MANAGER, "force": "true"}
            await self._api.change("PATCH", self._path(each), each, params)
        for each in listed:
            left_over = name_of(each) in names_of(group) and name_of(each) not in map(name_of, made)
            if left_over and is_ours(each):
                await self._remove(each)
        for each in listed:
            if is_protection(each, group) and (patch := without(each, wanted.all)) is not None:
                params = {"fieldManager": FIELD_MANAGER}
                await self._api.change("PATCH", self._path(each), patch, params, kind=MERGE)

    async def _listed(self) -> Sequence[Json]:
        found = await self._api.get(policies_path(self._namespace))
        return found.get("items") or ()

    async def _remove(self, policy: Json) -> None:
        with suppress(Missing):  # another command was faster
            await self._api.change("DELETE", self._path(policy))

    def _path(self, policy: Json) -> str:
        return policies_path(self._namespace, name_of(policy))
