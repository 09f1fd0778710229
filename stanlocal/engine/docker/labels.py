"""Labels of containers, networks and volumes: whose they are, which group's, and the group's whole plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stanlocal.model import plan_json
from stanlocal.model.plan import GroupPlan, NodePlan

LABEL = "dev.stanlocal"
GROUP, NODE, INDEX, OWNER, PLAN, FINGERPRINT = (
    f"{LABEL}.{key}" for key in ("group", "node", "index", "owner", "plan", "fingerprint")
)


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels that one user's objects carry on an engine."""

    owner: str
    """The user's uid."""

    def of_group(self, group: str) -> dict[str, str]:
        """Return the labels of everything that is made for the group."""
        return {GROUP: group, OWNER: self.owner}

    def of_node(self, plan: GroupPlan, node: NodePlan, fingerprint: str) -> dict[str, str]:
        """Return the labels of the node's container."""
        return {
            **self.of_group(plan.group),
            NODE: node.name,
            INDEX: str(node.index),
            FINGERPRINT: fingerprint,
            PLAN: plan_json.to_json(plan),
        }

    def filters(self, group: str | None = None) -> dict[str, list[str]]:
        """Return the API's filters for the user's objects: one group's, or all groups' without `group`."""
        return {"label": [f"{OWNER}={self.owner}", f"{GROUP}={group}" if group else GROUP]}

    def are_ours(self, labels: Mapping[str, str] | None) -> bool:
        """Whether an object with these labels was made by stanlocal for the user."""
        return labels is not None and labels.get(OWNER) == self.owner and GROUP in labels
