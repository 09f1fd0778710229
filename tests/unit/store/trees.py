"""Store folders for tests."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

USER = f"{os.geteuid()}:{os.getegid()}"
"""The caller, as a plan names it."""


def server_file(cluster_id: str) -> bytes:
    """A `server.dat`, as far as it matters."""
    payload = b"\x0a" + bytes([len(cluster_id)]) + cluster_id.encode()
    return struct.pack("<III", 1, len(payload), zlib.crc32(payload)) + payload


def fill(
    store: Path, cluster_id: str = "test-cluster", channels: tuple[str, ...] = ("orders",)
) -> list[Path]:
    """Write the files of a server into the folder; return them."""
    store.mkdir(exist_ok=True)
    top = [".rootdir.lck", ".truncate.lck", "clients.dat", "clients.dat1234567890", "subs42"]
    files = [store / name for name in top]
    for channel in channels:
        (store / channel).mkdir()
        names = ["msgs.1.dat", "msgs.1.idx", "msgs.12.dat.bak", "msgs.12.idx.bak", "subs.dat"]
        files += [store / channel / name for name in names]
    for file in files:
        file.write_bytes(b"\x01\x00\x00\x00")
    (store / "server.dat").write_bytes(server_file(cluster_id))
    return [*files, store / "server.dat"]


def snapshot(root: Path) -> dict[str, bytes | str | None]:
    """Everything below the folder: the content of files, the target of links, None for folders."""
    found: dict[str, bytes | str | None] = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found
