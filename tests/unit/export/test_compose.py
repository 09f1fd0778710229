"""compose.yaml says what the Docker engine does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from stanlocal.errors import SettingsError
from stanlocal.export.compose import CONF, FILE, files
from stanlocal.model.plan import GroupPlan
from stanlocal.natsconf import parse, plain
from stanlocal.render.container_spec import container
from stanlocal.render.stan_conf import render
from tests.support import natsconf as independent
from tests.support.scripts import load_script
from tests.unit.export.plans import a_plan

_ROOT = Path(__file__).parents[3]
_SECRET = "p4ssw0rd yes"


def compose(plan: GroupPlan) -> dict[str, Any]:
    """The exported compose.yaml, read."""
    found: dict[str, Any] = yaml.safe_load(files(plan)[FILE])
    return found


@pytest.mark.parametrize("nodes", [1, 2, 5])
def test_there_is_a_service_for_each_node(nodes: int) -> None:
    assert list(compose(a_plan({"nodes": nodes}))["services"]) == [f"stan-{index}" for index in range(nodes)]


def test_a_service_is_the_container_that_the_engine_makes() -> None:
    plan = a_plan()
    for node in plan.nodes:
        made, service = container(plan, node), compose(plan)["services"][node.name]
        assert service["image"] == made.image
        assert service["container_name"] == service["hostname"] == made.name
        assert service["command"] == list(made.command)
        assert service["ports"] == [f"{port.host}:{port.outside}:{port.inside}" for port in made.ports]
        assert [volume.split(":")[1:] for volume in service["volumes"]] == [
            [mount.target, "ro" if mount.read_only else "rw"] for mount in made.mounts
        ]
        assert service["read_only"] is made.read_only is True
        assert service["cap_drop"] == list(made.cap_drop) == ["ALL"]
        assert service["security_opt"] == list(made.security_opt)
        assert service["pids_limit"] == made.pids_limit
        assert service["stop_signal"] == made.stop_signal
        assert service["stop_grace_period"] == f"{made.stop_grace_s}s"
        assert service["logging"] == {"driver": made.log_driver, "options": dict(made.log_options)}
        assert service["networks"]["routes"] == {"aliases": [made.route_alias]}


def test_clients_and_routes_have_networks_of_their_own_and_that_of_the_routes_is_internal() -> None:
    networks = compose(a_plan())["networks"]
    assert networks == {"clients": {"driver": "bridge"}, "routes": {"driver": "bridge", "internal": True}}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("group", ["stan", "9-numbers", "yes"])
def test_each_service_runs_the_configuration_that_the_engine_runs(group: str, host: str) -> None:
    """Its variables resolved as the server resolves them, the shared file is each node's own."""
    plan = a_plan({"group": group, "nodes": 3, "nats": {"ping_interval": "1s"}}, host=host)
    shared = files(plan)[CONF]
    for node in plan.nodes:
        environ = compose(plan)["services"][node.name]["environment"]
        assert plain(parse(shared, environ=environ)) == independent.parse(render(plan, node))


def test_secrets_are_asked_for_and_not_written() -> None:
    plan = a_plan(
        {
            "streaming": {"encryption_key": _SECRET, "username": "u", "password": _SECRET},
            "nats": {"authorization": {"users": [{"user": "u", "password": _SECRET}]}},
        }
    )
    exported = files(plan)
    assert all(_SECRET not in text for text in exported.values())
    found = compose(plan)
    assert found["secrets"] == {"stan-secrets": {"file": "./secrets/stan.conf"}}
    asked = ("STREAMING_ENCRYPTION_KEY", "STREAMING_PASSWORD", "NATS_AUTHORIZATION_USERS_0_PASSWORD")
    assert all(f'{name}: "…"' in exported[FILE] for name in asked)
    service = found["services"]["stan-0"]
    assert service["secrets"] == ["stan-secrets"]
    assert not set(service["environment"]) & set(asked)
    text = "".join(f'{name}: "{_SECRET}"\n' for name in asked)
    read = plain(
        parse(
            exported[CONF],
            environ=service["environment"],
            read_include={"../../run/secrets/stan-secrets": text}.__getitem__,
            may_lead_out=lambda path: True,
        )
    )
    own = {name: value for name, value in read.items() if name not in asked}
    assert own == independent.parse(render(plan, plan.nodes[0]))


def test_secrets_that_a_stored_plan_hides_are_asked_for_too() -> None:
    plan = a_plan({"streaming": {"encryption_key": "********"}})
    assert "$STREAMING_ENCRYPTION_KEY" in files(plan)[CONF]
    assert compose(plan)["services"]["stan-0"]["secrets"] == ["stan-secrets"]


def test_certificates_and_keys_are_secrets_of_compose() -> None:
    plan = a_plan({"nats": {"tls": {"cert_file": "/certs/a$b.pem", "key_file": "/certs/key.pem"}}})
    found = compose(plan)
    assert found["secrets"] == {"a_b.pem": {"file": "/certs/a$$b.pem"}, "key.pem": {"file": "/certs/key.pem"}}
    service = found["services"]["stan-0"]
    assert (service["secrets"], len(service["volumes"])) == (["a_b.pem", "key.pem"], 2)
    tls = plain(parse(files(plan)[CONF], missing_ok=True))["tls"]
    assert tls == {"cert_file": "/run/secrets/a_b.pem", "key_file": "/run/secrets/key.pem"}


def test_a_script_is_mounted_where_it_is() -> None:
    plan = a_plan({"streaming": {"file_options": {"slice_archive_script": "/bin/archive"}}})
    assert compose(plan)["services"]["stan-0"]["volumes"][2:] == ["/bin/archive:/bin/archive:ro"]


def test_files_of_the_same_name_are_refused() -> None:
    plan = a_plan({"nats": {"tls": {"cert_file": "/a/tls.pem", "key_file": "/b/tls.pem"}}})
    with pytest.raises(SettingsError, match="files of the same name"):
        files(plan)


def test_equal_plans_give_equal_text() -> None:
    assert files(a_plan()) == files(a_plan())


def test_the_committed_files_are_what_the_exporter_writes() -> None:
    for name, text in load_script("compose").files().items():
        assert (_ROOT / "compose" / name).read_bytes() == text.encode(), name


def test_the_check_names_a_file_that_differs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = load_script("compose")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["compose"])
    assert module.main() == 0
    monkeypatch.setattr(sys, "argv", ["compose", "--check"])
    assert module.main() == 0
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    assert module.main() == 1
    assert "compose/compose.yaml" in capsys.readouterr().err
