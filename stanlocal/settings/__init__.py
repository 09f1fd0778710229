"""The settings of a group: every option, the origin of its value, all problems at once.

Precedence: flag > environment > an imported deployment > stanlocal.toml > preset >
what the group already has > default.
`load` gathers the layers, `resolve` (pure) turns them into `Settings`.
"""

from __future__ import annotations

from stanlocal.settings.load import Settings, load, resolve
from stanlocal.settings.paths import host_files
from stanlocal.settings.secrets import HIDDEN, redacted

__all__ = ["HIDDEN", "Settings", "host_files", "load", "redacted", "resolve"]
