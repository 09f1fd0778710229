"""`config show`, `config render`, `config validate`, run as commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stanlocal.cli.config import config
from stanlocal.cli.context import Context
from stanlocal.errors import NodeNotFound, SettingsError
from stanlocal.lifecycle.engine_choice import group_home
from stanlocal.model.placement import plan_group
from stanlocal.settings import HIDDEN
from stanlocal.settings.presets import DEFAULTS
from tests.support.natsconf import parse

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def run(
    *arguments: str, as_json: bool = False, environ: Mapping[str, str] | None = None, **flags: Any
) -> Result:
    context = Context(json=as_json, flags=flags)
    return CliRunner(env=environ).invoke(config, arguments, obj=context)


def test_show_says_where_each_value_came_from_and_hides_secrets() -> None:
    Path("stanlocal.toml").write_text('[streaming.store_limits]\nmax_bytes = "1gb"\n')
    result = run(
        "show", nodes=3, environ={"STANLOCAL_NATS__AUTHORIZATION__TOKEN": SECRET, "STANLOCAL_PORT": "5000"}
    )
    rows = {line.split("  ")[0]: line for line in result.output.splitlines()}
    assert rows["nodes"].split() == ["nodes", "3", "flag", "--nodes"]
    assert rows["port"].split() == ["port", "5000", "environment", "STANLOCAL_PORT"]
    assert rows["nats.authorization.token"].split()[1] == HIDDEN
    assert rows["streaming.store_limits.max_bytes"].split()[1:] == ["1gb", str(Path.cwd() / "stanlocal.toml")]
    assert (
        rows["store_dir"].endswith("in the group's state folder  default") or "default" in rows["store_dir"]
    )
    assert SECRET not in result.output


def test_render_shows_the_routes_through_a_proxy() -> None:
    conf = parse(run("render", "1", proxied=True).stdout)
    assert conf["cluster"]["routes"] == ["nats://proxy.stan:20064"]


def test_render_shows_the_tls_of_a_secured_group_and_no_password() -> None:
    conf = parse(run("render", "1", "--secrets", secure=True).stdout)
    assert conf["https"] == "0.0.0.0:8222"
    assert conf["tls"]["cert_file"] == conf["cluster"]["tls"]["cert_file"] == "/etc/stan-config/server.pem"
    assert conf["authorization"]["users"] == [{"user": "stanlocal", "password": HIDDEN}]


def test_show_has_one_line_for_each_setting_whatever_is_in_it() -> None:
    result = run("show", nats={"no_auth_user": "a\nb\x1b[2J", "accounts": {"A": {"users": []}}})
    rows = result.output.splitlines()
    assert all(row.isprintable() for row in rows)
    assert sum(row.startswith("nats.accounts") for row in rows) == 1


def test_show_as_json_is_the_settings_with_their_sources() -> None:
    result = run("show", as_json=True, nodes=1, streaming={"username": "me", "password": SECRET})
    document = json.loads(result.stdout)
    assert (document["group"], document["nodes"], document["port"]) == ("stan", 1, None)
    assert document["streaming"]["password"] == HIDDEN
    assert document["sources"]["nodes"] == "flag --nodes"
    assert document["warnings"] == ["nodes is 1: with a single node there is no failover"]


@pytest.mark.parametrize("target", ["stan-1", "1"])
def test_render_prints_the_configuration_of_the_node_that_is_named(target: str) -> None:
    result = run("render", target, port=5000)
    conf = parse(result.stdout)
    assert conf["server_name"] == "stan-1"
    assert conf["client_advertise"] == "127.0.0.1:5001"


def test_render_takes_the_first_node_and_the_default_ports_by_itself() -> None:
    conf = parse(run("render").stdout)
    assert (conf["server_name"], conf["client_advertise"]) == ("stan-0", "127.0.0.1:4222")


def test_render_hides_secrets_until_they_are_asked_for() -> None:
    nats = {"authorization": {"token": SECRET}}
    assert parse(run("render", nats=nats).stdout)["authorization"]["token"] == HIDDEN
    assert parse(run("render", "--secrets", nats=nats).stdout)["authorization"]["token"] == SECRET


def test_render_as_json_names_the_node() -> None:
    document = json.loads(run("render", "0", as_json=True).stdout)
    assert document["node"] == "stan-0"
    assert parse(document["conf"])["server_name"] == "stan-0"


@pytest.mark.parametrize("target", ["2", "stan-2", "other-0", "@active"])
def test_render_refuses_a_node_that_is_not_planned(target: str) -> None:
    error = run("render", target).exception
    assert isinstance(error, NodeNotFound)
    assert "name one of stan-0, stan-1, or its index" in str(error)


def test_settings_that_cannot_be_used_are_the_main_commands_to_report() -> None:
    assert isinstance(run("show", nodes=0).exception, SettingsError)


def test_validate_says_ok() -> None:
    result = run("validate")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "ok\n", "")


def test_validate_reports_every_problem_and_exits_with_2() -> None:
    result = run("validate", nodes=0, port=70000)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "flag --nodes is 0; give 1 to 64",
        "flag --port is 70000; give 1 to 65535",
    ]


def test_validate_as_json_is_one_document_either_way() -> None:
    bad = run("validate", as_json=True, nodes=0)
    assert bad.exit_code == 2
    assert json.loads(bad.stdout) == {
        "ok": False,
        "problems": ["flag --nodes is 0; give 1 to 64"],
        "warnings": [],
    }
    assert json.loads(run("validate", as_json=True).stdout) == {"ok": True, "problems": [], "warnings": []}


def test_validate_checks_the_file_it_is_given() -> None:
    Path("other.toml").write_text("nodes = 99\n")
    result = run("validate", "other.toml")
    assert result.exit_code == 2
    assert result.stderr == f"{Path.cwd() / 'other.toml'}: nodes is 99; give 1 to 64\n"


def test_validate_warns_of_what_counts_only_in_a_named_file() -> None:
    Path("x.sh").touch()
    Path("stanlocal.toml").write_text('image = "other:1"\n[streaming.file_options]\nslice_script = "x.sh"\n')
    result = run("validate", "stanlocal.toml")
    assert (result.exit_code, result.stdout) == (0, "ok\n")
    assert [line.split(": ")[2].split()[0] for line in result.stderr.splitlines()] == [
        "image",
        "streaming.file_options.slice_archive_script",
    ]


def there(nodes: int = 3, *, secure: bool = False) -> None:
    """Note a group as one that was brought up before."""
    ports = [(5000 + index, 6000 + index) for index in range(nodes)]
    streaming = {**DEFAULTS["streaming"], "cluster_id": "orders", "encryption_key": HIDDEN}
    plan = plan_group(
        group="stan",
        image="mine:1",
        ports=ports,
        store_dir="/data",
        state_dir="",
        user="",
        streaming=streaming,
        nats={},
        secure=secure,
    )
    group_home("stan").save_plan(plan)


def test_show_and_render_are_of_the_group_that_is_there_and_say_so() -> None:
    before = run("show")
    assert "there is no group 'stan' yet: this is what 'up' would start" in before.stderr
    there()
    shown = run("show")
    rows = {line.split("  ")[0]: line.split() for line in shown.stdout.splitlines()}
    assert rows["nodes"][1:] == ["3", "the", "running", "group"]
    assert rows["streaming.cluster_id"][1] == "orders"
    assert "this is the group 'stan', which is there" in shown.stderr
    assert json.loads(run("show", as_json=True).stdout)["exists"] is True
    rendered = run("render", "2")
    conf = parse(rendered.stdout)
    assert (conf["client_advertise"], conf["streaming"]["id"]) == ("127.0.0.1:5002", "orders")
    assert "this is the group 'stan', which is there" in rendered.stderr


def test_validate_is_of_the_group_that_is_there() -> None:
    """A file that is found may set what it likes for a new group, and takes no protection from this one."""
    Path("stanlocal.toml").write_text("secure = false\n")
    assert run("validate").exit_code == 0
    there(secure=True)
    result = run("validate")
    assert result.exit_code == 2
    assert "would take protection from the group (clients need no login" in result.stderr


def test_validate_takes_a_stan_conf_and_every_other_deployment() -> None:
    Path("stan.conf").write_text("port = 4222\nstreaming { store: file, ft_group: g, id: 'a b' }\n")
    Path("run.sh").write_text("nats-streaming-server -st file -ft_group g -p 4333\n")
    Path("memory.conf").write_text("streaming { store: memory, ft_group: g }\n")
    bad = run("validate", "stan.conf")
    assert (bad.exit_code, bad.stdout) == (2, "")
    assert bad.stderr.startswith("stan.conf:2:39: streaming.cluster_id is 'a b', which")
    good = run("validate", "run.sh")
    assert (good.exit_code, good.stdout) == (0, "ok\n")
    assert "port (4333) left out" in good.stderr
    document = json.loads(run("validate", "run.sh", as_json=True).stdout)
    assert document["ok"] is True
    assert any("port (4333) left out" in line for line in document["import"])
    assert "--store file" in run("validate", "memory.conf").stderr


def test_a_name_that_is_too_long_is_refused() -> None:
    result = run("validate", "x" * 300)
    assert result.exit_code == 2
    assert "cannot be read: file name too long" in result.output
