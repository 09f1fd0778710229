"""A group's own folder: its plan, journal, rendered configuration, saved logs and, by default, its store.

The folder outlives the containers: it is how a group that was taken down keeps its ports, its store and
its history. While there are containers, the engine's labels take precedence.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from stanlocal.access.secrets_folder import NAME as SECRETS
from stanlocal.access.secrets_folder import SecretsFolder
from stanlocal.errors import GroupError, StoreRefused
from stanlocal.history import JOURNAL_FILE
from stanlocal.machine.user_dirs import TRIAL_FOLDER
from stanlocal.util.durable_write import replace_file
from stanlocal.util.small_files import read_small

if TYPE_CHECKING:
    from stanlocal.group.made_stores import MadeStores
    from stanlocal.group.saved_log import SavedLog
    from stanlocal.history.journal import Journal
    from stanlocal.model.fault_record import FaultRecord
    from stanlocal.model.plan import GroupPlan, NodePlan

SNAPSHOTS = "snapshots"
CONF = "conf"
"""Folder with a folder for each node's configuration (`GroupPlan.conf_dir`)."""
_WRITTEN = (CONF, SECRETS)
"""Folders of which an `up` writes single files."""
_PLAN = "group.json"
_LOCK = "lock"
_ID = "id"
_BINDING = "bound-to"
_MADE_STORES = "made-stores.json"
_LOCK_RETRY_S = 0.05
_SAVED_LOG_BYTES = 32 << 20


class GroupHome:
    """The state folder of one group; it is created when something is first written."""

    def __init__(
        self,
        folder: Path,
        *,
        lock_retry_s: float = _LOCK_RETRY_S,
        saved_log_bytes: int = _SAVED_LOG_BYTES,
    ) -> None:
        self.folder = folder
        self.secrets = SecretsFolder(folder / SECRETS)
        self._lock_retry_s = lock_retry_s
        self._saved_log_bytes = saved_log_bytes
        """Size from which on a node's saved log is rotated."""

    @cached_property
    def journal(self) -> Journal:
        """The journal; loaded when it is first needed, as many commands only read the plan."""
        from stanlocal.history.journal import Journal

        return Journal(self.folder)

    @property
    def made_stores(self) -> MadeStores:
        """The stores that stanlocal made for the group."""
        from stanlocal.group.made_stores import MadeStores

        return MadeStores(self.folder / _MADE_STORES, self.default_store)

    def recorded_faults(self) -> list[FaultRecord]:
        """Return the journal's faults; without a journal nothing of it is loaded."""
        return self.journal.faults() if (self.folder / JOURNAL_FILE).exists() else []

    @property
    def plan_file(self) -> Path:
        return self.folder / _PLAN

    @property
    def default_store(self) -> Path:
        return self.folder / "store"

    # The plan

    def save_plan(self, plan: GroupPlan) -> None:
        from stanlocal.model import plan_json

        replace_file(self.folder / _PLAN, (plan_json.to_json(plan) + "\n").encode(), mode=0o600)

    def load_plan(self) -> GroupPlan | None:
        """Return the plan of the group's last `up`; None when there was none.

        Raises `GroupError` when the file does not hold a plan.
        """
        path = self.folder / _PLAN
        try:
            text = read_small(path)
            from stanlocal.model import plan_json

            return plan_json.from_json(text.decode())
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OSError) as error:
            raise GroupError(
                f"{path} does not hold the plan of a group ({error}); move it away to start again"
            ) from error

    # The group's id

    def group_id(self) -> str | None:
        """Return the group's random id; None when it has none yet.

        Without the file, the marker of the store in the group's own folder has it, which no other group uses.
        """
        try:
            return (self.folder / _ID).read_text("ascii", "replace").strip() or None
        except FileNotFoundError:
            pass
        from stanlocal.store.guard.content import inspect_store

        try:
            marker = inspect_store(self.default_store).marker
        except StoreRefused:  # reported when the store is used
            return None
        return marker.id if marker is not None else None

    def save_group_id(self, group_id: str) -> None:
        """Save the id; a store gets it only afterwards, so that a killed tool leaves no store without its
        group."""
        replace_file(self.folder / _ID, f"{group_id}\n".encode(), mode=0o600)

    # The process that the group is made for

    def save_binding(self, engine: str, process: str) -> None:
        """Save the engine and the process of a group that is about to be made for it.

        Its plan says so, too, but is known later: without this, what a tool that is killed before then has
        made would belong to no process.
        """
        replace_file(self.folder / _BINDING, f"{engine}\n{process}\n".encode(), mode=0o600)

    def binding(self) -> tuple[str, str] | None:
        """Return the saved engine and process; None when there are none, or others than stanlocal wrote."""
        try:
            lines = read_small(self.folder / _BINDING).decode("ascii", "replace").splitlines()
        except OSError:
            return None
        return (lines[0], lines[1]) if len(lines) == 2 else None

    # The servers' configuration

    def write_conf(self, plan: GroupPlan, node: NodePlan, conf: str) -> None:
        """Write a node's stan.conf where its server reads it, readable by the server's user alone."""
        self.write_for_server(plan, node, {"stan.conf": conf.encode()})

    def write_for_server(self, plan: GroupPlan, node: NodePlan, files: Mapping[str, bytes]) -> None:
        """Write files beside a node's stan.conf, readable by the server's user alone."""
        folder = Path(plan.conf_dir(node))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = _owner(plan) if os.geteuid() == 0 else None
        if owner:
            os.chown(folder, *owner)
        for name, data in files.items():
            replace_file(folder / name, data, mode=0o600, owner=owner)

    def saved_log(self, node: str) -> SavedLog:
        """The saved log of a node's containers that are gone."""
        from stanlocal.group.saved_log import SavedLog

        return SavedLog(self.folder / "logs" / f"{node}.log", self._saved_log_bytes)

    # One at a time

    @asynccontextmanager
    async def lock(self, waiting: Callable[[], None]) -> AsyncIterator[None]:
        """Hold the group's lock, so that two commands change the group one after the other.

        The kernel frees it when its holder ends, however that happens. `waiting` is called once if another
        command holds it; the wait has no limit.
        """
        import asyncio

        reported = False
        while (descriptor := self._try_lock()) is None:
            if not reported:
                waiting()
                reported = True
            await asyncio.sleep(self._lock_retry_s)
        try:
            yield
        finally:
            try:
                self._drop_unused()
            finally:
                os.close(descriptor)

    def _try_lock(self, *, make: bool = True) -> int | None:
        path = self.folder / _LOCK
        try:
            if make:
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if make else 0) | os.O_CLOEXEC, 0o600)
        except (FileNotFoundError, FileExistsError):
            if self.folder.exists() and not self.folder.is_dir():
                raise
            return None  # the last user of the folder has just removed it
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except (BlockingIOError, FileNotFoundError):
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # held by another, or removed by one that has just purged the group
        return None

    def drop_unused(self) -> None:
        """Remove the folder if it holds nothing, as a killed tool leaves it, and no command has its lock."""
        with suppress(OSError):  # there is something in it, or it is gone
            self.folder.rmdir()
        if (descriptor := self._try_lock(make=False)) is not None:  # its user may be removing it just now
            try:
                self._drop_unused()
            finally:
                os.close(descriptor)

    def _drop_unused(self) -> None:
        """Remove a folder that holds nothing but the held lock and a binding."""
        with suppress(OSError):  # removed from outside, or another command has just put its lock there
            if {entry.name for entry in self.folder.iterdir()} <= {_LOCK, _BINDING}:
                (self.folder / _BINDING).unlink(missing_ok=True)
                (self.folder / _LOCK).unlink()
                self.folder.rmdir()

    def entries(self) -> frozenset[Path]:
        """Return what is in the folder, for `forget`, and each file of configuration and secrets."""
        files = (each for name in _WRITTEN for each in (self.folder / name).rglob("*"))
        return frozenset((*self.folder.glob("*"), *files))

    def forget(self, *, keep_id: bool = False, keep: Collection[Path] = ()) -> tuple[str, ...]:
        """Remove all but the store and files that stanlocal does not know; call it with the lock held.

        The folder itself goes with the lock, if it is empty then. With `keep_id` the group's id stays, for a
        store that stays and carries it, and so do the stores that stanlocal made. What is in `keep`, of
        `entries`, stays unless it belongs to one `up` only. Returns what could not be removed, each with the
        reason; another call tries again.
        """
        from stanlocal.util.removal import remove_all

        identity = (_ID, _MADE_STORES)
        of_one_up = (_PLAN, _BINDING, TRIAL_FOLDER)
        lasting = (*_WRITTEN, "logs", SNAPSHOTS, JOURNAL_FILE, *(() if keep_id else identity))
        drafts = (draft for name in (_PLAN, _BINDING, *identity) for draft in self.folder.glob(f".{name}.*"))
        files = (each for name in _WRITTEN for each in (self.folder / name).rglob("*") if each.parent in keep)
        not_kept = {*(self.folder / name for name in lasting), *files}.difference(keep)
        return remove_all((*(self.folder / name for name in of_one_up), *drafts, *sorted(not_kept)))


def known_groups(state_home: Path) -> Iterator[str]:
    """Yield the names of groups that have a plan in the user's state folder, running or not."""
    if state_home.is_dir():
        yield from sorted(entry.name for entry in state_home.iterdir() if (entry / _PLAN).is_file())


def bound_groups(state_home: Path) -> Iterator[str]:
    """Yield the names of groups that were to be made for a process, and may have no plan yet."""
    if state_home.is_dir():
        yield from sorted(entry.name for entry in state_home.iterdir() if (entry / _BINDING).is_file())


def unused_folders(state_home: Path) -> Iterator[str]:
    """Yield the names of groups' folders that hold nothing but a lock."""
    if state_home.is_dir():
        for entry in sorted(state_home.iterdir()):
            if not entry.name.startswith("_") and entry.is_dir():
                with suppress(OSError):  # gone since it was listed
                    if {each.name for each in entry.iterdir()} <= {_LOCK}:
                        yield entry.name


def _owner(plan: GroupPlan) -> tuple[int, int]:
    uid, gid = plan.user.split(":")
    return int(uid), int(gid)
