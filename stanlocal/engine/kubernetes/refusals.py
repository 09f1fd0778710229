"""Acts that a cluster cannot do, or is not asked to do here, refused before anything happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stanlocal.engine.base import Ability, Progress
from stanlocal.errors import Unsupported
from stanlocal.model.plan import GroupPlan

_FROZEN = "a cluster cannot freeze a pod's processes"
_STORE = "the store is on a claim of the cluster, which stanlocal does not touch"


LACKS: Mapping[Ability, str] = {
    "signal": "a cluster ends a pod by SIGTERM, and by SIGKILL after that; it passes no other signal on",
    "freeze": f"{_FROZEN}; use a group made with '--engine docker'",
    "condition": "a cluster's group has no proxy in its path; use a group made with '--engine docker'",
    "files": f"{_STORE}; use a group made with '--engine docker'",
}
"""Acts that cannot be done to a group of a cluster, with the reasons."""


def refused(why: str) -> Unsupported:
    return Unsupported(f"{why}; use a group made with '--engine docker' for that")


class Refusals:
    """The methods of an engine that only a machine with the nodes' processes can have."""

    async def provision_proxy(self, progress: Progress) -> None:
        raise refused("a cluster's group has no proxy in its path")

    async def pause(self, node: str) -> None:
        raise refused(_FROZEN)

    async def unpause(self, node: str) -> None:
        raise refused(_FROZEN)

    async def limit_cpu(self, node: str, cores: float) -> None:
        raise refused("the limits of a pod are its StatefulSet's")

    async def control_proxy(self, plan: GroupPlan, arguments: Sequence[str]) -> str:
        raise refused("a cluster's group has no proxy in its path")

    async def check_lock(self, plan: GroupPlan) -> None:
        """Check nothing: only two pods on two machines could show whether the lock holds between them."""

    async def fill_store(self, plan: GroupPlan) -> None:
        raise refused(_STORE)

    async def free_store(self, plan: GroupPlan) -> None:
        raise refused(_STORE)
