"""Trial whether a file lock that one container holds excludes another, by two throw-away servers.

FT mode depends on it, and not every file system grants it: a shared folder of a virtual machine may grant a
lock twice (docker/for-mac issue 7004), a network file system may grant none. The two servers do not know of
each other, so both try to lock the same store: one has to succeed, and the other to fail.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stanlocal.engine.docker import trial_cache
from stanlocal.engine.docker.api import Api
from stanlocal.engine.docker.helpers import trial_server
from stanlocal.engine.docker.throwaway import throwaway_server
from stanlocal.errors import StoreRefused
from stanlocal.model.plan import STORE_DIR, VOLUME_DIR, GroupPlan
from stanlocal.render.container_spec import Mount

_TRIED_WITHIN_S = 20.0
"""Seconds from the start of the servers; a server waits 1.125 to 1.375 s before it tries to lock."""
_LOOK_S = 0.05
_GOT_IT = b"STREAM: Server is active"
_REFUSED = b"unable to get store lock"


def check(api: Api, plan: GroupPlan, labels: Mapping[str, str]) -> None:
    """Raise `StoreRefused` unless locks on the file system of the plan's store are exclusive.

    The trial uses a folder beside the store, as servers take every folder in it for a channel. A store that
    can have none (the root of a file system, a folder in one that is not writable) is not tried.
    """
    if plan.store_volume is None and not _has_room_beside(Path(plan.store_dir)):
        return
    folder = (
        () if plan.store_volume else (os.uname().nodename, *trial_cache.file_system(Path(plan.store_dir)))
    )
    key = trial_cache.key("lock", api.info()["ID"], *folder)
    if trial_cache.recall(key) is True:
        return
    outcomes = _try_twice(api, plan, labels)
    if sorted(outcomes) != [_GOT_IT, _REFUSED]:
        raise StoreRefused(_refusal(plan, outcomes))
    trial_cache.keep(key, True)


def _refusal(plan: GroupPlan, outcomes: Sequence[bytes]) -> str:
    what = "could not be tried"
    if outcomes.count(_GOT_IT) == 2:
        what = "was granted to two containers at once, so that two nodes would serve over one store"
    elsewhere = "use another engine" if plan.store_volume else "choose another with '--store-dir'"
    return f"a lock on the file system of {plan.store_location} {what}; {elsewhere}"


def _try_twice(api: Api, plan: GroupPlan, labels: Mapping[str, str]) -> list[bytes]:
    """Return what each of two servers logs about the lock; empty for one that logs nothing in time."""
    from stanlocal.engine.docker.volumes import put_folder

    with ExitStack() as stack:
        servers: list[str] = []
        mount = Mount("", VOLUME_DIR, read_only=False)
        if plan.store_volume is None:
            mount = Mount(str(stack.enter_context(_beside(plan))), VOLUME_DIR, read_only=False)
        for role in ("lock-a", "lock-b"):
            server = throwaway_server(
                api,
                trial_server(plan.group, role),
                plan.image,
                ["-cid", "probe", "-ft_group", "probe", "-st", "file", "-dir", STORE_DIR],
                labels,
                user=plan.user,
                network_mode="none",
                mounts=() if servers else (mount,),
                volumes_from=servers,
            )
            servers.append(stack.enter_context(server))
        put_folder(api, servers[0], STORE_DIR, plan.user)
        for server_id in servers:
            api.start(server_id)
        return _outcomes(api, servers)


def _outcomes(api: Api, servers: Sequence[str]) -> list[bytes]:
    deadline = time.monotonic() + _TRIED_WITHIN_S
    while True:
        found = [
            next((said for said in (_GOT_IT, _REFUSED) if said in log), b"")
            for log in map(b"".join, map(api.logs, servers))
        ]
        if all(found) or time.monotonic() > deadline:
            return found
        time.sleep(_LOOK_S)


def _has_room_beside(store: Path) -> bool:
    return not os.path.ismount(store) and os.access(store.parent, os.W_OK | os.X_OK)


@contextmanager
def _beside(plan: GroupPlan) -> Iterator[Path]:
    """Make a folder beside the store, and remove it afterwards."""
    folder = trial_cache.beside(Path(plan.store_dir))
    shutil.rmtree(folder, ignore_errors=True)  # left by a killed tool
    folder.mkdir(mode=0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
