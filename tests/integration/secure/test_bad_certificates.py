"""Certificates that expire or are another CA's: what is refused, what goes on, and how it is undone."""

from __future__ import annotations

import ssl

import pytest

from stanlocal import stan
from stanlocal.api import FTGroup, core_of
from stanlocal.errors import Refused
from stanlocal.faults.certificate import BadCertificate, ExpireCertificate, WrongCertificate
from stanlocal.faults.handshake import refusal
from stanlocal.model.states import GroupState, NodeState
from stanlocal.stan.connecting import Connecting
from stanlocal.stan.errors import ConnectFailed
from tests.integration.faults.conftest import kill_half_way
from tests.integration.secure.conftest import environment, password

FAULTS = [ExpireCertificate(expires_s=1), WrongCertificate()]
REASONS = {"expire-certificate": "expired", "wrong-certificate": "unknown authority"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_open_connections_go_on_and_new_ones_are_refused(group: FTGroup, fault: BadCertificate) -> None:
    """A client that knows both nodes passes over the one; after a restart that one does not come back."""
    env = await environment(group)
    plan, hit = (await group.look()).plan, await group.wait_active()
    url = plan.client_url(plan.node(hit))

    def connect(servers: str, client_id: str) -> Connecting:
        return stan.connect(
            servers.split(","),
            cluster_id=env["STAN_CLUSTER_ID"],
            client_id=client_id,
            tls=ssl.create_default_context(cafile=env["NATS_CA"]),
            user=env["NATS_USER"],
            password=password(env),
        )

    async with connect(url, "open") as opened:
        injected = await group.inject(fault)
        assert injected.targets == (hit,)
        await opened.publish("foo", b"1")  # without retries: the connection is the one that there was
        with pytest.raises(ConnectFailed, match=r"(?i)certificate verify failed.*; check the CA"):
            await connect(url, "new")
        async with connect(env["NATS_URL"], "elsewhere") as other:
            await other.publish("foo", b"2")
        record = await injected.outcome()
        assert record.as_expected is True, (record.expected, record.observed)
        assert f"a new client refuses {hit}" in (record.observed or "")
    await group.restart(hit)
    status = await (await core_of(group)).wait(
        lambda status: status.node(hit).state is NodeState.FAILED and status.active is not None,
        timeout=20,
        waiting_for="the restarted node to end, and the other to serve",
    )
    assert REASONS[fault.name] in (status.node(hit).problem or "")
    assert status.active != hit
    await injected.heal()
    await group.wait_state(GroupState.HEALTHY, timeout=20)
    async with connect(url, "new") as again:
        await again.publish("foo", b"3")


@pytest.mark.parametrize("fault", [fault.name for fault in FAULTS])
async def test_killed_half_way_is_healed_by_the_next_change(group: FTGroup, name: str, fault: str) -> None:
    kill_half_way(name, fault, before="effect")
    plan, status = (look := await group.look()).plan, look.status
    assert status.active is not None
    node = plan.node(status.active)
    assert [each["name"] for each in (await group.document())["faults"]] == [fault]
    assert "refuses" in await refusal(plan, node)
    await group.start("@all")
    assert (await group.document())["faults"] == []
    assert await refusal(plan, node) == f"a new client accepts {node.name}"
    assert (await group.look()).status.state is GroupState.HEALTHY


async def test_up_undoes_them_and_makes_no_node_again(group: FTGroup) -> None:
    before = (await group.look()).status
    await group.inject(WrongCertificate(), "@all")
    look = await group.up()
    assert [node.instance.id for node in look.status.nodes] == [node.instance.id for node in before.nodes]
    assert (await group.document())["faults"] == []
    for node in look.plan.nodes:
        assert await refusal(look.plan, node) == f"a new client accepts {node.name}"


async def test_a_node_that_starts_with_a_bad_certificate_while_it_is_healed_comes_back(
    group: FTGroup,
) -> None:
    """Faults are undone in reverse: the node is started first, and may end by its certificate meanwhile."""
    hit = await group.wait_active()
    await group.inject(WrongCertificate(), hit)
    await group.kill(hit)
    await group.heal()
    await group.wait_state(GroupState.HEALTHY, timeout=20)
    plan = (await group.look()).plan
    assert await refusal(plan, plan.node(hit)) == f"a new client accepts {hit}"


async def test_a_heal_without_the_cas_key_makes_another_ca(group: FTGroup) -> None:
    plan = (await group.look()).plan
    injected = await group.inject(WrongCertificate())
    (await core_of(group)).home.secrets.put("ca.key", None)
    await injected.heal()
    for node in plan.nodes:
        assert await refusal(plan, node) == f"a new client accepts {node.name}"
    async with group.connect() as client:
        await client.publish("foo", b"1")


async def test_a_group_without_a_ca_of_its_own_refuses(group: FTGroup, name: str) -> None:
    await group.down(timeout=0)
    plain = FTGroup(group=name, secure=False, nodes=1)
    await plain.up()
    with pytest.raises(Refused, match="up --secure' makes it one"):
        await plain.inject(WrongCertificate())
    await plain.close()
