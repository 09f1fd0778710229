"""Measures looking at a group on the cluster of the tests: ``python -m tests.bench.kubernetes.look``.

Needs the cluster, up. Prints the table, writes it to tests/bench/results/kubernetes-look.md (or to `--out`),
and exits with 1 when a row falls short.
"""

from __future__ import annotations

import argparse
import json
import secrets
import tempfile
from pathlib import Path

from tests.bench.group.rows import Row, bounded, compared, timed
from tests.bench.page import RESULTS, load_average, machine, page, publish
from tests.kubernetes.cluster.layout import Paths
from tests.kubernetes.cluster.locks import in_use
from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.deployed_group import DeployedGroup
from tests.kubernetes.volumes import make_claim, remove_volumes
from tests.support.cli import Cli

_SIZE = 3
LONGEST_S = 0.6
MOST_TIMES = 1.2
"""Longest time of `status`, and times of what `kubectl` and a request for each pod take."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.kubernetes.look", description=__doc__)
    parser.add_argument("--repeat", type=int, default=11, help="pairs of runs (11)")
    parser.add_argument("--out", type=Path, default=RESULTS / "kubernetes-look.md", help="the results file")
    options = parser.parse_args()
    paths = Paths()
    if not paths.root.exists():
        parser.error("the cluster is down; run: python -m tests.kubernetes.cluster up")
    with in_use(paths), tempfile.TemporaryDirectory(prefix="stanlocal-bench-") as folder:
        rows = _measured(Cluster(paths), Path(folder), options.repeat)
    text = page(
        "Looking at a group on a cluster",
        bench="kubernetes.look",
        how=f"medians of {options.repeat} runs (shortest-longest) of whole commands, taken in turns, on a "
        f"group of {_SIZE} pods; {load_average()}",
        machine=machine(),
        columns=("what", "stanlocal", "kubectl", "ratio", "demand", ""),
        rows=(row.cells for row in rows),
    )
    publish(text, options.out)
    return 0 if all(row.holds for row in rows) else 1


def _measured(cluster: Cluster, folder: Path, repeat: int) -> list[Row]:
    namespace = f"bench-{secrets.token_hex(4)}"
    cluster.api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
    try:
        make_claim(cluster, namespace, "stan-store")
        export = ("export", "kubernetes", "--name", "stan", "--namespace", namespace, "--nodes", str(_SIZE))
        text = Cli(folder).ok(*export, "--storage", "existing-claim")
        cluster.kubectl("apply", "--filename=-", stdin=text)
        DeployedGroup(cluster, namespace).wait_for_one_active(_SIZE)
        env = {
            "STANLOCAL_ENGINE": "kubernetes",
            "STANLOCAL_KUBECONFIG": str(cluster.paths.kubeconfig()),
            "STANLOCAL_NAMESPACE": namespace,
            "XDG_STATE_HOME": str(folder / "state"),
        }
        cli = Cli(folder, env)
        ours, peer = [], []
        for _ in range(repeat + 1):
            ours.append(timed(lambda: _status(cli)))
            peer.append(timed(lambda: _kubectl(cluster, namespace)))
    finally:
        cluster.kubectl("delete", "namespace", namespace, "--timeout=90s")
        remove_volumes(cluster, namespace)
    ours, peer = ours[1:], peer[1:]  # the first fill caches
    return [
        bounded("`status`", ours, LONGEST_S),
        compared("`status` beside `kubectl get pods` and a request to each monitor", ours, peer, MOST_TIMES),
    ]


def _status(cli: Cli) -> None:
    document = cli.json("status")
    assert [node["state"] for node in document["nodes"]].count("standby") == _SIZE - 1


def _kubectl(cluster: Cluster, namespace: str) -> None:
    """Do the same by hand: list the pods, then ask each one's monitor."""
    listed = cluster.kubectl("get", "pods", "--namespace", namespace, "--output=name").split()
    states = []
    for name in listed:
        pod = name.removeprefix("pod/")
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}:8222/proxy/streaming/serverz"
        states.append(json.loads(cluster.kubectl("get", "--raw", path))["state"])
    assert states.count("FT_STANDBY") == _SIZE - 1


if __name__ == "__main__":
    raise SystemExit(main())
