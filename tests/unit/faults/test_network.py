"""Slow and flaky networks: predictions, orders to the proxy, and complete removal."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stanlocal.errors import EngineError, Refused, SettingsError
from stanlocal.faults import healing, injection, outcome
from stanlocal.faults.base import Fault
from stanlocal.faults.network import FlakyNetwork, SlowNetwork
from stanlocal.faults.toxics import Toxic
from stanlocal.model.plan import GroupPlan, NodePlan
from stanlocal.testing.fake.proxy import FakeProxy
from tests.support.world import World


@pytest.fixture(autouse=True)
def _greeted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake's servers listen nowhere."""

    async def seconds_to_info(plan: GroupPlan, node: NodePlan, timeout_s: float) -> float:
        return 0.2

    monkeypatch.setattr("stanlocal.faults.network.seconds_to_info", seconds_to_info)


ROUTES = {"routes-t-0-t-1", "routes-t-1-t-0"}


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (SlowNetwork(), "each message takes 200 ms longer, an answer 400 ms"),
        (SlowNetwork(latency_ms=50, jitter_ms=10), "50 ms ± 10 ms longer"),
        (SlowNetwork(latency_ms=0, bandwidth_kb=32), "a connection carries 32 KB/s each way"),
        (FlakyNetwork(), "20 % of the connections are reset, each ends after 64 KB"),
        (FlakyNetwork(reset_percent=0, silent_percent=30, limit_kb=None), "30 % go silent"),
    ],
)
def test_it_says_what_will_be_felt(fault: SlowNetwork | FlakyNetwork, told: str) -> None:
    assert told in fault.effect()


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: SlowNetwork(latency_ms=-1), "neither can be below 0"),
        (lambda: SlowNetwork(latency_ms=10, jitter_ms=11), "10 ms ± 11 ms"),
        (lambda: SlowNetwork(bandwidth_kb=0), "has to be 1 or more"),
        (lambda: SlowNetwork(latency_ms=0), "would do nothing"),
        (lambda: FlakyNetwork(reset_percent=101), "101 %"),
        (lambda: FlakyNetwork(silent_percent=-1), "-1 %"),
        (lambda: FlakyNetwork(limit_kb=0), "after 0 KB"),
        (lambda: FlakyNetwork(reset_percent=0, limit_kb=None), "would do nothing"),
    ],
)
def test_impossible_parameters_are_refused(make: Callable[[], Fault], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        make()


@pytest.mark.parametrize(("share", "toxicity"), [(0, 0), (0.19, 0.1), (0.75, 0.5), (1, 1)])
def test_the_chances_of_both_directions_come_to_the_share_of_connections(
    share: float, toxicity: float
) -> None:
    assert Toxic("timeout", share=share).toxicity == pytest.approx(toxicity)
    assert Toxic("reset_peer", share=share, directions=("downstream",)).toxicity == pytest.approx(share)


async def injected(world: World, fault: Fault, *targets: str) -> FakeProxy:
    await injection.inject(world.group(), fault, targets)
    return world.machine.proxies["t"]


@pytest.mark.parametrize(
    ("fault", "targets", "ways"),
    [
        (SlowNetwork(), (), {"clients-t-0", "clients-t-1"}),
        (SlowNetwork(), ("t-1",), {"clients-t-1"}),
        (SlowNetwork("nodes"), ("t-0",), ROUTES),
        (FlakyNetwork("all"), ("@active",), {"clients-t-0", *ROUTES}),
        (FlakyNetwork("all"), (), {"clients-t-0", "clients-t-1", *ROUTES}),
    ],
)
async def test_it_acts_on_the_ways_of_its_targets_until_it_is_healed(
    world: World, fault: Fault, targets: tuple[str, ...], ways: set[str]
) -> None:
    await world.up(proxied=True)
    proxy = await injected(world, fault, *targets)
    assert proxy.poisoned == ways
    [healed] = await healing.heal(world.group())
    assert not healed.in_force
    assert proxy.poisoned == set()


async def test_healed_on_one_node_it_goes_on_for_the_others(world: World) -> None:
    await world.up(proxied=True)
    proxy = await injected(world, SlowNetwork("all"), "@all")
    await healing.heal(world.group(), ["t-0"])
    assert proxy.poisoned == {"clients-t-1", *ROUTES}
    await healing.heal(world.group(), ["t-1"])
    assert proxy.poisoned == set()


async def test_each_of_two_faults_on_one_route_removes_its_own_part(world: World) -> None:
    await world.up(proxied=True)
    proxy = await injected(world, SlowNetwork(), "t-0")
    first = set(proxy.toxics["clients-t-0"])
    second = await injection.inject(world.group(), FlakyNetwork(), ["t-0"])
    await healing.heal(world.group(), id_=second.id)
    assert set(proxy.toxics["clients-t-0"]) == first


async def test_a_half_injected_fault_is_removed_when_the_rest_fails(world: World) -> None:
    await world.up(proxied=True)
    world.machine.proxies["t"].refuses = "clients-t-1"
    with pytest.raises(EngineError, match="the proxy refused 'toxic add"):
        await injection.inject(world.group(), SlowNetwork())
    assert world.machine.proxies["t"].poisoned == set()
    assert not any(fault.in_force for fault in world.home.journal.faults())


async def test_it_is_over_with_the_proxy_that_it_acted_on(world: World) -> None:
    await world.up(proxied=True)
    await injected(world, SlowNetwork())
    del world.machine.proxies["t"]
    [healed] = await healing.heal(world.group())
    assert not healed.in_force


async def test_up_heals_it(world: World) -> None:
    await world.up(proxied=True)
    proxy = await injected(world, FlakyNetwork())
    await world.up()
    assert proxy.poisoned == set()


@pytest.mark.parametrize(
    ("fault", "felt"),
    [
        (SlowNetwork(), "t-0 sends INFO to a client after 200 ms, t-1 sends INFO to a client after 200 ms"),
        (FlakyNetwork("all"), "t-0 sends INFO to 20 of 20 clients, t-1 sends INFO to 20 of 20 clients"),
        (SlowNetwork("nodes"), None),
    ],
)
async def test_the_latency_of_clients_is_observed(world: World, fault: Fault, felt: str | None) -> None:
    await world.up(proxied=True)
    record = await injection.inject(world.group(), fault)
    assert record.notes.get("felt") == felt
    observed = (await outcome.watch_outcome(world.group(), record, at_most=0)).observed
    assert observed == "; ".join(filter(None, ("no failover: t-0 serves on; the group is healthy", felt)))


async def test_without_a_proxy_it_says_how_to_get_one(world: World) -> None:
    await world.up()
    with pytest.raises(Refused, match=r"has no proxy in its path; .*'stanlocal --group t up --proxied'"):
        await injection.inject(world.group(), SlowNetwork())
    assert world.home.journal.faults() == []


async def test_a_lone_node_has_no_network_to_other_nodes(world: World) -> None:
    await world.up(proxied=True, nodes=1)
    with pytest.raises(Refused, match="needs another node"):
        await injection.inject(world.group(), SlowNetwork("nodes"))


# Groups with a proxy


async def test_a_proxy_comes_and_goes_with_the_setting(world: World) -> None:
    """All nodes are made again then: their client ports pass to the proxy, or back."""
    await world.up()
    before = world.ids
    await world.up(proxied=True)
    assert "t" in world.machine.proxies
    assert world.ids.keys() == before.keys()
    assert not set(world.ids.values()) & set(before.values())
    proxied = world.ids
    assert (await world.up()).plan.proxied
    assert world.ids == proxied
    assert not (await world.up(proxied=False)).plan.proxied
    assert world.machine.proxies == {}
