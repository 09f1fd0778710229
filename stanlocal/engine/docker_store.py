"""A store with a limit: a volume in memory, shared by the nodes, which can be filled up for the group alone.

The engine unmounts such a volume, and all is gone, when its last user ends (seen on 20.10). So a holder,
a server without store or network, uses it as long as the store is wanted. By blocking calls of the API.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from typing import Any

from docker.errors import APIError, NotFound

from stanlocal.plan import VOLUME_DIR, GroupPlan

_BALLAST = ".stanlocal-ballast"
_NO_SPACE = "no space left on device"


def holder(group: str) -> str:
    """The name of the container that keeps the group's volume."""
    return f"{group}-store"


def ensure(api: Any, plan: GroupPlan, labels: Mapping[str, str]) -> None:
    """Makes the volume and starts its holder, unless they are there."""
    uid, gid = plan.user.split(":")
    options = f"size={plan.store_size},uid={uid},gid={gid},mode=0700"
    api.create_volume(
        plan.store_volume,
        driver="local",
        driver_opts={"type": "tmpfs", "device": "tmpfs", "o": options},
        labels=dict(labels),
    )
    try:
        found = api.inspect_container(holder(plan.group))
    except NotFound:
        made = api.create_container(
            plan.image,
            command=["-st", "memory", "-p", "4999"],
            name=holder(plan.group),
            user=plan.user,
            labels=dict(labels),
            host_config=api.create_host_config(
                binds=[f"{plan.store_volume}:{VOLUME_DIR}:rw"],
                network_mode="none",
                cap_drop=["ALL"],
                security_opt=["no-new-privileges:true"],
            ),
        )
        api.start(made["Id"])
        return
    if not found["State"]["Running"]:
        api.start(found["Id"])


def fill(api: Any, plan: GroupPlan) -> None:
    """Leaves no room in the volume."""
    assert plan.store_size is not None
    try:
        _put(api, plan, plan.store_size)
    except APIError as error:  # what there was no room for; the rest is taken
        if _NO_SPACE not in str(error.explanation):
            raise


def free(api: Any, plan: GroupPlan) -> None:
    """Gives the room back."""
    _put(api, plan, 0)


def _put(api: Any, plan: GroupPlan, size: int) -> None:
    info = tarfile.TarInfo(_BALLAST)
    info.size = size
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(info, io.BytesIO(bytes(size)))
    archive.seek(0)
    api.put_archive(holder(plan.group), VOLUME_DIR, archive)


def discard(api: Any, group: str, filters: Mapping[str, Any]) -> None:
    """Removes the volume of the group and its holder, and with them the store."""
    for container in api.containers(all=True, filters=filters):
        if container["Names"] == [f"/{holder(group)}"]:
            api.remove_container(container["Id"], force=True)
    for volume in api.volumes(filters=filters)["Volumes"] or ():
        api.remove_volume(volume["Name"], force=True)
