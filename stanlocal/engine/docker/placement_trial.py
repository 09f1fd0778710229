"""Trial of a Docker Engine by a throw-away server: whether it sees folders, and where its ports are.

The engine may be this machine's, another's, the one around the caller's container, or one in a container
beside it (Docker-in-Docker). Published ports are then at another address, and the engine may not see the
caller's folders. Both are tried, never concluded from an address.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stanlocal.engine.docker import trial_cache
from stanlocal.engine.docker.api import Api
from stanlocal.engine.docker.errors import words_of
from stanlocal.engine.docker.helpers import trial_server
from stanlocal.engine.docker.reach import (
    PublishedAddress,
    default_gateway,
    published_addresses,
    serves_cluster,
)
from stanlocal.engine.docker.throwaway import throwaway_server
from stanlocal.errors import EngineError, EngineUnavailable, NodeNotFound, StanlocalError
from stanlocal.machine.user_dirs import TRIAL_FOLDER
from stanlocal.model.placement import Placement
from stanlocal.model.plan import MONITOR_PORT
from stanlocal.render.container_spec import Mount

_ANSWERS_WITHIN_S = 2.0
"""Seconds from the server's start; on an idle machine it answers after 50 ms."""
_RETRY_S = 0.02
_READY = b"Streaming Server is ready"
_MOUNTED_AT = "/probe"
_TOKEN = "token"
_NO_SUCH_FOLDER = re.compile("bind source path does not exist|no such file or directory|is not shared from")
"""Messages of Docker Engine, Podman and Docker Desktop."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Parameters of a trial."""

    group: str
    image: str
    folder: Path
    """Folder of the caller that nodes have to see; the trial makes a temporary folder in it."""
    labels: Mapping[str, str]
    role: str = "probe"
    """Purpose of the container; trials of different roles may run at the same time."""

    @property
    def name(self) -> str:
        """Name of the container."""
        return trial_server(self.group, self.role)


def place(api: Api, trial: Trial, placement: Placement, address: str) -> Placement:
    """Return `placement` adapted to the engine at `address` and the caller.

    Raises `EngineError` if the engine cannot start a container at all, `EngineUnavailable` if none of its
    published ports can be reached.
    """
    mount_point, device = trial_cache.file_system(trial.folder)
    # Docker Desktop shares folders at the top of the tree one by one.
    depends_on = (address, *trial_cache.here(), mount_point, device, *trial.folder.parts[:2])
    engine = trial_cache.which_engine(address, lambda: str(api.info()["ID"]))
    key = trial_cache.key("place", engine, *depends_on)
    match trial_cache.recall(key):
        case {"host": str(host), "publish": str(publish), "in_volumes": bool(in_volumes)}:
            return replace(placement, host=host, publish=publish, in_volumes=in_volumes)
    in_volumes = not sees_folder(api, trial)
    reached = _reach(api, trial, published_addresses(address, default_gateway()))
    trial_cache.keep(key, {"host": reached.host, "publish": reached.publish, "in_volumes": in_volumes})
    return replace(placement, host=reached.host, publish=reached.publish, in_volumes=in_volumes)


def sees_folder(api: Api, trial: Trial) -> bool:
    """Whether the engine sees the caller's folder at the same path."""
    folder, token = trial.folder / TRIAL_FOLDER, secrets.token_hex(16)
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / _TOKEN
    mount = Mount(str(folder), _MOUNTED_AT)
    try:
        file.write_text(token)
        with throwaway_server(api, trial.name, trial.image, [], trial.labels, mounts=[mount]) as made:
            return _read(api, made, f"{_MOUNTED_AT}/{_TOKEN}") == token.encode()
    except StanlocalError as error:
        if not _NO_SUCH_FOLDER.search(words_of(error) or ""):
            raise
        return False
    finally:
        file.unlink(missing_ok=True)
        folder.rmdir()


def _read(api: Api, container: str, path: str) -> bytes | None:
    """Return a small file of a container, running or not; None if there is no such file."""
    try:
        content = api.file(container, path)
    except NodeNotFound:
        return None
    import io
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        file = archive.extractfile(archive.getmembers()[0])
        return file.read() if file else None


def _reach(api: Api, trial: Trial, candidates: Iterable[PublishedAddress]) -> PublishedAddress:
    """Return the first address at which a published port is reached."""
    objections = []
    for candidate in candidates:
        objection = _objection(api, trial, candidate)
        if objection is None:
            return candidate
        objections.append(f"{candidate.host}: {objection}")
    check_start(api, trial)
    raise EngineUnavailable(
        f"ports that the engine publishes cannot be reached from here ({'; '.join(objections)}); "
        "run this where they can be, as in a container with the network of the engine's machine"
    )


def check_start(api: Api, trial: Trial) -> None:
    """Raise `EngineError`, with the engine's or the server's message, unless a container can be started."""
    why = _failure(api, trial)
    if why is not None:
        raise EngineError(
            f"the engine cannot start a container of {trial.image}: {why}; fix the engine, then try "
            "'stanlocal doctor'"
        )


def _failure(api: Api, trial: Trial) -> str | None:
    """Return why a server without any port is not started, or ends at once; None when it runs."""
    command = ["-st", "memory", "-cid", "probe"]
    with throwaway_server(api, trial.name, trial.image, command, trial.labels, network_mode="none") as made:
        if (reason := _refusal_of_start(api, made)) is not None:
            return reason
        deadline = time.monotonic() + _ANSWERS_WITHIN_S
        while time.monotonic() < deadline and _READY not in (log := b"".join(api.logs(made, stamped=False))):
            state = api.container(made)["State"]
            if not state["Running"]:
                last = log.decode("utf-8", "replace").strip().rpartition("\n")[2]
                return f"its server ended with exit code {state['ExitCode']}{f' ({last})' if last else ''}"
            time.sleep(_RETRY_S)
    return None


def _refusal_of_start(api: Api, container: str) -> str | None:
    """Start a container; return the engine's reason if it refuses."""
    try:
        api.start(container)
    except StanlocalError as error:
        if (reason := words_of(error)) is None:
            raise
        return reason
    return None


def _objection(api: Api, trial: Trial, candidate: PublishedAddress) -> str | None:
    """Return why a started server is not reached at this address; None if it is."""
    cluster_id = f"probe-{secrets.token_hex(8)}"
    command = ["-st", "memory", "-cid", cluster_id, "-m", str(MONITOR_PORT)]
    publish = {MONITOR_PORT: candidate.publish}
    with throwaway_server(api, trial.name, trial.image, command, trial.labels, publish=publish) as made:
        if (reason := _refusal_of_start(api, made)) is not None:  # an address that its machine does not have
            return reason
        ports = api.container(made)["NetworkSettings"]["Ports"] or {}
        published = ports.get(f"{MONITOR_PORT}/tcp")
        if not published:
            return "the server ended at once"
        port = int(published[0]["HostPort"])
        deadline = time.monotonic() + _ANSWERS_WITHIN_S
        while time.monotonic() < deadline:
            if serves_cluster(candidate.host, port, cluster_id):
                return None
            time.sleep(_RETRY_S)
    return "no answer"
