"""Kills of the active pod of a group on a cluster, under load: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from stanlocal.drill.analysis.outcome import Outcome
from stanlocal.drill.scenario.scenario_file import load_scenario
from tests.kubernetes.guides_group import healthy
from tests.kubernetes.namespaces import own_cluster, own_namespace
from tests.kubernetes.real_site import RealSite
from tests.soak.judged_drills import drill_on, repeated, result, with_nodes
from tests.soak.row import Row
from tests.soak.trial_log import Result, Trial

SCENARIO = Path(__file__).parent / "scenarios" / "cluster-kills.toml"


def kill(trial: Trial, folder: Path) -> Result:
    """Kill the active pod as often as the trial has units, in a namespace of its own."""
    with (
        pytest.MonkeyPatch.context() as patch,
        own_cluster(_say) as cluster,
        own_namespace(cluster) as namespace,
    ):
        patch.setenv("STANLOCAL_KUBERNETES__ALLOW_FAULTS", "stanlocal-*")
        return asyncio.run(kill_at(RealSite(folder, cluster, namespace), trial))


async def kill_at(site: RealSite, trial: Trial) -> Result:
    """Kill the active pod as often as the trial has units, in a namespace that is there."""
    scenario = with_nodes(repeated(load_scenario(SCENARIO), trial.units), trial.case)
    async with healthy(site, scenario.nodes) as (group, _):
        outcome = await drill_on(group, scenario, trial, site.folder)
    found = result(outcome, outcome.verdict.findings.faults)
    failovers = found.counts["failovers"]
    counts = {**found.counts, "won_back": max(0, found.units - failovers)}
    return replace(found, problems=[*found.problems, *_unexpected(outcome, trial.units)], counts=counts)


def _unexpected(outcome: Outcome, kills: int) -> list[str]:
    """Return what is not as expected: all kills, and no failover that none of them began."""
    findings = outcome.verdict.findings
    problems = [
        f"a failover from {each['from']} to {each['to']} after '{each['cause']}', which is no kill"
        for each in findings.failovers
        if each["cause"] != "kill"
    ]
    if findings.faults != kills or len(findings.failovers) > kills:
        problems.append(f"{findings.faults} kills of {kills}, {len(findings.failovers)} failovers")
    return problems


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


CLUSTER_KILLS = Row(
    name="cluster-kills",
    title="Kills of the active pod on a cluster under load",
    how="drills of 10 kills each in the group of the Kubernetes guide, deployed in a namespace of its own "
    "on the cluster of the tests (two machines, one shared file system), at 200 messages a second; "
    "the active pod is killed 0.3 to 1 s after the group is healthy again. The cluster makes the pod "
    "again at once: where that takes the lock before a standby does, there is an outage and no "
    "failover. Each drill's ledger is checked message by message.",
    unit="kills",
    wanted=100,
    per_trial=10,
    cases=("cluster-2", "cluster-3"),
    run=kill,
    none_of={"lost": "acknowledged messages lost"},
    shown={
        "lost_by_server": "lost by the server itself",
        "failovers": "failovers",
        "won_back": "won back by the pod that was killed",
        "acknowledged": "messages acknowledged",
        "delivered": "deliveries",
        "again": "of them again",
        "unanswered": "messages never answered",
    },
    figures={"outage_ms": "Outages as the publishers saw them, from the kill to the first ack"},
)
