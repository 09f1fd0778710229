"""A group's volumes, for a store with a limit or an engine that does not see the caller's folders.

A store with a limit is a volume in memory, which can be filled up for the group alone. The engine unmounts
such a volume, and its data is lost, when its last user ends (seen on 20.10). So a holder, a server without
store or network, uses it as long as the store exists. Other volumes need only a holder that does not run,
through which files are copied in and out.
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path

from stanlocal.engine.docker.api import Api
from stanlocal.engine.docker.files import entry, put
from stanlocal.engine.docker.helpers import store_holder
from stanlocal.engine.docker.refusals import foreign
from stanlocal.errors import EngineError, NodeNotFound
from stanlocal.model.plan import CONF_DIR, STORE_DIR, VOLUME_DIR, GroupPlan, NodePlan
from stanlocal.render.container_spec import PIDS_LIMIT
from stanlocal.util.temporary import temporary_file

_END_BLOCKS = 2
"""Number of blocks of zeros at the end of an archive."""
_BALLAST = ".stanlocal-ballast"
_NO_SPACE = "no space left on device"


def ensure(api: Api, plan: GroupPlan, labels: Mapping[str, str]) -> None:
    """Make the volumes and their holder, unless they exist; raise `NameConflict` if one is not ours."""
    for name, options in _volumes(plan).items():
        made = api.create_volume(name, labels, options)
        if not labels.items() <= (made["Labels"] or {}).items():  # an existing one is returned as it is
            raise foreign(name)
    name = store_holder(plan.group)
    try:
        found = api.container(name)
    except NodeNotFound:
        _make_holder(api, plan, labels)
        found = api.container(name)
    if not labels.items() <= (found["Config"]["Labels"] or {}).items():
        raise foreign(name)
    if plan.store_size is None:  # also for a holder that is there: its maker may have been killed before
        put_folder(api, name, STORE_DIR, plan.user)
    elif not found["State"]["Running"]:
        api.start(name)


def _volumes(plan: GroupPlan) -> dict[str, dict[str, str] | None]:
    """Return the options of each of the group's volumes."""
    options = None
    if plan.store_size is not None:
        uid, gid = plan.user.split(":")
        in_memory = f"size={plan.store_size},uid={uid},gid={gid},mode=0700"
        options = {"type": "tmpfs", "device": "tmpfs", "o": in_memory}
    volumes = {plan.store_volume: options, plan.conf_volume: None}
    return {name: options for name, options in volumes.items() if name is not None}


def _make_holder(api: Api, plan: GroupPlan, labels: Mapping[str, str]) -> None:
    targets = {plan.store_volume: VOLUME_DIR, plan.conf_volume: CONF_DIR}
    asked = {
        "Image": plan.image,
        "Cmd": ["-st", "memory", "-p", "4999"],
        "User": plan.user,
        "Labels": dict(labels),
        "HostConfig": {
            "Binds": [f"{volume}:{targets[volume]}:rw" for volume in _volumes(plan)],
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "PidsLimit": PIDS_LIMIT,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
        },
    }
    api.create(store_holder(plan.group), asked)


def put_conf(api: Api, plan: GroupPlan, node: NodePlan) -> None:
    """Copy the node's configuration and certificates from the caller's folder to its container's volume."""
    folder = entry(node.name, plan.user, mode=0o700)
    folder.type = tarfile.DIRTYPE
    files = []
    for path in Path(plan.conf_dir(node)).glob("[!.]*"):  # others are drafts of a killed tool
        content = path.read_bytes()
        file = entry(f"{node.name}/{path.name}", plan.user)
        file.size = len(content)
        files.append((file, content))
    put(api, store_holder(plan.group), CONF_DIR, (folder, b""), *files)


def put_folder(api: Api, container: str, path: str, user: str) -> None:
    """Make a folder of the servers' user in a container, running or not."""
    parent, _, name = path.rpartition("/")
    folder = entry(name, user, mode=0o700)
    folder.type = tarfile.DIRTYPE
    put(api, container, parent, (folder, b""))


def fill(api: Api, plan: GroupPlan) -> None:
    """Leave no room in the volume."""
    assert plan.store_size is not None
    try:
        _put_ballast(api, plan, plan.store_size)
    except EngineError as error:  # it did not fit, and so took all the space
        if _NO_SPACE not in str(error):
            raise


def free(api: Api, plan: GroupPlan) -> None:
    """Free the space that `fill` took."""
    _put_ballast(api, plan, 0)


def _put_ballast(api: Api, plan: GroupPlan, size: int) -> None:
    ballast = entry(_BALLAST, plan.user)
    ballast.size = size
    with temporary_file() as archive:  # sparse: the store may be larger than the memory
        archive.write(ballast.tobuf())
        blocks = -(-size // tarfile.BLOCKSIZE) + _END_BLOCKS
        archive.truncate(archive.tell() + blocks * tarfile.BLOCKSIZE)
        archive.seek(0)
        api.put_archive(store_holder(plan.group), VOLUME_DIR, archive)
