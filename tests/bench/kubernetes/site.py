"""A namespace of the tests' cluster for a bench, which no test uses meanwhile."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.kubernetes.cluster.layout import Paths
from tests.kubernetes.cluster.locks import in_use
from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.real_site import RealSite
from tests.kubernetes.volumes import remove_volumes


@asynccontextmanager
async def sites() -> AsyncIterator[RealSite]:
    """The namespace; nothing of it is left at the end."""
    paths = Paths()
    with in_use(paths), tempfile.TemporaryDirectory(prefix="stanlocal-bench-") as folder:
        os.environ["XDG_STATE_HOME"] = f"{folder}/state"
        cluster, namespace = Cluster(paths), f"b-{secrets.token_hex(4)}"
        cluster.api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
        try:
            yield RealSite(Path(folder), cluster, namespace)
        finally:
            cluster.kubectl("delete", "namespace", namespace, "--timeout=90s")
            remove_volumes(cluster, namespace)
