"""A look at a group on a cluster, beside the same by hand."""

from __future__ import annotations

import json

from tests.bench.group.rows import Row, bounded, compared, timed
from tests.bench.kubernetes.site import sites
from tests.kubernetes.cluster.running import Cluster
from tests.kubernetes.guides_group import healthy
from tests.support.cli import Cli

_SIZE = 3
LONGEST_S = 0.6
MOST_TIMES = 1.2
"""Longest time of `status`, and times of what `kubectl` and a request for each pod take."""


async def rows(repeat: int) -> list[Row]:
    """Measure `status` on a group of three pods, in turns with kubectl."""
    ours, peer = [], []
    async with sites() as site, healthy(site, _SIZE):
        cli = site.cli()
        for _ in range(repeat + 1):
            ours.append(timed(lambda: _status(cli)))
            peer.append(timed(lambda: _kubectl(site.cluster, site.namespace)))
    ours, peer = ours[1:], peer[1:]  # the first fill caches
    return [
        bounded(f"`status` of {_SIZE} pods", ours, LONGEST_S),
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
