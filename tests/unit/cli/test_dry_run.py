"""`up --dry-run`, run as a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stanlocal.cli.context import Context
from stanlocal.cli.group import up
from stanlocal.errors import SettingsError
from tests import seed

_CONF = """port: 4222
http: 8222
authorization { user: ann, password: s3cret }
cluster { listen: 0.0.0.0:6222, name: prod, routes: [nats://a:6222, nats://b:6222, nats://c:6222] }
streaming {
  id: orders
  store: file
  dir: /data
  ft_group: g
  limits { max_msgs: 7, max_bytes: 5kb, max_age: "36h", channels { "a.>" { max_msgs: 3 } } }
}
"""


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def run(*arguments: str, as_json: bool = False) -> Result:
    return CliRunner().invoke(up, ["--dry-run", *arguments], obj=Context(json=as_json))


def test_what_matters_comes_first_then_changes_then_what_is_left_out() -> None:
    Path("stan.conf").write_text(_CONF)
    assert run("--from", "stan.conf").stdout.splitlines() == [
        "stan, from stan.conf, a stan.conf, would run:",
        "  nodes       4 of nats-streaming:0.25.6 (line 4)",
        "  cluster id  orders (line 6)",
        "  FT group    g (line 9)",
        "  store       file, in the group's state folder",
        "  limits      max_channels 100, max_msgs 7, max_bytes 5kb, max_age 36h, max_subs 1000",
        "    a.>       max_msgs 3",
        "  NATS        "
        "nats://127.0.0.1:4222,nats://127.0.0.1:4223,nats://127.0.0.1:4224,nats://127.0.0.1:4225",
        "  logins      user ann",
        "changed:",
        "  line 4: cluster.routes (nats://a:6222, nats://b:6222, nats://c:6222) changed: "
        "4 nodes, as the routes "
        "lead to the others (a, b, c); --nodes sets another number",
        "left out:",
        "  line 4: cluster.name ('prod') left out: stanlocal writes the routes between the nodes",
        "  line 8: streaming.dir ('/data') left out: stanlocal mounts the store itself; set store_dir, the "
        "folder on the host",
    ]


def test_what_is_left_out_for_one_reason_is_one_line() -> None:
    left_out = run("--from", str(seed.EFS)).stdout.partition("left out:\n")[2].splitlines()
    reasons = [line.rpartition(": ")[2] for line in left_out]
    assert len(reasons) == len(set(reasons))
    assert "Role/leader-locking-efs-provisioner (line 40)" in left_out[0]
    assert left_out[0].endswith(": the servers need no rights in a cluster")


def test_json_has_every_finding_and_no_secret() -> None:
    Path("stan.conf").write_text(_CONF)
    result = run("--from", "stan.conf", as_json=True)
    document = json.loads(result.stdout)
    assert (document["nodes"], document["cluster_id"], document["ft_group"]) == (4, "orders", "g")
    assert document["files"] == {"stan.conf": "a stan.conf"}
    assert [each["what"] for each in document["left_out"]] == [
        "cluster.name ('prod')",
        "streaming.dir ('/data')",
    ]
    assert document["changed"][0]["place"] == "stan.conf:4:45"
    assert document["sources"]["streaming.store_limits.max_msgs"] == "stan.conf:10:12"
    assert document["sources"]["streaming.store_limits.max_subs"] == "the server's default, for stan.conf"
    assert "s3cret" not in result.output


def test_flags_count_and_each_file_is_named() -> None:
    Path("run.sh").write_text("nats-streaming-server -sc stan.conf\n")
    Path("stan.conf").write_text(_CONF)
    result = run("--from", "run.sh", "--from", "stan.conf", "--nodes", "3", "--port", "5000")
    assert "  nodes       3 of nats-streaming:0.25.6 (flag --nodes)" in result.stdout
    assert "nats://127.0.0.1:5000,nats://127.0.0.1:5001,nats://127.0.0.1:5002" in result.stdout
    assert "files:\n  run.sh is read as a script\n  stan.conf is read as a stan.conf\n" in result.stdout


def test_without_a_deployment_it_is_stanlocals_own_group() -> None:
    result = run()
    assert "  cluster id  test-cluster (stanlocal's default)" in result.stdout
    assert "left out" not in result.stdout
    assert not Path("state").exists()


def test_a_deployment_that_cannot_run_is_refused_as_by_up() -> None:
    Path("stan.conf").write_text("streaming { store: memory }")
    assert isinstance(run("--from", "stan.conf").exception, SettingsError)
