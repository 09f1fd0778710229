"""The versions of nats-server, and what each loses of a store. Pure."""

from __future__ import annotations

import re
from typing import TypeAlias

from stanlocal.errors import SettingsError
from stanlocal.migrate.findings import Finding, Kind
from stanlocal.migrate.published import LOSSES

Version: TypeAlias = tuple[int, ...]

RESTORES: Version = (2, 15, 0)
"""First version that restores packs."""
PUBLISHES: Version = (2, 10, 0)
"""First version that begins a stream at a chosen sequence, so that it can be filled by publishing."""
_VERSION = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?")


def parse_version(text: str) -> Version:
    """Parse `2.12` or `2.12.15`; raises `SettingsError` for anything else."""
    found = _VERSION.fullmatch(text)
    if found is None:
        raise SettingsError([f"version '{text[:40]}': give one like 2.15 or 2.12.15"])
    return tuple(int(part or 0) for part in found.groups())


def version_findings(version: Version) -> list[Finding]:
    """Return what a server of this version loses."""
    shown = ".".join(map(str, version))
    if version >= RESTORES:
        return []
    if version < PUBLISHES:
        detail = f"nats-server {shown} begins no stream at a sequence, so nothing can be loaded into it"
        return [Finding(Kind.VERSION, "", detail, "use 2.10 or later, best 2.15", refused=True)]
    detail = f"nats-server {shown} restores no packs, and is filled by publishing: {LOSSES}"
    return [Finding(Kind.VERSION, "", detail, "load into 2.15 or later, or accept it with '--accept-loss'")]
