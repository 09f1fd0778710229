"""`store` and `export grafana` as users run them, on a folder that came from elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.cli import Cli, the_error
from tests.support.damage import DAT, MIDDLE, flip, sound


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return sound(tmp_path / "store")


def test_the_content_of_a_store_is_one_document(cli: Cli, store: Path) -> None:
    document = cli.json("store", "--dir", str(store))
    (channel,) = document["channels"]
    assert document["server"]["cluster_id"] == "test-cluster"
    assert (channel["name"], channel["msgs"], channel["first_seq"], channel["last_seq"]) == (
        "orders",
        1300,
        1,
        1300,
    )
    assert [each["msgs"] for each in channel["slices"]] == [1000, 300]
    (sub,) = channel["subscriptions"]
    assert (sub["durable_name"], sub["pending_count"], sub["pending"]) == ("d", 199, list(range(1, 11)))
    assert cli.json("store", "--dir", str(store), "--channel", "x*")["channels"] == []


def test_verify_ends_with_0_on_a_sound_store_and_5_on_a_damaged_one(cli: Cli, store: Path) -> None:
    assert cli.json("store", "verify", "--dir", str(store))["ok"] is True
    flip(DAT, MIDDLE + 30)(store)
    done = cli.run("store", "verify", "--dir", str(store), "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["ok"], document["starts"]) == (5, False, True)
    (problem,) = document["problems"]
    assert (problem["kind"], problem["file"], problem["offset"]) == ("message-damaged", DAT, MIDDLE)
    told = cli.run("store", "verify", "--dir", str(store)).stdout
    assert f"message-damaged  {DAT} at {MIDDLE}: sequence 501" in told
    assert "fix: " in told


def test_messages_are_dumped_by_range_in_each_format(cli: Cli, store: Path) -> None:
    window = ("store", "dump", "orders", "--dir", str(store), "--from", "1000", "--to", "1001")
    lines = [json.loads(line) for line in cli.ok(*window, "--format", "jsonl").splitlines()]
    assert [line["seq"] for line in lines] == [1000, 1001]
    assert lines[0]["data"].startswith("0999")
    assert cli.ok(*window).splitlines()[1].split("\t")[2] == "q" * 30
    assert cli.ok(*window, "--format", "hex").splitlines()[1].split("\t")[2] == "71" * 30
    assert len(cli.ok("store", "dump", "orders", "--dir", str(store), "--count", "7").splitlines()) == 7
    later = cli.ok("store", "dump", "orders", "--dir", str(store), "--since", "2023-11-14T22:13:21.299Z")
    assert [line.split("\t")[0] for line in later.splitlines()] == ["1299", "1300"]


def test_a_dump_goes_on_behind_a_damaged_message_and_says_so(cli: Cli, store: Path) -> None:
    flip(DAT, MIDDLE)(store)
    done = cli.run("store", "dump", "orders", "--dir", str(store), "--from", "500", "--to", "503")
    assert done.returncode == 1
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["500", "502", "503"]
    assert f"damaged: {DAT} at {MIDDLE}" in done.stderr


def test_differences_of_two_stores_are_listed_by_sequence(cli: Cli, store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(store, other)
    assert cli.json("store", "diff", str(store), str(other))["same"] is True
    flip(DAT, MIDDLE + 30)(other)
    (other / "orders" / "msgs.2.dat").unlink()
    done = cli.run("store", "diff", str(store), str(other), "--json")
    (channel,) = json.loads(done.stdout)["channels"]
    assert done.returncode == 1
    assert channel["only_a"] == {"count": 301, "ranges": [[501, 501], [1001, 1300]]}
    assert (channel["only_b"]["count"], channel["different"]["count"]) == (0, 0)
    assert channel["damaged"] == [0, 1]
    itself = cli.run("store", "diff", str(other), str(other))
    assert (itself.returncode, itself.stdout) == (1, "orders: damaged messages: 1 in A, 1 in B\n")


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("store", "--dir", "nowhere"), 2, "cannot read the store nowhere"),
        (("store", "verify", "--dir", "."), 2, "is not a store of the server"),
        (("store", "dump", "bills", "--dir", "store"), 2, "no channel 'bills' in store; it has orders"),
        (("store", "diff", "store", "nowhere"), 2, "cannot read the store nowhere"),
        (("--group", "none-such", "store"), 4, "no group 'none-such'"),
        (("metrics", "--listen", "7777"), 2, "'7777' is not an address"),
    ],
)
def test_an_unreadable_store_is_reported_in_one_line(
    cli: Cli, store: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, error: str
) -> None:
    (tmp_path / "x").touch()
    done = cli.run(*arguments)
    assert done.returncode == code
    assert error in the_error(done)


def test_nothing_in_a_store_is_written_or_touched(cli: Cli, store: Path) -> None:
    def state() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(store.rglob("*"))}

    before = state()
    for arguments in ((), ("verify",), ("dump", "orders")):
        cli.ok("store", *arguments, "--dir", str(store))
    assert state() == before


def test_the_dashboard_is_json_that_grafana_takes(cli: Cli, tmp_path: Path) -> None:
    dashboard = json.loads(cli.ok("export", "grafana"))
    assert dashboard["panels"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    cli.ok("export", "grafana", "--output", str(tmp_path))
    written = json.loads((tmp_path / "stanlocal-dashboard.json").read_text())
    assert written.pop("__written_by").startswith("written by stanlocal")
    assert written == dashboard
