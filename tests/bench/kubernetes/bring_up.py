"""`up` on a cluster, beside `kubectl apply` and a poll of the monitors."""

from __future__ import annotations

import time

from tests.bench.group.rows import Row, compared, timed
from tests.bench.kubernetes.site import sites
from tests.kubernetes.deployed_group import ACTIVE, DeployedGroup
from tests.kubernetes.real_site import RealSite
from tests.kubernetes.volumes import make_claim
from tests.support.cli import Cli

MOST_TIMES = 1.15
_POLL_S = 0.02
_TIMEOUT_S = 90.0
_CLAIM = "stan-store"


async def rows(repeat: int) -> list[Row]:
    """Measure both in turns, on a claim that is there; `up` also waits for the standby."""
    ours, peer = [], []
    async with sites() as site:
        make_claim(site.cluster, site.namespace, _CLAIM)
        export = ("export", "kubernetes", "--name", "stan", "--namespace", site.namespace)
        manifest = Cli(site.folder).ok(*export, "--storage", "existing-claim")
        cli = site.cli()
        for _ in range(repeat + 1):
            ours.append(timed(lambda: cli.ok("up")))
            cli.ok("down", "--timeout", "0")
            peer.append(timed(lambda: _applied(site, manifest)))
            site.cluster.kubectl("delete", "--wait", "--grace-period=0", "--filename=-", stdin=manifest)
            _until_no_pod(site)
    return [
        compared("`up`, beside `kubectl apply` and a poll for the active pod", ours[1:], peer[1:], MOST_TIMES)
    ]


def _applied(site: RealSite, manifest: str) -> None:
    """Apply the same objects, and return once a server is active."""
    site.cluster.kubectl("apply", "--filename=-", stdin=manifest)
    group = DeployedGroup(site.cluster, site.namespace)
    end = time.monotonic() + _TIMEOUT_S
    while all(server.state != ACTIVE for server in group.servers()):
        if time.monotonic() > end:
            raise TimeoutError(f"no active pod after {_TIMEOUT_S:g} s")
        time.sleep(_POLL_S)


def _until_no_pod(site: RealSite) -> None:
    group = DeployedGroup(site.cluster, site.namespace)
    end = time.monotonic() + _TIMEOUT_S
    while group.pods():
        if time.monotonic() > end:
            raise TimeoutError(f"pods are left after {_TIMEOUT_S:g} s")
        time.sleep(_POLL_S)
