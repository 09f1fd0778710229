"""The files of a secured group: what is made, who can read it, and when it is made again."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stanlocal.certificates.authority import expiry, is_good
from stanlocal.certificates.hosts import node_hosts
from stanlocal.errors import GroupError
from stanlocal.group.home import GroupHome
from stanlocal.group.secured_files import authority_of, keep_files
from stanlocal.model.placement import plan_group
from stanlocal.model.plan import GroupPlan

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRETS = {"ca.pem", "ca.key", "client.pem", "client.key", "password"}


@pytest.fixture
def home(tmp_path: Path) -> GroupHome:
    return GroupHome(tmp_path / "g")


@pytest.fixture
def plan(home: GroupHome) -> GroupPlan:
    return plan_group(
        group="g",
        image="i",
        ports=[(4222, 8222), (4223, 8223)],
        store_dir="/s",
        state_dir=str(home.folder),
        user=f"{os.getuid()}:{os.getgid()}",
        streaming={"cluster_id": "c", "ft_group_name": "c"},
        nats={},
        secure=True,
    )


def contents(home: GroupHome) -> dict[str, bytes]:
    return {
        str(path.relative_to(home.folder)): path.read_bytes()
        for path in home.folder.rglob("*")
        if path.is_file()
    }


def test_every_file_is_its_owners_alone(home: GroupHome, plan: GroupPlan) -> None:
    assert keep_files(home, plan, now=NOW) == ["g-0", "g-1"]
    assert {path.name for path in home.secrets.folder.iterdir()} == SECRETS
    for path in (home.secrets.folder, *home.secrets.folder.iterdir(), *home.folder.glob("conf/*/*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    assert not any("ca.key" in path.name for path in home.folder.glob("conf/*/*")), (
        "no server has the CA's key"
    )


def test_nothing_is_made_again_while_it_fits(home: GroupHome, plan: GroupPlan) -> None:
    keep_files(home, plan, now=NOW)
    before = contents(home)
    assert keep_files(home, plan, now=NOW + timedelta(days=700)) == []
    assert contents(home) == before


def test_what_ends_soon_is_made_again_by_the_same_ca(home: GroupHome, plan: GroupPlan) -> None:
    keep_files(home, plan, now=NOW)
    before = contents(home)
    later = NOW + timedelta(days=800)
    assert keep_files(home, plan, now=later) == ["g-0", "g-1"]
    after = contents(home)
    assert {name for name in before if before[name] == after[name]} == {
        *(f"secrets/{name}" for name in ("ca.pem", "ca.key", "password")),
        *(f"conf/{node}/ca.pem" for node in ("g-0", "g-1")),
    }
    assert expiry(after["conf/g-0/server.pem"]) > later + timedelta(days=700)


def test_a_ca_that_ends_takes_its_certificates_with_it(home: GroupHome, plan: GroupPlan) -> None:
    keep_files(home, plan, now=NOW)
    before = contents(home)
    assert keep_files(home, plan, now=NOW + timedelta(days=3640)) == ["g-0", "g-1"]
    after = contents(home)
    assert [name for name in before if before[name] == after[name]] == ["secrets/password"]


def test_a_new_node_and_a_new_address_get_certificates(home: GroupHome, plan: GroupPlan) -> None:
    keep_files(home, plan, now=NOW)
    third = replace(plan.nodes[1], name="g-2", index=2, route_host="g-2.g")
    assert keep_files(home, replace(plan, nodes=(*plan.nodes, third)), now=NOW) == ["g-2"]
    assert keep_files(home, replace(plan, host="docker"), now=NOW) == ["g-0", "g-1"]


@pytest.mark.parametrize("damage", [b"", b"nonsense"])
def test_damaged_files_are_replaced(home: GroupHome, plan: GroupPlan, damage: bytes) -> None:
    keep_files(home, plan, now=NOW)
    (home.folder / "conf/g-1/server.pem").write_bytes(damage)
    assert keep_files(home, plan, now=NOW) == ["g-1"]
    (home.secrets.folder / "ca.pem").write_bytes(damage)
    assert keep_files(home, plan, now=NOW) == ["g-0", "g-1"]
    node = plan.nodes[0]
    found = (home.folder / "conf/g-0/server.pem").read_bytes()
    assert is_good(found, authority_of(home).certificate, node_hosts(plan, node), at=NOW)


def test_other_nodes_are_left_alone_unless_the_ca_is_new(home: GroupHome, plan: GroupPlan) -> None:
    keep_files(home, plan, now=NOW)
    for node in plan.nodes:
        (home.folder / "conf" / node.name / "server.pem").write_bytes(b"")
    assert keep_files(home, plan, only=["g-0"], now=NOW) == ["g-0"]
    (home.secrets.folder / "ca.key").unlink()
    with pytest.raises(GroupError, match=r"does not hold the group's CA; run 'stanlocal up'"):
        authority_of(home)
    assert keep_files(home, plan, only=["g-0"], now=NOW) == ["g-0", "g-1"]


def test_a_purge_forgets_them(home: GroupHome, plan: GroupPlan) -> None:
    keep_files(home, plan, now=NOW)
    home.forget()
    assert contents(home) == {}
