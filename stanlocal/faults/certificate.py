"""Certificates that go bad: one that has expired, and one that another CA has signed.

A certificate is checked only at the handshake. So open connections stay as they are, and new ones are
refused: those of clients, of routes, and of the streaming server to the NATS server inside its own process,
without which a restarted node does not come back. The nodes read the certificate by a
reload (SIGHUP), as in production.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from stanlocal.certificates.authority import KeyPair, expiry, issue, make_authority
from stanlocal.certificates.hosts import node_hosts
from stanlocal.engine.base import Ability
from stanlocal.errors import GroupError, NodePaused, Refused, SettingsError
from stanlocal.faults.base import Fault, Scene, must_run, recover
from stanlocal.faults.expectation import Expectation, names, nothing_follows
from stanlocal.faults.handshake import refusal
from stanlocal.faults.parameters import parameter
from stanlocal.group.core import Group
from stanlocal.group.reload import reload
from stanlocal.group.secured_files import authority_of, give_certificate, keep_files
from stanlocal.model.fault_record import Condition, FaultRecord
from stanlocal.model.plan import GroupPlan, NodePlan
from stanlocal.model.states import GroupStatus, NodeState, NodeStatus
from stanlocal.util.tasks import together

_LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class BadCertificate(Fault):
    """A certificate that clients and other nodes refuse; ends when the targets have a good one again."""

    needs: ClassVar[tuple[Ability, ...]] = ("files",)
    leaves: ClassVar[Condition | None] = "other"

    @abstractmethod
    def certificate(self, authority: KeyPair, plan: GroupPlan, node: NodePlan) -> KeyPair:
        """Return the bad certificate of a node, and its key."""

    @abstractmethod
    def why(self) -> str:
        """The reason of refusals, as servers and clients give it."""

    def check(self, scene: Scene) -> None:
        plan = scene.plan
        if not plan.secure:
            raise Refused(
                f"{self.name} needs a group with a CA of its own, which '{plan.group}' is not; "
                f"'stanlocal --group {plan.group} up --secure' makes it one"
            )
        if plan.in_volumes:
            raise Refused(f"{self.name} is unavailable here: the engine does not see this machine's files")
        if plan.nats.get("authorization", {}).get("token"):
            raise Refused(
                f"{self.name} is unavailable with nats.authorization.token: the reload that it needs would "
                "close all connections; use a user and a password"
            )
        must_run(scene)
        if any(node.paused for node in scene.targets):
            raise Refused(f"{self.name} needs nodes that can reload; unpause them first")

    def expect(self, status: GroupStatus, targets: Sequence[NodeStatus]) -> Expectation:
        serves = f"{status.active} serves on" if status.active else "no node served before"
        text = (
            f"no failover: {serves}, and connections that are open stay so; each new one of clients and "
            f"routes with {names(targets)} is refused ('{self.why()}'), and a target that is restarted ends, "
            "as it does not reach its own NATS server"
        )
        return nothing_follows(text, status, (status.state,), active=status.active)

    async def inject(self, scene: Scene) -> Mapping[str, datetime]:
        group, plan = scene.group, scene.plan
        authority = authority_of(group.home)
        nodes = [plan.node(target.name) for target in scene.targets]
        bad = {node.name: self.certificate(authority, plan, node) for node in nodes}
        for node in nodes:
            give_certificate(group.home, plan, node, bad[node.name])
        await together(*(reload(group, node.name) for node in nodes))
        hit = max(datetime.now(UTC), *(self.bad_from(pair) for pair in bad.values()))
        await asyncio.sleep((hit - datetime.now(UTC)).total_seconds())
        said = await together(*(refusal(plan, node) for node in nodes))
        scene.note({"felt": ", ".join(said)})
        return dict.fromkeys(bad, hit)

    def bad_from(self, pair: KeyPair) -> datetime:
        """Return since when the certificate is refused."""
        return datetime.now(UTC)

    @classmethod
    async def undo(cls, group: Group, fault: FaultRecord, nodes: Collection[str]) -> None:
        """Issue good certificates, let the servers read them, and start those that failed meanwhile.

        If the CA's files are gone, there is a new CA, and every node gets a certificate of it.
        """
        plan, instances = await group.find()
        if not plan.secure:  # another command has made it so, and the certificates are not used any more
            return
        renewed = {*nodes, *keep_files(group.home, plan, only=nodes)}
        running = [each.name for each in instances if each.running and each.name in renewed]
        await together(*(_reload(group, name) for name in running))
        status = (await group.look()).status
        failed = [node.name for node in status.nodes if node.state is NodeState.FAILED]
        await recover(group, "ended", renewed.intersection(failed))


async def _reload(group: Group, node: str) -> None:
    """Let a node read its good certificate, unless it ends just now by the bad one."""
    try:
        await reload(group, node)
    except NodePaused:  # it reloads once it goes on
        await group.engine.signal(node, "SIGHUP")
    except GroupError:
        if (await group.instance(node)).running:
            raise


@dataclass(frozen=True, slots=True)
class ExpireCertificate(BadCertificate):
    """A certificate that has ended, as when its renewal was forgotten."""

    name: ClassVar[str] = "expire-certificate"
    summary: ClassVar[str] = (
        "let a certificate expire: new connections are refused, open ones stay (up --secure)"
    )

    expires_s: float = parameter(3, "--in", "Seconds until the certificate expires", "S")

    def __post_init__(self) -> None:
        if not 1 <= self.expires_s <= _LONGEST_S:
            raise SettingsError(
                [f"a certificate that expires in {self.expires_s:g} s: give 1 to {_LONGEST_S:g} s"]
            )

    def certificate(self, authority: KeyPair, plan: GroupPlan, node: NodePlan) -> KeyPair:
        lasts = timedelta(seconds=self.expires_s)
        return issue(authority, node.name, hosts=node_hosts(plan, node), lasts=lasts)

    def why(self) -> str:
        return "certificate has expired"

    def bad_from(self, pair: KeyPair) -> datetime:
        return expiry(pair.certificate) + timedelta(seconds=1)  # valid up to the end of that second


@dataclass(frozen=True, slots=True)
class WrongCertificate(BadCertificate):
    """A certificate of another CA, as when files of two environments were mixed up."""

    name: ClassVar[str] = "wrong-certificate"
    summary: ClassVar[str] = "serve with a certificate of another CA: new connections are refused (--secure)"

    def certificate(self, authority: KeyPair, plan: GroupPlan, node: NodePlan) -> KeyPair:
        other = make_authority("another CA")
        return issue(other, node.name, hosts=node_hosts(plan, node))

    def why(self) -> str:
        return "certificate signed by unknown authority"
