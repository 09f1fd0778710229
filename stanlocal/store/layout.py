"""The names of the files that the server puts into a store.

::

    <store>/.rootdir.lck  .truncate.lck  server.dat  clients.dat
    <store>/clients.dat<digits>  subs<digits>            temporary files of a compaction
    <store>/<channel>/msgs.<n>.dat  msgs.<n>.idx  subs.dat
    <store>/<channel>/msgs.<n>.dat.bak  msgs.<n>.idx.bak  a slice that is being archived

The server takes every subfolder of a store for a channel, so stanlocal keeps nothing in one but its
marker, a file at the top.
"""

from __future__ import annotations

import re
from pathlib import Path

from stanlocal.machine.locks import LOCK_FILE

SERVER_FILE = "server.dat"
CLIENTS_FILE = "clients.dat"
SUBS_FILE = "subs.dat"
MARKER_FILE = ".stanlocal.json"

LOCKS = frozenset({LOCK_FILE, ".truncate.lck"})
"""Files of a server that never became active."""

_TOP = re.compile(
    rf"{re.escape(LOCK_FILE)}|\.truncate\.lck|{re.escape(SERVER_FILE)}|clients\.dat\d{{0,20}}|subs\d{{1,20}}",
    re.ASCII,
)
_CHANNEL = re.compile(r"msgs\.\d{1,19}\.(?:dat|idx)(?:\.bak)?|subs\.dat", re.ASCII)
_MARKER_DRAFT = re.compile(rf"{re.escape(MARKER_FILE)}\.[0-9a-f]{{16}}", re.ASCII)


def lock_file(store: Path) -> Path:
    """Return the file whose lock makes a node active. Never open it: see `stanlocal.machine.locks`."""
    return store / LOCK_FILE


def is_servers(name: str) -> bool:
    """Return whether the server makes a file of this name at the top of a store."""
    return _TOP.fullmatch(name) is not None


def is_channels(name: str) -> bool:
    """Return whether the server makes a file of this name in a channel's folder."""
    return _CHANNEL.fullmatch(name) is not None


def is_marker_draft(name: str) -> bool:
    """Return whether this is the name of a marker that a killed stanlocal did not finish."""
    return _MARKER_DRAFT.fullmatch(name) is not None
