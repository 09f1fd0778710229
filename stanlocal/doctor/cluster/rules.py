"""The rules of a deployment, in the order in which their results are shown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stanlocal.doctor.check import Check
from stanlocal.doctor.cluster import configuration, mounts, pods, probes, spread, storage
from stanlocal.doctor.cluster.deployed_group import DeployedGroup
from stanlocal.doctor.cluster.finding import Finding, Problem


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, and the sentence for a deployment that keeps it."""

    name: str
    check: Callable[[DeployedGroup], Iterator[Finding]]
    kept: str


RULES = (
    Rule("ft-group", configuration.ft_group, "the servers are one FT group"),
    Rule("routes", configuration.routes, "every pod is named, or found through a Service or NATS server"),
    Rule("replicas", pods.replicas, "a standby is wanted"),
    Rule("claim", storage.claim, "the store of all pods is one that many may write"),
    Rule("volume", storage.volume, "nothing known against it as a folder for all machines"),
    Rule("mount", mounts.mount, "no option that keeps locks on one machine, or for ever"),
    Rule("spread", spread.spread, "the pods are kept apart"),
    Rule("liveness", probes.liveness, "no probe ends a standby, or a node that takes over"),
    Rule("readiness", probes.readiness, "a standby can be ready"),
    Rule("order", probes.order, "no pod keeps the next from being made"),
    Rule("grace", pods.grace, f"a server has {pods.LEAST_GRACE_S} s or more to close its store"),
    Rule("image", pods.image, "a fixed version of the server"),
    Rule("exporter", pods.exporter, "none, or one that knows its options"),
    Rule("containers", pods.containers, "none waits in vain, none has ended"),
)


def judge(group: DeployedGroup) -> Iterator[Check]:
    """Yield the result of each rule: its problems, what cannot be seen of it, or that all is well."""
    for rule in RULES:
        found = list(rule.check(group))
        if not found:
            yield Check(rule.name, True, rule.kept)
        for each in found:
            yield _check(rule, each)


def _check(rule: Rule, finding: Finding) -> Check:
    if isinstance(finding, Problem):
        cure, commands = finding.cure, finding.commands
        return Check(rule.name, False, finding.detail, cure, commands, where=finding.where)
    detail = f"cannot see it: the login may not {finding.permission}; docs/clusters.md has the role for it"
    return Check(rule.name, True, detail, where=finding.where, seen=False)
