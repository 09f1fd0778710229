"""The server on a deployment's own file, and on what is imported of it: the same limits, ids and options.

Both run alone, without an FT group, so that each is ready at once; their ports and folders are the test's.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from stanlocal.errors import SettingsError
from stanlocal.imports.reading import read
from stanlocal.render.stan_conf import render
from stanlocal.settings import Settings, resolve
from tests.integration.test_conf import local_plan
from tests.support import pod, stan_chart
from tests.support.ports import free_ports
from tests.support.server import READY, Server, followed, monitor
from tests.unit.imports.reading import CASES

pytestmark = pytest.mark.server

_FT = "store: file, dir: d, ft_group: g"
_VARZ = ("max_connections", "max_payload", "max_pending", "max_control_line", "max_subscriptions", "ping_max")
_DURATIONS = ("ping_interval", "write_deadline")

_ACCEPTED = [
    "max_payload: 0\nmax_connections: -1\nstreaming { %s }",
    "max_payload: 2MB\nmax_conn: 0\nmax_pending: 0\nstreaming { %s }",
    "max_control_line: 0\nmax_subscriptions: -1\nping_max: -5\nstreaming { %s }",
    'ping_interval: "0"\nwrite_deadline: "3s"\nmax_subs: 0\nstreaming { %s }',
    "streaming { %s, clustered: true, limits { max_channels: 0, mm: 1k, mb: 1KB, ma: '90m', msu: 0 } }",
    "streaming { %s, limits { channels { a: { max_msgs: -1 }, 'b.>': { max_bytes: 0 } } } }",
    "store: file\ndir: d\nft_group: g\nid: alone\nmax_msgs: 7\nstore_limits { max_msgs: 9 }",
    "streaming { %s, file { compact_fragmentation: 101, auto_sync: '-1s' }, partitioning: no }",
]
_REFUSED = [
    "max_payload: -1\nstreaming { %s }",
    "max_pending: -1\nstreaming { %s }",
    "max_connections: 3\nstreaming { %s }",
    'ping_interval: "-2s"\nstreaming { %s }',
    "max_control_line: -1\nstreaming { %s }",
    "streaming { %s, limits { max_channels: -1 } }",
    "streaming { %s, limits { max_msgs: 1e+06 } }",
    "streaming { %s, limits { max_age: '1d' } }",
    "streaming { %s, hb_interval: 30 }",
    "streaming { %s, file { parallel_recovery: 0 } }",
]
_VALUES = [
    "limits: {max_channels: 7.0, max_msgs: 1000000.0, max_bytes: 5mb, max_age: 90m}",
    "limits: {max_channels: '7', max_msgs: 1.0e+06, max_subs: 0, max_age: 0}",
    "limits: {max_bytes: 0, max_age: '0', max_inactivity: 5m}",
    "limits: {channels: {orders: {max_age: 1h, max_msgs: 3.0}, 'foo.>': {max_bytes: 1kb}, b: }}",
    "file: {options: {buffer_size: 4096, parallel_recovery: 3, sync_on_flush: false}}",
]


class Servers:
    """Starts servers, and says what each of them is."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary = binary
        self._folder = folder

    def effective(self, arguments: Sequence[str], variables: Mapping[str, str] | None = None) -> Any:
        """Return ids, limits and options of the server; None if it refuses to start."""
        port, routes = free_ports(2)
        store = self._folder / f"store-{port}"
        own = ["-a", "127.0.0.1", "-p", "-1", "-m", str(port), "-dir", str(store), "-ft_group="]
        own += [f"-cluster=nats://127.0.0.1:{routes}", "-routes="]
        if arguments[:2] == ["/bin/sh", "-c"]:
            command = ["/bin/sh", "-c", f"exec {arguments[2]} {shlex.join(own)}"]
        else:
            command = [str(self._binary), *arguments, *own]
        path = f"{self._binary.parent}{os.pathsep}{os.environ['PATH']}"
        process = subprocess.Popen(
            command,
            cwd=self._folder,
            env={**os.environ, **(variables or {}), "PATH": path},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        with ExitStack() as stack:
            server = stack.enter_context(followed(Server(process)))
            try:
                server.wait_for(READY)
            except AssertionError:
                return None
            limits = monitor(port, "/streaming/storez")["limits"]
            varz = monitor(port, "/varz")
            options = {name: varz.get(name) for name in (*_VARZ, *_DURATIONS)}
            return monitor(port, "/streaming/serverz")["cluster_id"], limits, options

    def imported(self, settings: Settings) -> Any:
        """Return those of a server with the settings."""
        plan = local_plan(settings.streaming, settings.nats)
        conf = self._folder / f"imported-{plan.nodes[0].client_port}.conf"
        conf.write_text(render(plan, plan.nodes[0], store_dir=str(self._folder / "unused")))
        return self.effective(["-sc", str(conf)])


@pytest.fixture
def servers(server_binary: Path, tmp_path: Path) -> Servers:
    """Starts servers in a folder of the test."""
    return Servers(server_binary, tmp_path)


def _settings(path: Path) -> Settings | None:
    try:
        return resolve([read(path, {}).layer])
    except SettingsError:
        return None


@pytest.mark.parametrize("text", _ACCEPTED)
def test_what_the_server_makes_of_a_configuration_is_imported(
    servers: Servers, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "stan.conf"
    path.write_text(text.replace("%s", _FT))
    settings, truth = _settings(path), servers.effective(["-sc", str(path)])
    assert settings is not None
    assert truth is not None
    assert servers.imported(settings) == truth


@pytest.mark.parametrize("text", _REFUSED)
def test_what_the_server_refuses_is_refused(servers: Servers, tmp_path: Path, text: str) -> None:
    path = tmp_path / "stan.conf"
    path.write_text(text.replace("%s", _FT))
    assert servers.effective(["-sc", str(path)]) is None
    assert _settings(path) is None


@pytest.mark.parametrize(
    "name", ["routes-peers.conf", "routes-service.conf", "stanconf.json", "zero.conf", "clustered.conf"]
)
def test_a_configuration_that_people_have_is_imported_as_the_server_reads_it(
    servers: Servers, name: str
) -> None:
    settings = _settings(CASES / name)
    assert settings is not None
    assert servers.imported(settings) == servers.effective(["-sc", str(CASES / name)])


def test_a_number_as_a_name_is_refused_by_the_server_as_the_report_says(servers: Servers) -> None:
    path = CASES / "num.conf"
    assert servers.effective(["-sc", str(path)]) is None
    assert any(
        "the server refuses a configuration with a number" in str(each) for each in read(path, {}).findings
    )


@pytest.mark.parametrize(
    "name",
    [
        *("c-and-sc", "c-and-sc-with-store-flag", "subpath", "items", "shell-flags", "dollar-env"),
        *("deploymentconfig", "private-image-c", "empty-doc-last", "get-all"),
    ],
)
def test_a_manifest_that_people_have_is_imported_as_its_server_reads_it(
    servers: Servers, tmp_path: Path, name: str
) -> None:
    path = CASES / f"{name}.yaml"
    arguments, variables = pod.server_of(path.read_text(), tmp_path / "root")
    settings, truth = _settings(path), servers.effective(arguments, variables)
    assert settings is not None
    assert truth is not None
    assert servers.imported(settings) == truth


@pytest.mark.parametrize("store", _VALUES)
def test_chart_values_are_imported_as_the_server_reads_what_the_chart_prints(
    servers: Servers, tmp_path: Path, store: str
) -> None:
    text = f"stan: {{clusterID: orders, replicas: 2}}\nstore: {{type: file, ft: {{group: g}}, {store}}}"
    path = tmp_path / "values.yaml"
    path.write_text(text)
    given = yaml.safe_load(text)
    values = {
        "stan": {"nats": {"url": ""}, "logging": {"debug": False, "trace": False}, **given["stan"]},
        "store": {"limits": {}, **given["store"]},
    }
    values["store"]["file"] = {"path": "/d", "options": {}, **values["store"].get("file", {})}
    lines = stan_chart.stan_conf(values).splitlines()
    conf = tmp_path / "stan.conf"
    conf.write_text("\n".join(line for line in lines if "  ns:" not in line and "$POD_NAME" not in line))
    settings, truth = _settings(path), servers.effective(["-sc", str(conf)])
    assert settings is not None
    assert truth is not None
    assert servers.imported(settings) == truth
