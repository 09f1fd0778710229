"""Checks of the server's record, clients and subscriptions, which the server reads at each start."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from stanlocal.store.format.bulk import Run, read_typed
from stanlocal.store.format.crc import HEAD_BYTES
from stanlocal.store.format.files import VERSION, VERSION_BYTES, StoreFile, opened_file
from stanlocal.store.format.records import HEAD, Damage, Flaw, LargeRecord, Record
from stanlocal.store.format.registry import SUB_ACK, SUB_SENT, SUB_TYPES, check_payload, misfit
from stanlocal.store.format.server_file import MAX_BYTES, cluster_id
from stanlocal.store.layout import SERVER_FILE
from stanlocal.store.verify.problems import KEPT, Kind, Problem, Start
from stanlocal.util.printable import printable


@dataclass
class FileCheck:
    """The result of checking one file."""

    records: int = 0
    """Number of intact records."""
    problems: list[Problem] = field(default_factory=list)
    """The first problems; `more_problems` counts the others."""
    more_problems: int = 0


def check_typed(store: Path, name: str, types: tuple[int, ...], progress: Callable[[int], None]) -> FileCheck:
    """Check `clients.dat` or a `subs.dat`; raises `OSError` when it cannot be read."""
    check = FileCheck()
    with opened_file(store, name) as file:
        if file.version != VERSION:
            check.problems.append(version_problem(file))
            return check
        for part in read_typed(file):
            if isinstance(part, Run):
                progress(len(part.records))
                if types is SUB_TYPES and set(part.types) <= {SUB_ACK, SUB_SENT}:
                    check.records += len(part)
                    continue
            for found in part.single() if isinstance(part, Run) else (part,):
                assert not isinstance(found, LargeRecord)  # only messages are ever so large
                damage = found if isinstance(found, Damage) else _damage(found, types)
                if damage is not None and len(check.problems) < KEPT:
                    check.problems.append(_typed_problem(file, damage))
                elif damage is not None:
                    check.more_problems += 1
                else:
                    check.records += 1
    return check


def _damage(record: Record, types: tuple[int, ...]) -> Damage | None:
    if record.type not in types:
        return Damage(
            record.offset, Flaw.TYPE, f"a record of type {record.type}, which the server does not know"
        )
    try:
        check_payload(types, record)
    except ValueError as error:
        return Damage(
            record.offset, Flaw.UNDECODABLE, f"a record of type {record.type} that is none: {error}"
        )
    if (reason := misfit(types, record)) is not None:
        return Damage(
            record.offset, Flaw.MISFIT, f"a record of type {record.type} that was another: {reason}"
        )
    return None


_KINDS = {
    Flaw.CRC: Kind.RECORD_DAMAGED,
    Flaw.TYPE: Kind.RECORD_TYPE,
    Flaw.MISFIT: Kind.RECORD_MISFIT,
    Flaw.UNDECODABLE: Kind.UNDECODABLE,
    Flaw.CUT_SHORT: Kind.TRUNCATED,
    Flaw.ZEROS: Kind.ZERO_TAIL,
}


def _typed_problem(file: StoreFile, damage: Damage) -> Problem:
    kind = _KINDS[damage.flaw]
    if kind is Kind.ZERO_TAIL:
        fix = "nothing to do: the server cuts them off"
        return Problem(kind, file.name, damage.detail, Start.REPAIRED, fix, damage.offset)
    if kind is Kind.RECORD_MISFIT:
        fix = "restore the file from a copy; else the server goes by the type that is there"
        return Problem(kind, file.name, damage.detail, Start.SILENT, fix, damage.offset)
    fix = (
        f"stop the group, copy the store, 'truncate -s {damage.offset} {printable(file.name)}': "
        "what follows in the file is lost"
    )
    return Problem(kind, file.name, damage.detail, Start.REFUSED, fix, damage.offset)


def version_problem(file: StoreFile, fix: str = "restore it from a copy") -> Problem:
    """Return the problem of a file whose format the server does not read."""
    version = file.version
    text = f"format version {version}" if version is not None else f"only {file.size} bytes"
    detail = f"{text}; the server reads version {VERSION} only"
    return Problem(Kind.VERSION, file.name, detail, Start.REFUSED, fix, 0)


def check_server_file(store: Path, expected: str | None) -> FileCheck:
    """Check `server.dat`, and that it names the cluster `expected`; raises `OSError` when unreadable."""
    check = FileCheck()
    with opened_file(store, SERVER_FILE) as file:
        problem = _server_problem(file, expected)
    if problem is None:
        check.records = 1
    else:
        check.problems.append(problem)
    return check


_REMOVE = (
    f"stop the group, copy the store, remove {SERVER_FILE}: the server makes a new one under the cluster id "
    "that it is started with"
)


def _server_problem(file: StoreFile, expected: str | None) -> Problem | None:
    if file.version != VERSION:
        return version_problem(file, _REMOVE)
    data = file.read(0, MAX_BYTES + 1)
    begin = VERSION_BYTES + HEAD_BYTES
    if len(data) < begin:
        if len(data) == VERSION_BYTES:
            detail = "no record in it; the server makes a new one"
            return Problem(Kind.SERVER_FILE_MISSING, file.name, detail, Start.REPAIRED, "nothing to do", 0)
        return _refused(Kind.TRUNCATED, file, f"ends after {len(data)} bytes")
    size, crc = HEAD.unpack_from(data, VERSION_BYTES)
    if begin + size > file.size:
        return _refused(Kind.TRUNCATED, file, f"ends after {file.size - begin} of a record's {size} bytes")
    if begin + size != file.size:
        return _refused(Kind.SERVER_FILE_SIZE, file, f"{file.size} bytes, its record has {begin + size}")
    if zlib.crc32(data[begin:]) != crc:
        return _refused(Kind.RECORD_DAMAGED, file, "the record does not have its checksum")
    found = cluster_id(data)
    if found is None:
        return _refused(Kind.UNDECODABLE, file, "the record does not name a cluster")
    if expected is not None and found != expected:
        detail = f"written under the cluster id '{printable(found)}', the group's is '{expected}'"
        fix = f"set cluster_id to '{printable(found)}', or use another store"
        return Problem(Kind.CLUSTER_ID, file.name, detail, Start.REFUSED, fix, begin)
    return None


def _refused(kind: Kind, file: StoreFile, detail: str) -> Problem:
    return Problem(kind, file.name, detail, Start.REFUSED, _REMOVE, VERSION_BYTES)
