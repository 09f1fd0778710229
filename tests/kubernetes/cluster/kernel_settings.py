"""The kernel's settings that kubelet changes, saved before and restored afterwards."""

from __future__ import annotations

import json
from pathlib import Path

from tests.kubernetes.cluster.layout import Paths

CHANGED = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
_SYSCTL = Path("/proc/sys")


def current() -> dict[str, str]:
    """Return the settings as they are, without those that this kernel lacks."""
    return {name: (_SYSCTL / name).read_text().strip() for name in CHANGED if (_SYSCTL / name).exists()}


def save(paths: Paths) -> None:
    """Save them, unless that was done: later they may be kubelet's."""
    if not paths.kernel_settings.exists():
        new = paths.kernel_settings.with_suffix(".new")
        new.write_text(json.dumps(current()))
        new.rename(paths.kernel_settings)


def restore(paths: Paths) -> None:
    """Set what was changed back, if anything was saved."""
    if not paths.kernel_settings.exists():
        return
    for name, value in json.loads(paths.kernel_settings.read_text()).items():
        if (_SYSCTL / name).read_text().strip() != value:
            (_SYSCTL / name).write_text(value)
