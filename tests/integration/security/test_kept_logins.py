"""A group lets in exactly whom it let in before, whatever writes its configuration again."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stanlocal.api import FTGroup, core_of
from stanlocal.errors import SettingsError
from stanlocal.group import store_snapshots
from stanlocal.model.states import GroupState
from tests.integration.security.logins import let_in

FIRST, SECOND = "first-secret-1c7e", "second-secret-93aa"
LOGINS: dict[str, dict[str, Any]] = {
    "none": {},
    "stan": {"user": "stan", "pass": FIRST},
    "orders": {"user": "orders", "pass": SECOND},
    "empty password": {"user": "stan", "pass": ""},
    "no password": {"user": "orders"},
    "wrong password": {"user": "stan", "pass": "wrong"},
    "another": {"user": "root", "pass": FIRST},
    "token": {"auth_token": FIRST},
}
TOML = f"""
[streaming]
username = "stan"
password = "{FIRST}"
[nats.authorization]
users = [{{ user = "stan", password = "{FIRST}" }}, {{ user = "orders", password = "{SECOND}" }}]
"""
RIGHT = {"stan", "orders"}


@pytest.fixture
async def name(
    on_engine: str, group_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """A group whose passwords came from a file that later commands do not have; purged at the end."""
    config = tmp_path / "stanlocal.toml"
    config.write_text(TOML)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    group = FTGroup(group=group_name, config=config)
    await group.up()
    await group.close()
    config.unlink()
    yield group_name
    group = FTGroup(group=group_name)
    await group.down(timeout=0, purge=True)
    await group.close()


async def who(group: FTGroup) -> set[str]:
    look = await group.look()
    assert look.status.state is GroupState.HEALTHY
    return await let_in(look.plan, LOGINS)


async def test_no_command_lets_in_another_than_before(
    name: str, state_home: Path, tmp_path: Path, on_engine: str
) -> None:
    group = FTGroup(group=name)
    assert await who(group) == RIGHT
    await group.close()
    await _up_again(name)
    await _acts_on_nodes(name)
    await _restores_the_store(name)
    await _imports(name, tmp_path)
    if on_engine == "process":
        await _ends_as_it_was_found(name)
    folder = state_home / "stanlocal" / name / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    group = FTGroup(group=name)
    await group.down(timeout=0, purge=True)
    await group.close()
    assert not folder.exists()


async def _up_again(name: str) -> None:
    for group, recreate in (
        (FTGroup(group=name), False),
        (FTGroup(group=name, nodes=3), True),
    ):
        await group.up(recreate=recreate)
        assert await who(group) == RIGHT
        await group.close()


async def _acts_on_nodes(name: str) -> None:
    group = FTGroup(group=name)
    await group.kill("@active")
    await group.heal()
    await group.wait_state(GroupState.HEALTHY)
    await group.restart("@standby", timeout=0)
    await group.wait_state(GroupState.HEALTHY)
    assert await who(group) == RIGHT
    await group.close()


async def _restores_the_store(name: str) -> None:
    group = FTGroup(group=name)
    await group.down(timeout=0)
    core = await core_of(group)
    await store_snapshots.snapshot(core, "s")
    await store_snapshots.restore(core, "s")
    await group.up()
    assert await who(group) == RIGHT
    await group.close()


async def _imports(name: str, tmp_path: Path) -> None:
    conf = tmp_path / "stan.conf"
    conf.write_text('max_payload: 2000000\nstreaming { store: file, dir: "x", ft_group_name: g }\n')
    group = FTGroup(group=name, from_file=conf)
    look = await group.up()
    assert look.plan.nats["max_payload"] == 2_000_000
    assert await who(group) == RIGHT
    await group.close()


async def _ends_as_it_was_found(name: str) -> None:
    """A block with other logins gives the group back with those that it had."""
    async with FTGroup(group=name, nats={"authorization": {"token": "another"}}) as group:
        assert await let_in((await group.look()).plan, LOGINS | {"new": {"auth_token": "another"}}) == {"new"}
    group = FTGroup(group=name)
    assert await who(group) == RIGHT
    await group.close()


async def test_without_its_secrets_a_group_is_not_written_again(name: str, state_home: Path) -> None:
    group = FTGroup(group=name)
    before = (await group.look()).status
    (state_home / "stanlocal" / name / "secrets" / "settings.json").unlink()
    with pytest.raises(SettingsError) as refused:
        await group.up(recreate=True)
    assert "STANLOCAL_STREAMING__PASSWORD_FILE" in refused.value.problems[0]
    assert "nats.authorization.users" in refused.value.problems[1]
    assert await who(group) == RIGHT
    after = (await group.look()).status
    assert [node.instance.id for node in after.nodes] == [node.instance.id for node in before.nodes]
    await group.close()
