"""Console blocks of the guide's page, run on the cluster: `python -m tests.kubernetes.guide_transcript`.

The cluster has to be up. The page's commands run in their order in the namespace `default`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from tests.kubernetes.cluster.layout import Paths
from tests.kubernetes.cluster.locks import in_use
from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.cluster.sources import Built
from tests.support.transcript import Console, rewrite_with

PAGE = "docs/kubernetes-guide.md"
_FOLDER = "exports/guide"
"""Folder in the shared file system that the page names."""


def main() -> None:
    """Write what the commands of the page print now."""
    paths = Paths()
    with in_use(paths), tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(paths)
        console = Console(
            Path(folder),
            {
                "PATH": f"{Built.kept().kubectl.parent}:{os.environ['PATH']}",
                "KUBECONFIG": str(paths.kubeconfig()),
                "STANLOCAL_ENGINE": "auto",
            },
        )
        try:
            rewrite_with(console, PAGE)
        finally:
            if (objects := Path(folder) / "stan.yaml").exists():
                cluster.kubectl("delete", "--ignore-not-found", "--wait=true", f"--filename={objects}")
            shutil.rmtree(paths.shared / _FOLDER, ignore_errors=True)


if __name__ == "__main__":
    main()
