"""What a group's servers and clients read, written by `up`: it is kept, and put back when an `up` fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stanlocal.access.group_access import access_to, connect_options
from stanlocal.access.login import Access
from stanlocal.certificates.authority import issue, make_authority
from stanlocal.errors import EngineUnavailable, LoginError, NodeFailed, SettingsError, StoreRefused
from stanlocal.lifecycle import up
from stanlocal.lifecycle.configuration import _digest
from stanlocal.lifecycle.down import down
from stanlocal.model.plan import fingerprint
from stanlocal.store.guard.purge import PurgeReport
from stanlocal.testing.fake.server import Trouble
from tests.support.world import World
from tests.unit.lifecycle.test_up import FATAL

LOGIN = {"authorization": {"user": "stan", "password": "first"}}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def with_certificate(folder: Path) -> dict[str, Any]:
    pair = issue(make_authority("test"), "server", hosts=["localhost", "127.0.0.1"])
    (folder / "c.pem").write_bytes(pair.certificate)
    (folder / "k.pem").write_bytes(pair.key)
    return {"tls": {"cert_file": str(folder / "c.pem"), "key_file": str(folder / "k.pem")}}


async def test_login_is_known_to_later_commands(world: World) -> None:
    await world.up(nats=LOGIN)
    plan = (await world.up()).plan
    assert access_to(plan) == Access(user="stan", password="first")
    assert b'"first"' in contents(world.home.folder)["conf/t-0/stan.conf"]
    assert "first" not in repr(plan)


async def test_failed_up_puts_back_secrets_and_configuration(world: World, tmp_path: Path) -> None:
    await world.up(nats=LOGIN)
    folders = [world.home.folder / "secrets", world.home.folder / "conf"]
    before = [contents(folder) for folder in folders]
    world.machine.troubles["t-1"] = Trouble("boot", FATAL)
    with pytest.raises(NodeFailed):
        await world.up(nats={**with_certificate(tmp_path), "authorization": {"token": "second"}})
    assert [contents(folder) for folder in folders] == before


async def test_failed_up_puts_back_plan_and_configuration_also_while_the_engine_is_away(world: World) -> None:
    await world.up(nats=LOGIN)
    folder = world.home.folder
    before = contents(folder)

    async def lose_the_engine() -> None:
        world.machine.lost = "gone"
        raise StoreRefused("in the way")

    request = world.request(nats={"authorization": {"token": "second"}}, streaming={"hb_interval": "7s"})
    with pytest.raises(EngineUnavailable):
        await up.up(world.group(), replace(request, meanwhile=lose_the_engine))
    assert {name: data for name, data in contents(folder).items() if not name.startswith("logs/")} == before


async def test_failed_first_up_leaves_no_secret(world: World) -> None:
    world.machine.troubles["t-1"] = Trouble("boot", FATAL)
    with pytest.raises(NodeFailed):
        await world.up(nats=LOGIN)
    assert not (world.home.folder / "secrets").exists()


async def test_failed_up_leaves_everything_of_a_group_whose_plan_was_moved_away(world: World) -> None:
    await world.up(nats=LOGIN)
    await down(world.group())
    (world.home.folder / "snapshots" / "one").mkdir(parents=True)
    (world.home.folder / "snapshots" / "one" / "server.dat").write_bytes(b"kept")
    world.home.plan_file.rename(world.folder / "group.json")
    before = contents(world.home.folder)
    world.machine.troubles["t-1"] = Trouble("boot", FATAL)
    with pytest.raises(NodeFailed):
        await world.up(nodes=3, nats={"authorization": {"token": "second"}}, secure=True)
    assert contents(world.home.folder) == before


async def test_lost_secrets_stop_the_up_before_anything_changes(world: World) -> None:
    look = await world.up(nats=LOGIN)
    world.home.secrets.put("settings.json", None)
    ids = world.ids
    with pytest.raises(SettingsError, match="STANLOCAL_NATS__AUTHORIZATION__PASSWORD"):
        await world.up(nodes=3)
    assert world.ids == ids
    with pytest.raises(LoginError, match="STANLOCAL_NATS__AUTHORIZATION__PASSWORD"):
        access_to(look.plan)
    await world.up(nats={"authorization": {"password": "first"}})
    assert access_to(look.plan).password == "first"


async def test_changed_certificate_replaces_the_nodes(world: World, tmp_path: Path) -> None:
    nats = with_certificate(tmp_path)
    await world.up(nats=nats)
    before = world.ids
    await world.up()
    assert world.ids == before
    with_certificate(tmp_path)
    await world.up()
    assert not set(world.ids.values()) & set(before.values())
    copy = world.home.folder / "conf" / "t-0" / "nats.tls.cert_file"
    assert copy.read_bytes() == (tmp_path / "c.pem").read_bytes()


@pytest.mark.parametrize("kind", ["login", "certificate", "secured"])
async def test_no_secret_can_be_guessed_from_the_labels(world: World, tmp_path: Path, kind: str) -> None:
    """Whoever knows everything but the key of the group's own cannot check a guess."""
    asked: dict[str, dict[str, Any]] = {
        "login": {"nats": LOGIN},
        "certificate": {"nats": with_certificate(tmp_path)},
        "secured": {"secure": True},
    }
    plan = (await world.up(**asked[kind])).plan
    node = plan.nodes[0]
    key = world.home.secrets.content("fingerprint")
    assert key is not None
    assert len(key) == 32
    files = contents(Path(plan.conf_dir(node)))
    conf = files.pop("stan.conf").decode()
    conf += _digest({name: files[name] for name in files if name.startswith(("nats.", "streaming."))})
    shown = world.machine.nodes[node.name].fingerprint
    assert shown == fingerprint(plan, node, conf, key)
    assert shown != fingerprint(plan, node, conf)


async def test_changed_password_replaces_the_nodes(world: World) -> None:
    await world.up(nats=LOGIN)
    before = world.ids
    await world.up(nats={"authorization": {"password": "second"}})
    assert not set(world.ids.values()) & set(before.values())


async def test_unset_login_is_gone_and_said_to_be(world: World) -> None:
    await world.up(nats={**LOGIN, "max_payload": 7})
    look = await world.up(unset=["nats.authorization"])
    assert look.plan.nats == {"max_payload": 7}
    assert "warning: t is less protected than before: clients need no login" in world.said
    assert not (world.home.folder / "secrets" / "settings.json").exists()
    assert b"authorization" not in contents(world.home.folder)["conf/t-0/stan.conf"]


async def test_other_logins_are_said_to_be_others(world: World) -> None:
    """A file in the working directory may bring them, and that is no secret."""
    await world.up(nats=LOGIN)
    await world.up()
    said = "the logins of t are no longer those that it had: "
    assert not [line for line in world.said if line.startswith(said)]
    file = world.folder / "stanlocal.toml"
    file.write_text('[nats.authorization]\ntoken = "second"\n')
    await world.up()
    assert f"{said}{file}" in world.said
    users = [{"user": "a", "password": "second"}]
    await world.up(
        nats={"accounts": {"A": {"users": users}}}, streaming={"username": "a", "password": "second"}
    )
    assert f"{said}argument nats.accounts" in world.said
    assert "second" not in str(world.said)


async def test_found_file_that_takes_protection_away_changes_nothing(world: World) -> None:
    await world.up(secure=True)
    ids, files = world.ids, contents(world.home.folder)
    (world.folder / "stanlocal.toml").write_text("secure = false\n")
    with pytest.raises(SettingsError, match="would take protection from the group"):
        await world.up()
    assert (world.ids, contents(world.home.folder)) == (ids, files)
    assert not (await world.up(secure=False)).plan.secure


async def test_user_without_a_password_is_not_let_in(world: World) -> None:
    with pytest.raises(SettingsError, match="STANLOCAL_NATS__AUTHORIZATION__PASSWORD"):
        await world.up(nats={"authorization": {"user": "stan"}})
    assert world.left == {}


async def test_nodes_without_secrets_stay_for_another_state_folder(world: World) -> None:
    """Their fingerprints need no key, which the other folder would not have."""
    await world.up()
    assert not (world.home.folder / "secrets").exists()


async def test_nodes_that_are_gone_leave_no_secret(world: World) -> None:
    await world.up(secure=True, nodes=3)
    await world.up(secure=False, nodes=2, nats=LOGIN)
    conf = contents(world.home.folder / "conf")
    assert conf.keys() == {"t-0/stan.conf", "t-1/stan.conf"}


async def test_keys_that_cannot_be_removed_are_named_until_they_are_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.up(secure=True, nodes=2)
    key = world.home.folder / "conf" / "t-1" / "server.key"
    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", unlink_but(key.name))
        await world.up(nodes=1)
        said = [line for line in world.said if line.startswith("not removed: ")]
        assert said == [
            f"not removed: {key} (Operation not permitted); it can hold keys, so remove it yourself, or run "
            "'stanlocal up' again"
        ]
        assert contents(key.parent).keys() == {key.name}
        purged = (await down(world.group(), purge_store=True)).purged
        assert purged is not None
        assert [left.endswith("/server.key (Operation not permitted)") for left in purged.failed] == [True]
    assert (await down(world.group(), purge_store=True)).purged == PurgeReport()
    assert world.left == {}


def unlink_but(kept: str) -> Callable[..., None]:
    """Return an `os.unlink` that files of this name withstand."""
    unlink = os.unlink

    def unlink_others(path: str | Path, *, dir_fd: int | None = None) -> None:
        if Path(path).name == kept:
            raise PermissionError(1, "Operation not permitted", path)
        unlink(path, dir_fd=dir_fd)

    return unlink_others


async def test_seed_is_copied_for_the_nodes_only(world: World, tmp_path: Path) -> None:
    (tmp_path / "seed").write_text("SUABC")
    users = {"authorization": {"users": [{"nkey": "UABC"}]}}
    await world.up(nats=users, streaming={"nkey_seed_file": str(tmp_path / "seed")})
    assert "streaming.nkey_seed_file" in {path.name for path in (world.home.folder / "conf/t-0").iterdir()}
    plan = (await world.up()).plan
    assert access_to(plan) == Access(nkey_seed=str(tmp_path / "seed"))


async def test_callers_own_login_replaces_the_groups_and_keeps_its_tls(world: World, tmp_path: Path) -> None:
    plan = (await world.up(nats={**with_certificate(tmp_path), **LOGIN})).plan
    assert connect_options(plan, {})["user"] == "stan"
    own = connect_options(plan, {"token": "t"})
    assert own.keys() == {"token", "tls"}
    assert connect_options(plan, {}, Access(user="me", password="p"))["user"] == "me"
    given = object()
    assert connect_options(plan, {"tls": given})["tls"] is given
