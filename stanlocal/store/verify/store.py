"""A check of a whole store: every record of every file, and what the server would refuse at its next start.

The store may be in use. Damage in a file that is being written is checked a second time, and counts only
if it is still there: a record that was being appended or replaced is then complete.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from stanlocal.store.format.encryption import ChannelKey, StoreKey
from stanlocal.store.format.records import Damage, Flaw
from stanlocal.store.format.registry import CLIENT_TYPES, SUB_TYPES
from stanlocal.store.format.slices import SliceFiles, Window, maybe_encrypted, read_messages
from stanlocal.store.inspect.survey import ChannelFiles, Survey, survey
from stanlocal.store.layout import CLIENTS_FILE, SERVER_FILE, SUBS_FILE
from stanlocal.store.verify.check_file import FileCheck, check_server_file, check_typed
from stanlocal.store.verify.check_slice import SliceCheck, check_slice
from stanlocal.store.verify.problems import ANOTHER_KEY, KEPT, Kind, Problem, Start
from stanlocal.util.printable import printable

Progress = Callable[[int, int], None]
"""Callback that takes the number of bytes checked, and of all bytes."""

_Check = TypeVar("_Check", FileCheck, SliceCheck)

_FRESH_S = 5.0
"""Seconds since its last write in which a file may hold an unfinished record."""
_SETTLE_S = 0.1
"""Seconds that a write may take."""


@dataclass
class StoreCheck:
    """The result of checking a whole store."""

    store: Path
    files: int = 0
    records: int = 0
    """Number of intact records in the files of clients, subscriptions and the server."""
    messages: int = 0
    """Number of intact messages."""
    bytes: int = 0
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)
    """The first thousand problems."""
    problems_total: int = 0
    maybe_encrypted: list[str] = field(default_factory=list)
    """Channels whose messages look encrypted, and were not decrypted, as there was no key."""

    @property
    def ok(self) -> bool:
        return self.problems_total == 0

    @property
    def starts(self) -> bool:
        """True if the server would start on the store."""
        return all(problem.start is not Start.REFUSED for problem in self.problems)

    def document(self) -> dict[str, Any]:
        return {
            "store": str(self.store),
            "ok": self.ok,
            "starts": self.starts,
            "files": self.files,
            "messages": self.messages,
            "records": self.records,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "maybe_encrypted": [printable(name) for name in self.maybe_encrypted],
            "problems_total": self.problems_total,
            "problems": [problem.document() for problem in self.problems],
        }


def verify(
    store: Path,
    *,
    cluster_id: str | None = None,
    key: StoreKey | None = None,
    progress: Progress = lambda done, total: None,
) -> StoreCheck:
    """Check every file of the store; with `cluster_id` also that the store belongs to that cluster.

    With the key of an encrypted store also that every message can be decrypted.
    Raises `StoreRefused` when there is no store to read. Memory does not grow with the store.

    One kind of damage is not found: checksums do not cover the type of a record, and a change to a type with
    the same fields is well formed. So in `subs.dat` a message that was sent may become one that was
    acknowledged, or a new subscription a changed one, and the reverse.
    """
    began = time.monotonic()
    found = survey(store)
    work = _Verification(found, progress, key)
    for problem in found.problems:
        work.add([problem])
    if found.server_file:
        work.file(SERVER_FILE, lambda: check_server_file(store, cluster_id))
    if found.clients_file:
        work.file(CLIENTS_FILE, lambda: check_typed(store, CLIENTS_FILE, CLIENT_TYPES, work.advance))
    for channel in found.channels:
        work.channel(channel)
    work.verdict.bytes = found.disk_bytes
    work.verdict.files = len(found.files)
    work.verdict.seconds = time.monotonic() - began
    progress(found.disk_bytes, found.disk_bytes)
    return work.verdict


def verify_subscriptions(store: Path, channel: str) -> list[Problem]:
    """Check the subscriptions and positions of one channel, and return the first thousand problems."""
    work = _Verification(Survey(store), lambda done, total: None, None)
    name = f"{channel}/{SUBS_FILE}"
    if (store / name).exists():
        work.file(name, lambda: check_typed(store, name, SUB_TYPES, work.advance))
    return work.verdict.problems


class _Verification:
    def __init__(self, found: Survey, progress: Progress, key: StoreKey | None) -> None:
        self.store = found.store
        self.key = key
        self.total = found.disk_bytes
        self.progress = progress
        self.done = 0
        self.verdict = StoreCheck(found.store)

    def advance(self, count: int) -> None:
        self.done = min(self.done + count, self.total)
        self.progress(self.done, self.total)

    def add(self, problems: list[Problem], more: int = 0) -> None:
        self.verdict.problems_total += len(problems) + more
        self.verdict.problems += problems[: max(KEPT - len(self.verdict.problems), 0)]

    def channel(self, channel: ChannelFiles) -> None:
        if channel.has_subs:
            name = f"{channel.name}/{SUBS_FILE}"
            self.file(name, lambda: check_typed(self.store, name, SUB_TYPES, self.advance))
        last: int | None = None
        for slice_ in channel.slices:
            check = self._slice(slice_)
            if check is None:
                continue
            self.verdict.messages += check.messages
            self.add(check.problems, check.more_problems)
            if last is not None and check.first is not None and slice_.data is not None:
                self.add(_between(slice_.data, last, check.first))
            last = check.last if check.last is not None else last
        self._encryption(channel)

    def _encryption(self, channel: ChannelFiles) -> None:
        """Decrypt the channel's messages, or note that they look encrypted and there is no key."""
        try:
            if self.key is None:
                if maybe_encrypted(self.store, channel.slices):
                    self.verdict.maybe_encrypted.append(channel.name)
                return
            own = self.key.channel(channel.name)
            for slice_ in channel.slices:
                self.add(_undecryptable(self.store, slice_, own))
        except OSError:
            return  # the file is gone, or its check has reported that it cannot be read

    def file(self, name: str, check: Callable[[], FileCheck]) -> None:
        done = self._twice([name], check)
        if done is not None:
            self.verdict.records += done.records
            self.add(done.problems, done.more_problems)

    def _slice(self, slice_: SliceFiles) -> SliceCheck | None:
        names = [name for name in (slice_.data, slice_.index) if name]
        return self._twice(names, lambda: check_slice(self.store, slice_, self.advance))

    def _twice(self, names: list[str], check: Callable[[], _Check]) -> _Check | None:
        """Run the check, and again when it found something in a file that a server may be writing.

        Returns None when the file is gone, or cannot be read, which is a problem.
        """
        try:
            first = check()
            if not first.problems or not self._fresh(names):
                return first
            time.sleep(_SETTLE_S)
            second = check()
        except FileNotFoundError:  # compacted, expired or deleted since it was listed
            return None
        except OSError as error:
            fix = "give the server's user the right to read it, or restore it"
            detail = f"cannot be read ({error.strerror})"
            self.add([Problem(Kind.UNREADABLE, names[0], detail, Start.REFUSED, fix)])
            return None
        seen = {problem.key for problem in first.problems}
        return replace(second, problems=[each for each in second.problems if each.key in seen])

    def _fresh(self, names: list[str]) -> bool:
        now = time.time()
        return any(now - (self.store / name).stat().st_mtime < _FRESH_S for name in names)


def _undecryptable(store: Path, slice_: SliceFiles, key: ChannelKey) -> list[Problem]:
    """Return one problem for all messages of a slice that the key does not fit."""
    first, count = None, 0
    for each in read_messages(store, slice_, Window(), key):
        if isinstance(each, Damage) and each.flaw is Flaw.UNDECRYPTABLE:
            first, count = first or each, count + 1
    if first is None:
        return []
    detail = first.detail + (f", and {count - 1} more messages" if count > 1 else "")
    return [Problem(Kind.UNDECRYPTABLE, slice_.data or "", detail, Start.SILENT, ANOTHER_KEY, first.offset)]


def _between(name: str, last: int, first: int) -> list[Problem]:
    """Return the problem between the last sequence of a slice and the first of the next, if any."""
    if first == last + 1:
        return []
    if first > last:
        kind, detail = Kind.SEQUENCE_GAP, f"sequences {last + 1} to {first - 1} are missing before this slice"
        fix = "bring the missing slice back from a copy; else nothing can be done"
    else:
        kind, detail = Kind.SEQUENCE_OVERLAP, f"begins with sequence {first}, though {last} comes before"
        fix = "move the slice that does not belong here away"
    return [Problem(kind, name, detail, Start.SILENT, fix, 4)]
