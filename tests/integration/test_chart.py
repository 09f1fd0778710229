"""The real server reads what the nats/stan chart renders from `export helm`, as it was meant."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from stanlocal.export.helm import Chart, render
from stanlocal.natsconf import parse, plain
from tests.support import stan_chart
from tests.support.ports import free_ports
from tests.support.server import READY, monitor, run_server
from tests.unit.export.plans import a_plan

CHART = "STAN_CHART"
"""Variable with the folder of the nats/stan chart, for the test that runs Helm on it."""
CHANNELS = ("a:b", "a=b", "2024", "true", "foo.>", "it's", 'say"so')
SETTINGS = {
    "streaming": {
        "cluster_id": "2024",
        "ft_group_name": "a,b",
        "store_limits": {
            "max_bytes": "3gb",
            "channels": {name: {"max_bytes": "1mb", "max_age": "1h"} for name in CHANNELS},
        },
    },
    "nats": {"authorization": {"user": "true", "password": "5m, #not-a-comment"}},
}
PASSWORD = '"5m, #not-a-comment"'


@pytest.mark.server
def test_the_server_reads_the_rendered_file_as_it_was_meant(server_binary: Path, tmp_path: Path) -> None:
    nats_port, nats_monitor, own_monitor = free_ports(3)
    nats = (
        f"listen: 127.0.0.1:{nats_port}\nhttp: 127.0.0.1:{nats_monitor}\n"
        f'authorization {{ user: "true", password: {PASSWORD} }}\nstreaming {{ id: other, store: memory }}\n'
    )
    urls = f"nats://127.0.0.1:{nats_port},nats://localhost:{nats_port}"
    values = yaml.safe_load(render(a_plan(SETTINGS), Chart("stan", nats_url=urls)))
    conf = stan_chart.stan_conf(values, {"stan.auth.password": PASSWORD})
    conf = conf.replace("/data/stan/store", str(tmp_path / "store"))
    conf = conf.replace("http: 8222", f"http: 127.0.0.1:{own_monitor}").replace("$POD_NAME", "stan-0")
    with run_server(server_binary, nats, tmp_path / "nats") as elsewhere:
        elsewhere.wait_for(READY)
        with run_server(server_binary, conf, tmp_path) as server:
            server.wait_for(READY)
            found = monitor(own_monitor, "/streaming/serverz")
            limits = monitor(own_monitor, "/streaming/storez")["limits"]
    assert (found["cluster_id"], found["state"]) == ("2024", "FT_ACTIVE")
    assert limits["max_bytes"] == 3 << 30
    assert {name: each["max_bytes"] for name, each in limits["channels"].items()} == dict.fromkeys(
        CHANNELS, 1 << 20
    )


def test_helm_renders_what_the_small_renderer_does(tmp_path: Path) -> None:
    chart = os.environ.get(CHART)
    if chart is None or shutil.which("helm") is None:
        pytest.skip(f"needs helm, and the chart's folder in {CHART}")
    text = render(a_plan(SETTINGS), Chart("stan"))
    (tmp_path / "values.yaml").write_text(text)
    (tmp_path / "password.txt").write_text(PASSWORD)
    command = ["helm", "template", "stan", chart, "-f", "values.yaml"]
    command += ["--set-file", "stan.auth.password=password.txt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    objects = [each for each in yaml.safe_load_all(done.stdout) if each]
    conf = next(each["data"]["stan.conf"] for each in objects if each["kind"] == "ConfigMap")
    ours = stan_chart.stan_conf(yaml.safe_load(text), {"stan.auth.password": PASSWORD})
    rendered = plain(parse(conf, missing_ok=True))["streaming"]
    assert json.dumps(rendered, sort_keys=True) == json.dumps(
        plain(parse(ours, missing_ok=True))["streaming"], sort_keys=True
    )
