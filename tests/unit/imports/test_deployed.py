"""Groups that a cluster runs, from its objects: the guide's, the chart's, and those that are none."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from stanlocal.imports.deployed import Deployed, container_of, deployed
from tests.support.cli import ROOT
from tests.support.stan_chart import stan_conf

Json = dict[str, Any]


def stateful_set(*arguments: str, image: str = "nats-streaming:0.25.6", **pod: Any) -> Json:
    container: Json = {"name": "server", "image": image, "args": list(arguments)}
    mount = {"name": "config", "mountPath": "/etc/stan-config"}
    container["volumeMounts"] = [mount] if pod else []
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "stan"},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [container], **pod}}},
    }


def config_map(text: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "stan-config"},
        "data": {"stan.conf": text},
    }


IN_MAP: Json = {"volumes": [{"name": "config", "configMap": {"name": "stan-config"}}]}
IN_SECRET: Json = {"volumes": [{"name": "config", "secret": {"secretName": "stan-config"}}]}
READS = ("-sc", "/etc/stan-config/stan.conf")


def found(*objects: Json) -> Deployed:
    result = deployed("StatefulSet", "stan", objects, {})
    assert result is not None
    return result


def test_the_guides_group_is_read_to_the_letter() -> None:
    text = (ROOT / "tests/seed/efs.yaml").read_text()
    group = found(*(each for each in yaml.safe_load_all(text) if each))
    assert (group.container, group.image) == ("stan", "nats-streaming:alpine")
    assert (group.cluster_id, group.ft_group, group.nats_url) == ("test-cluster", "test-cluster", "")
    assert (group.client_port, group.monitor_port, group.monitor_tls) == (4222, 8222, False)
    assert (group.store_dir, group.problems) == ("/data/stan/store", ())
    assert group.settings["streaming"]["store_limits"]["max_channels"] == 10


def test_the_charts_group_has_its_nats_server_elsewhere() -> None:
    values: Json = yaml.safe_load((ROOT / "tests/seed/values.yaml").read_text())
    values["stan"].setdefault("clusterID", "stan")
    values["stan"].setdefault("logging", {"debug": False, "trace": False})
    values["store"].setdefault("limits", {})
    values["store"]["file"].setdefault("options", {})
    group = found(stateful_set(*READS, **IN_MAP), config_map(stan_conf(values)))
    assert (group.ft_group, group.nats_url) == ("my-group", "nats://nats:4222")
    assert (group.cluster_id, group.monitor_port, group.problems) == ("stan", 8222, ())


def test_flags_alone_make_a_group() -> None:
    flags = (
        "-cid",
        "orders",
        "-store",
        "file",
        "-dir",
        "/data",
        "-ft_group",
        "ft",
        "-m",
        "8333",
        "-p",
        "4333",
    )
    group = found(stateful_set(*flags))
    assert (group.cluster_id, group.ft_group, group.store_dir) == ("orders", "ft", "/data")
    assert (group.client_port, group.monitor_port) == (4333, 8333)
    assert found(stateful_set(*flags, "-cluster", "nats://0.0.0.0:6555")).route_port == 6555


@pytest.mark.parametrize(
    ("cluster", "port"),
    [
        ("cluster { listen: 0.0.0.0:6333 }", 6333),
        ("CLUSTER { port: 6444 }", 6444),
        ("cluster { listen: here }", 6222),
        ("", 6222),
    ],
)
def test_the_port_of_the_routes_is_the_one_that_is_configured(cluster: str, port: int) -> None:
    text = f"{cluster}\nstreaming {{ id: a, store: file, dir: /d, ft_group_name: b }}"
    assert found(stateful_set(*READS, **IN_MAP), config_map(text)).route_port == port


def test_a_configuration_may_be_in_a_secret_and_a_monitor_may_speak_https() -> None:
    text = "https: 0.0.0.0:8443\nstreaming { id: a, store: file, dir: /d, ft_group_name: b }"
    secret = {
        "kind": "Secret",
        "metadata": {"name": "stan-config"},
        "data": {"stan.conf": base64.b64encode(text.encode()).decode()},
    }
    group = found(stateful_set(*READS, **IN_SECRET), secret)
    assert (group.cluster_id, group.ft_group) == ("a", "b")
    assert (group.monitor_port, group.monitor_tls) == (8443, True)


def test_a_configuration_that_cannot_be_read_is_a_problem_and_no_guess() -> None:
    group = found(stateful_set(*READS, **IN_MAP))
    assert (group.container, group.cluster_id, group.ft_group) == ("server", "", "")
    assert "/etc/stan-config/stan.conf" in group.problems[0]


def test_servers_without_an_ft_group_are_none() -> None:
    group = found(stateful_set("-cid", "alone", "-store", "file", "-dir", "/data"))
    assert (group.cluster_id, group.ft_group, group.problems) == ("alone", "", ())


@pytest.mark.parametrize("image", ["postgres:16", "example.com/nats:2.10"])
def test_another_workload_runs_no_server(image: str) -> None:
    other = stateful_set(image=image)
    assert deployed("StatefulSet", "stan", [other], {}) is None
    assert container_of("StatefulSet", "stan", [other]) is None


def test_an_image_of_another_name_runs_the_server_by_its_configuration() -> None:
    own = stateful_set("-c", READS[1], image="example.com/messaging:3", **IN_MAP)
    text = "streaming { id: a, store: file, dir: /d, ft_group_name: b }"
    assert container_of("StatefulSet", "stan", [own]) is None
    assert container_of("StatefulSet", "stan", [own, config_map(text)]) == "server"


def test_hostile_objects_are_a_problem_of_one_line_each() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    workload = stateful_set()
    workload["spec"]["deep"] = deep
    with pytest.raises(Exception, match="nested too deeply"):
        found(workload)
