"""Deployments over another store than files, and `--store file`, which runs them anyway."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from stanlocal.cli.context import Context
from stanlocal.cli.export import export
from stanlocal.errors import SettingsError
from stanlocal.imports.reading import read
from stanlocal.settings import resolve
from tests.unit.imports.reading import Write, problems, reported

_VALUES = "stan: {replicas: 3, clusterID: orders}\nstore: {type: memory, ft: {group: g}}"
_ARGUMENTS = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
    "spec: {containers: [{image: nats-streaming, args: [%s]}]}"
)
_OTHERS = [
    ("stan.conf", "streaming { id: orders, store: memory, ft_group: g }"),
    ("stan.conf", "streaming { id: orders, store: MEMORY, ft_group: g }"),
    ("stan.conf", "streaming { id: orders, ft_group: g }"),
    ("stan.conf", "id: orders\nft_group: g\nst: memory"),
    ("stan.conf", "streaming { id: orders, store: sql, sql { driver: mysql }, ft_group: g }"),
    ("values.yaml", _VALUES),
    ("values.yaml", _VALUES.replace("memory", "sql")),
    ("pod.yaml", _ARGUMENTS % "-cid, orders, -ft_group, g"),
    ("pod.yaml", _ARGUMENTS % "-cid, orders, -ft_group, g, -st, memory"),
    ("stan.json", '{"streaming": {"id": "orders", "store": "memory", "ft_group": "g"}}'),
]


@pytest.mark.parametrize(("name", "content"), _OTHERS)
def test_another_store_is_refused_with_the_way_on(write: Write, name: str, content: str) -> None:
    (problem,) = problems(write(name, content))
    assert problem.endswith("; --store file runs it over a file store")


@pytest.mark.parametrize(("name", "content"), _OTHERS)
def test_another_store_is_run_over_files_where_that_is_asked(write: Write, name: str, content: str) -> None:
    imported = read(write(name, content), {}, file_store=True)
    found = resolve([imported.layer]).streaming
    assert (found["store"], found["cluster_id"], found["ft_group_name"]) == ("file", "orders", "g")
    assert any("here it is a file store, as --store asks" in line for line in reported(imported))


def test_the_option_and_its_variable_reach_the_import(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = write("stan.conf", "streaming { id: orders, ft_group: g }")
    command = ["compose", "--from", str(path)]
    assert isinstance(CliRunner().invoke(export, command, obj=Context()).exception, SettingsError)
    assert CliRunner().invoke(export, [*command, "--store", "file"], obj=Context()).exit_code == 0
    monkeypatch.setenv("STANLOCAL_STREAMING__STORE", "file")
    assert CliRunner().invoke(export, command, obj=Context()).exit_code == 0
