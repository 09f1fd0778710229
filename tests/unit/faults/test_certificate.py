"""Certificates that go bad, on a fake machine: what is refused, written, recorded and undone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stanlocal.certificates.authority import expiry, is_good
from stanlocal.errors import GroupError, Refused, SettingsError
from stanlocal.faults import healing, injection
from stanlocal.faults.certificate import ExpireCertificate, WrongCertificate
from stanlocal.group.reload import reload
from stanlocal.model.states import GroupState
from tests.support.output import output_of
from tests.support.world import World


def good(world: World, node: str) -> bool:
    """Whether the node has a certificate of the group's CA that does not end soon."""
    authority = (world.home.secrets.folder / "ca.pem").read_bytes()
    found = (world.home.folder / "conf" / node / "server.pem").read_bytes()
    return is_good(found, authority, [node], at=datetime.now(UTC))


@pytest.mark.parametrize("targets", [["t-0"], ["@all"]])
async def test_only_the_targets_get_a_bad_certificate_and_all_are_good_again(
    world: World, targets: list[str]
) -> None:
    await world.up(secure=True)
    record = await injection.inject(world.group(), WrongCertificate(), targets)
    assert [not good(world, name) for name in ("t-0", "t-1")] == [
        name in record.targets for name in ("t-0", "t-1")
    ]
    before = world.starts
    await healing.heal(world.group())
    assert good(world, "t-0")
    assert good(world, "t-1")
    assert world.starts == before, "a reload is enough"
    assert (await world.group().look()).status.state is GroupState.HEALTHY


async def test_a_certificate_that_expires_is_hit_once_it_has(world: World) -> None:
    await world.up(secure=True)
    record = await injection.inject(world.group(), ExpireCertificate(1))
    ends = expiry((world.home.folder / "conf" / record.targets[0] / "server.pem").read_bytes())
    assert ends < record.times[record.targets[0]] <= datetime.now(UTC)
    assert "certificate has expired" in (record.expected or "")


async def test_no_key_is_in_the_journal(world: World) -> None:
    await world.up(secure=True)
    await injection.inject(world.group(), WrongCertificate(), ["@all"])
    texts = [path.read_text() for path in world.home.folder.glob("*.jsonl")]
    assert texts
    assert not any("PRIVATE" in text or "CERTIFICATE" in text for text in texts)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "needs a group with a CA of its own.*up --secure"),
        ({"secure": True, "nats": {"authorization": {"token": "x"}}}, "nats.authorization.token"),
    ],
)
async def test_where_it_is_impossible_nothing_is_touched(
    world: World, settings: dict[str, object], why: str
) -> None:
    await world.up(**settings)
    with pytest.raises(Refused, match=why):
        await injection.inject(world.group(), WrongCertificate())
    assert world.home.journal.faults() == []


@pytest.mark.parametrize("seconds", [0, 0.5, 61])
def test_impossible_times_are_refused(seconds: float) -> None:
    with pytest.raises(SettingsError, match="give 1 to 60 s"):
        ExpireCertificate(seconds)


async def test_a_paused_node_is_refused_and_one_paused_later_is_healed(world: World) -> None:
    await world.up(secure=True)
    record = await injection.inject(world.group(), WrongCertificate(), ["t-0"])
    await world.engine.pause("t-0")
    await healing.heal(world.group(), id_=record.id)
    assert good(world, "t-0")
    with pytest.raises(Refused, match="unpause them first"):
        await injection.inject(world.group(), WrongCertificate(), ["t-0"])


async def test_a_renewed_certificate_is_reloaded_by_up(world: World) -> None:
    """Only by a node that was not made again anyway."""
    look = await world.up(secure=True)
    (world.home.folder / "conf" / "t-1" / "server.pem").unlink()
    before = world.ids
    await world.up()
    assert good(world, "t-1")
    assert world.ids == before
    lines = [line.text for line in await output_of(world.engine, "t-1")]
    assert any("Reloaded server configuration" in line for line in lines)
    assert look.plan.secure


async def test_a_reload_ends_with_the_server(world: World) -> None:
    await world.up()
    await world.engine.signal("t-0", "SIGKILL")
    with pytest.raises(GroupError, match="t-0 did not reload its configuration \\(it has ended\\)"):
        await reload(world.group(), "t-0")
