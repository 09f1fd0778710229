"""Logs of a cluster's processes and pods, kept for whoever looks into a failure."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from stanlocal.machine.user_dirs import cache_folder
from tests.kubernetes.cluster import node_plan
from tests.kubernetes.cluster.layout import NODES, Paths


def keep_logs(paths: Paths, name: str) -> Path:
    """Copy all logs into a folder of that name in the user's cache, in place of older ones; return it."""
    folder = cache_folder() / "cluster" / "logs" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sources = {"processes": paths.logs}
    sources |= {f"pods of {node.name}": node_plan.pod_logs(node, paths) for node in NODES}
    for part, source in sources.items():
        with suppress(FileNotFoundError, shutil.Error):  # a pod that ends removes its logs meanwhile
            shutil.copytree(source, folder / part)
    return folder
