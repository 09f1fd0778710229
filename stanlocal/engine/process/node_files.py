"""The files of a node that runs as a local process.

::

    <state home>/<group>/processes/<node>/
        node.json       the node's plan, written once
        run             the last run, written by its supervisor: `stanlocal.engine.process.supervisor.main`
        cut             kinds of ports to cut, if any: `stanlocal.engine.process.supervisor.relay`
        lock            held by the supervisor while it lives, and by whoever removes the node
        log/            the output of all runs: `stanlocal.engine.process.supervisor.segments`
        supervisor.log  empty, unless the supervisor itself failed

A node exists while its folder has its name; creation and removal are one rename each.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from stanlocal.engine.process.supervisor.main import FULL, LOCK, LOG
from stanlocal.engine.process.supervisor.relay import CUT, cuts_of
from stanlocal.engine.process.supervisor.run_record import RUN
from stanlocal.errors import EngineError, NameConflict, NodeNotFound
from stanlocal.machine.process_identity import birth_of
from stanlocal.model import plan_json
from stanlocal.model.plan import GroupPlan
from stanlocal.util.small_files import read_json, read_small

LOST_CODE = 255
"""Exit code of a process whose end no one observed, as containerd reports it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One process, never another with the same pid."""

    pid: int
    birth: str

    @property
    def alive(self) -> bool:
        return birth_of(self.pid) == self.birth


@dataclass(frozen=True, slots=True)
class Run:
    """The record of a node's last run."""

    number: int
    """1 for the first."""
    supervisor: Identity
    server: Identity
    status: Literal["running", "paused", "exited", "refused"]
    """`refused`: the system refused to start it."""
    started: datetime
    changed: datetime | None = None
    """Time of the last pause or resume."""
    finished: datetime | None = None
    code: int | None = None
    error: str | None = None
    looked: int = 0
    """Time at which its supervisor last read the cuts, in nanoseconds of the monotonic clock."""
    taken: int | None = None
    """Port that was taken then, which left the cuts unchanged."""
    unable: str | None = None
    """Any other problem that the supervisor met then."""

    @property
    def over(self) -> bool:
        """Whether the server has ended and nothing more will be recorded."""
        if self.status in ("exited", "refused"):
            return True
        return not self.supervisor.alive and not self.server.alive

    @property
    def unrecorded(self) -> bool:
        """Whether the server lives, and nothing that it does is recorded, as its supervisor was killed."""
        return not self.over and not self.supervisor.alive


@dataclass(frozen=True, slots=True)
class Node:
    """The plan of a node, as recorded at its creation."""

    id: str
    created: datetime
    name: str
    fingerprint: str
    binary: str
    plan: GroupPlan


class NodeFiles:
    """The folder of one node."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def log(self) -> Path:
        return self.folder / LOG

    def node(self) -> Node:
        """Read the node's plan; raises `NodeNotFound` if the node does not exist."""
        try:
            data = read_json(self.folder / "node.json")
            plan = plan_json.from_json(json.dumps(data.pop("plan")))
            return Node(created=datetime.fromisoformat(data.pop("created")), plan=plan, **data)
        except (FileNotFoundError, NotADirectoryError):
            raise _not_found(self.folder.name) from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise EngineError(
                f"{self.folder / 'node.json'} was not written by this version ({error}); remove that folder "
                "when no process of the group runs"
            ) from error

    def run(self) -> Run | None:
        """Read the record of the last run; None before the first."""
        try:
            text = read_small(self.folder / RUN).decode("utf-8", "replace")
            return _parse_run(dict(line.split(" ", 1) for line in text.splitlines()))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError) as error:
            raise EngineError(f"{self.folder / RUN} is not the record of a run ({error})") from error

    def cuts(self) -> frozenset[str]:
        """Return the kinds of ports to cut: `ROUTES`, `CLIENTS` of `supervisor.relay`."""
        return frozenset(cuts_of(str(self.folder)))

    def set_cuts(self, kinds: Collection[str]) -> None:
        """Replace the kinds of ports to cut; raises `NodeNotFound` if the node does not exist."""
        beside = self.folder / f".{CUT}"
        try:
            beside.write_text(" ".join(sorted(kinds)), "utf-8")
            beside.replace(self.folder / CUT)
        except FileNotFoundError:
            raise _not_found(self.folder.name) from None

    def last_sign_of_life(self) -> datetime:
        """Return the time of the last write to the output or record; raises `NodeNotFound`."""
        try:
            written = [path.stat().st_mtime for path in (self.folder, *self.log.iterdir())]
        except (FileNotFoundError, NotADirectoryError):
            raise _not_found(self.folder.name) from None
        return datetime.fromtimestamp(max(written), UTC)

    # Creation and removal

    def make(self, node: Node) -> None:
        """Create the folder and its files; raises `NameConflict` if the node exists already."""
        self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = self.folder.with_name(f".making-{secrets.token_hex(4)}")
        beside.mkdir(mode=0o700)
        try:
            (beside / LOG).mkdir(mode=0o700)
            (beside / LOCK).touch(0o600)
            descriptor = os.open(beside / "node.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(_document(node), file)
            beside.rename(self.folder)
        except OSError as error:
            shutil.rmtree(beside)
            if not self.folder.exists():
                raise EngineError(f"cannot make {self.folder}: {error.strerror}") from error
            raise NameConflict(f"{self.folder} exists already; see 'stanlocal status'", node.name) from error

    def try_lock(self) -> int | None:
        """Return a descriptor that holds the node's lock; None if another has it or it is gone."""
        try:
            lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def remake_lock(self) -> bool:
        """Make the lock file again if somebody deleted it; return whether it was gone.

        A supervisor that holds the deleted one does not exclude who takes this one.
        """
        try:
            (self.folder / LOCK).touch(0o600, exist_ok=False)
        except (FileExistsError, FileNotFoundError, NotADirectoryError):
            return False
        return True

    def remove(self) -> None:
        """Remove the folder; the caller holds the lock."""
        beside = self.folder.with_name(f".removed-{secrets.token_hex(4)}")
        try:
            self.folder.rename(beside)
        except FileNotFoundError:  # another command removed it first
            return
        shutil.rmtree(beside)


def _not_found(name: str) -> NodeNotFound:
    return NodeNotFound(f"there is no process of a node '{name}'; see 'stanlocal list'")


def nodes_in(folder: Path) -> Iterator[NodeFiles]:
    """Yield the nodes in a group's `processes` folder, in no particular order."""
    try:
        entries = list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError as error:
        raise EngineError(
            f"{folder} belongs to another user; set XDG_STATE_HOME to a folder of yours"
        ) from error
    yield from (NodeFiles(entry) for entry in entries if not entry.name.startswith("."))


def remove_leftovers(folder: Path) -> None:
    """Remove what interrupted calls left in a `processes` folder, and the folder if it has no nodes."""
    (folder / FULL).unlink(missing_ok=True)
    for entry in folder.glob(".*-*"):
        shutil.rmtree(entry, ignore_errors=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _document(node: Node) -> dict[str, object]:
    return {
        "id": node.id,
        "created": node.created.isoformat(),
        "name": node.name,
        "fingerprint": node.fingerprint,
        "binary": node.binary,
        "plan": json.loads(plan_json.to_json(node.plan)),
    }


_STATUSES: dict[str, Literal["running", "paused", "exited", "refused"]] = {
    "running": "running",
    "paused": "paused",
    "exited": "exited",
    "refused": "refused",
}


def _parse_run(facts: dict[str, str]) -> Run:
    def time(name: str) -> datetime | None:
        return datetime.fromisoformat(facts[name]) if name in facts else None

    def identity(name: str) -> Identity:
        pid, birth = facts[name].split(" ", 1)
        return Identity(int(pid), birth)

    return Run(
        number=int(facts["number"]),
        supervisor=identity("supervisor"),
        server=identity("server"),
        status=_STATUSES[facts["status"]],
        started=datetime.fromisoformat(facts["started"]),
        changed=time("changed"),
        finished=time("finished"),
        code=int(facts["code"]) if "code" in facts else None,
        error=facts.get("error"),
        looked=int(facts.get("looked", 0)),
        taken=int(facts["taken"]) if "taken" in facts else None,
        unable=facts.get("unable"),
    )
