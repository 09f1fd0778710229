"""A group, exported and imported again, has the settings that it had.

Secrets are not in an export: they come back by the variables that its header names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from stanlocal.export import compose, helm, kubernetes
from stanlocal.export.chart_text import LARGEST_NUMBER
from stanlocal.export.named_files import named_files
from stanlocal.export.objects import Storage
from stanlocal.export.secrets import without_secrets
from stanlocal.imports.reading import Import, read
from stanlocal.model.plan import GroupPlan
from stanlocal.render.stan_conf import quote
from stanlocal.settings import Settings, host_files, resolve
from stanlocal.settings.layer import Layer, dotted
from tests.support.effort import inputs
from tests.unit.export import groups
from tests.unit.export.plans import a_plan

_ANY = examples(
    max_examples=inputs(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)


def secrets_of(plan: GroupPlan) -> dict[str, str]:
    """The variables of an export with the secrets of the group, as text."""
    tree = {"streaming": plan.streaming, "nats": plan.nats}
    _, secrets = without_secrets(plan)
    return {each.variable: str(_at(tree, each.setting.split("."))) for each in secrets}


def _at(value: Any, path: list[str]) -> Any:
    for step in path:
        value = value[int(step)] if isinstance(value, (list, tuple)) else value[step]
    return value


def settled(imported: Import, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of an import alone; nothing may be asked for."""
    found = resolve([imported.layer])
    assert imported.unmet(found) == []
    return found


def same(plan: GroupPlan, found: Settings) -> None:
    assert dict(found.streaming) == dict(plan.streaming)
    assert dict(found.nats) == dict(plan.nats)
    assert found.nodes == len(plan.nodes)


@_ANY
@given(groups.settings())
def test_a_stan_conf_of_compose_read_back_has_the_settings(tmp_path: Path, flags: dict[str, Any]) -> None:
    plan = a_plan(flags)
    path = tmp_path / "stan.conf"
    path.write_text(compose.files(plan)[compose.CONF], encoding="utf-8")
    environ = {name: quote(secret) for name, secret in secrets_of(plan).items()}
    same(plan, settled(read(path, environ)))


def comes_back_from_compose(plan: GroupPlan, folder: Path) -> None:
    """Assert that a plan's Compose project, written with its secrets, is read as the plan's settings."""
    for name, text in compose.files(plan).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    lines = [f"{name}: {quote(secret)}\n" for name, secret in secrets_of(plan).items()]
    (folder / "secrets").mkdir(exist_ok=True)
    (folder / compose.SECRETS).write_text("".join(lines), encoding="utf-8")
    same(plan, settled(read(folder / compose.FILE, {"STANLOCAL_USER": "1:1"})))


@_ANY
@given(groups.settings())
def test_a_compose_project_read_back_has_the_settings_and_its_secrets(
    tmp_path: Path, flags: dict[str, Any]
) -> None:
    plan = a_plan(flags)
    comes_back_from_compose(plan, tmp_path)


@_ANY
@given(groups.settings())
def test_kubernetes_objects_read_back_have_the_settings(tmp_path: Path, flags: dict[str, Any]) -> None:
    plan = a_plan(flags)
    path = tmp_path / "stan.yaml"
    text = kubernetes.render(plan, kubernetes.Deployment("stan", Storage("existing-claim", "store")))
    path.write_text(text, encoding="utf-8")
    environ = {name: quote(secret) for name, secret in secrets_of(plan).items()}
    same(plan, settled(read(path, environ)))


@_ANY
@given(st.data())
def test_tls_of_a_compose_project_comes_back_with_its_files(tmp_path: Path, data: st.DataObject) -> None:
    plan = a_plan(data.draw(groups.settings(tmp_path)))
    for path in named_files(plan):
        Path(path).write_text("-")
    comes_back_from_compose(plan, tmp_path)


@_ANY
@given(st.data())
def test_tls_of_kubernetes_objects_comes_back_with_the_files_that_are_asked_for(
    tmp_path: Path, data: st.DataObject
) -> None:
    """The export names its files in Secrets: exactly these are asked for, and all else is there."""
    plan = a_plan(data.draw(groups.settings(tmp_path)))
    path = tmp_path / "stan.yaml"
    deployment = kubernetes.Deployment("stan", Storage("existing-claim", "store"))
    path.write_text(kubernetes.render(plan, deployment), encoding="utf-8")
    environ = {name: quote(secret) for name, secret in secrets_of(plan).items()}
    imported = read(path, environ)
    files = host_files(plan.streaming, plan.nats)
    assert {dotted(need.key) for need in imported.needs} == set(files)
    given_by: dict[str, Any] = {}
    for name, file in files.items():
        *parents, last = name.split(".")
        branch = given_by
        for part in parents:
            branch = branch.setdefault(part, {})
        branch[last] = file
        Path(file).write_text("-")
    found = resolve([Layer("environment", given_by), imported.layer])
    assert imported.unmet(found) == []
    same(plan, found)


@_ANY
@given(groups.streaming(largest=LARGEST_NUMBER), st.integers(1, 5))
def test_chart_values_read_back_have_the_settings_that_the_chart_has_values_for(
    tmp_path: Path, streaming: dict[str, Any], nodes: int
) -> None:
    plan = a_plan({"streaming": streaming, "nodes": nodes})
    path = tmp_path / "values.yaml"
    path.write_text(helm.render(plan, helm.Chart("stan")), encoding="utf-8")
    found = settled(read(path, {}))
    lost = {line.partition(":")[0].removeprefix("streaming.") for line in helm.left_out(plan)}
    assert not [name for name in lost if "." in name]
    kept = {name: value for name, value in plan.streaming.items() if name not in lost}
    kept |= {name: bool(plan.streaming.get(name)) for name in ("stan_debug", "stan_trace")}
    assert {name: found.streaming.get(name, False) for name in kept} == kept
    assert found.nodes == nodes


def test_an_export_of_a_group_with_secrets_asks_for_them_by_name(tmp_path: Path) -> None:
    flags = {"nats": {"authorization": {"user": "u", "password": "t0p-s3cret"}}}
    plan = a_plan(flags)
    texts = {
        "stan.conf": compose.files(plan)[compose.CONF],
        "stan.yaml": kubernetes.render(
            plan, kubernetes.Deployment("stan", Storage("existing-claim", "store"))
        ),
        "values.yaml": helm.render(plan, helm.Chart("stan")),
    }
    for name, text in texts.items():
        assert "t0p-s3cret" not in text
        (tmp_path / name).write_text(text)
        imported = read(tmp_path / name, {})
        (line,) = imported.unmet(resolve([imported.layer]))
        assert "set STANLOCAL_NATS__AUTHORIZATION__PASSWORD or" in line, name
        given_by = Layer("environment", {"nats": {"authorization": {"password": "t0p-s3cret"}}})
        found = resolve([given_by, imported.layer])
        assert imported.unmet(found) == []
        assert found.nats == plan.nats, name


def test_certificates_of_an_export_are_asked_for_by_name(tmp_path: Path) -> None:
    tls = {"cert_file": "/certs/server.pem", "key_file": "/certs/server-key.pem", "verify": True}
    plan = a_plan({"nats": {"tls": tls}, "streaming": {"tls": {"client_cacert": "/certs/ca.pem"}}})
    path = tmp_path / "stan.yaml"
    path.write_text(
        kubernetes.render(plan, kubernetes.Deployment("stan", Storage("existing-claim", "store")))
    )
    imported = read(path, {})
    lines = imported.unmet(resolve([imported.layer]))
    assert [line.rpartition("set ")[2].partition(",")[0] for line in lines] == [
        "STANLOCAL_NATS__TLS__CERT_FILE=FILE",
        "STANLOCAL_NATS__TLS__KEY_FILE=FILE",
        "STANLOCAL_STREAMING__TLS__CLIENT_CACERT=FILE",
    ]


def test_a_compose_project_takes_its_certificates_from_its_folder_and_asks_for_others(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_text("-")
    tls = {"cert_file": str(tmp_path / "server.pem"), "key_file": "/certs/server-key.pem"}
    plan = a_plan({"nats": {"tls": tls, "authorization": {"token": "t0p"}}})
    for name, text in compose.files(plan).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    imported = read(tmp_path / compose.FILE, {"STANLOCAL_USER": "1:1"})
    found = resolve([imported.layer])
    assert not [each for each in imported.findings if "differs" in each.why]
    assert found.nats["tls"] == {"cert_file": str(tmp_path / "server.pem")}
    assert [line.rpartition("set ")[2].partition(",")[0] for line in imported.unmet(found)] == [
        "STANLOCAL_NATS__AUTHORIZATION__TOKEN or STANLOCAL_NATS__AUTHORIZATION__TOKEN_FILE",
        "STANLOCAL_NATS__TLS__KEY_FILE=FILE",
    ]


@pytest.mark.parametrize("text", ['pa"ss\\word #1', "5m", "true", "$HOME", "a\nb"])
def test_any_secret_comes_back_from_the_file_of_secrets(tmp_path: Path, text: str) -> None:
    plan = a_plan({"nats": {"authorization": {"user": "u", "password": text}}})
    files = compose.files(plan)
    assert yaml.safe_load(files[compose.FILE])["secrets"]
    (tmp_path / "stan.conf").write_text(files[compose.CONF])
    found = settled(read(tmp_path / "stan.conf", {"NATS_AUTHORIZATION_PASSWORD": quote(text)}))
    assert found.nats["authorization"]["password"] == text
