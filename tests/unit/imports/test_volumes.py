"""The configuration that a server reads from the volumes of its pod."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.unit.imports.manifests import CONF, config_map, container, manifest, workload
from tests.unit.imports.reading import CASES, Write, problems, values

_AT_E = {"name": "c", "mountPath": "/e"}
_CM = {"configMap": {"name": "cm"}}


def _items(key: str, path: str) -> dict[str, Any]:
    return {"name": "cm", "items": [{"key": key, "path": path}]}


@pytest.mark.parametrize("name", ["subpath", "items"])
def test_the_file_is_found(name: str) -> None:
    found = values(CASES / f"{name}.yaml")
    assert (found.nodes, found.streaming["cluster_id"], found.streaming["ft_group_name"]) == (
        3,
        "orders",
        "ftg",
    )
    assert found.streaming["store_limits"]["max_age"] == "36h"


@pytest.mark.parametrize(
    ("path", "mount", "volume"),
    [
        ("/etc/stan/stan.conf", {"mountPath": "/etc/stan"}, _CM),
        ("/etc/stan/stan.conf", {"mountPath": "/etc/stan/"}, _CM),
        ("/etc/stan/./stan.conf", {"mountPath": "/etc/../etc/stan"}, _CM),
        ("/etc/stan.conf", {"mountPath": "/etc/stan.conf", "subPath": "stan.conf"}, _CM),
        ("/any/name", {"mountPath": "/any/name", "subPath": "stan.conf"}, _CM),
        ("/etc/stan/x.conf", {"mountPath": "/etc/stan"}, {"configMap": _items("stan.conf", "x.conf")}),
        ("/etc/stan/deep/x", {"mountPath": "/etc/stan"}, {"configMap": _items("stan.conf", "deep/x")}),
        ("/etc/stan/x", {"mountPath": "/etc", }, {"configMap": _items("stan.conf", "stan/x")}),
        ("/e/x", {"mountPath": "/e", "subPath": "deep"}, {"configMap": _items("stan.conf", "deep/x")}),
        ("/e/x", {"mountPath": "/e/x", "subPath": "y"}, {"configMap": _items("stan.conf", "./y")}),
        ("/e/stan.conf", {"mountPath": "/e"}, {"projected": {"sources": [_CM]}}),
        (
            "/e/x",
            {"mountPath": "/e"},
            {
                "projected": {
                    "sources": [
                        {"secret": {"name": "other"}},
                        {"configMap": {"name": "gone"}},
                        {"configMap": _items("stan.conf", "x")},
                    ]
                }
            },
        ),
        ("stan.conf", {"mountPath": "/"}, _CM),
        ("conf/stan.conf", {"mountPath": "/conf"}, _CM),
    ],
)  # fmt: skip
def test_a_config_map_is_found_wherever_it_is_mounted(
    write: Write, path: str, mount: dict[str, Any], volume: dict[str, Any]
) -> None:
    server = container("-sc", path, volumeMounts=[{"name": "c", **mount}])
    pod = workload(server, volumes=[{"name": "c", **volume}])
    assert values(write("a.yaml", manifest(config_map(), pod))).streaming["cluster_id"] == "orders"


def test_the_innermost_mount_counts(write: Write) -> None:
    mounts = [{"name": "data", "mountPath": "/etc"}, {"name": "c", "mountPath": "/etc/stan"}]
    server = container("-sc", "/etc/stan/stan.conf", volumeMounts=mounts)
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "x"}}, {"name": "c", **_CM}]
    path = write("a.yaml", manifest(config_map(), workload(server, volumes=volumes)))
    assert values(path).streaming["cluster_id"] == "orders"


def test_a_relative_path_starts_from_the_working_folder(write: Write) -> None:
    mounts = [{"name": "c", "mountPath": "/opt/stan"}]
    server = container("-c", "stan.conf", workingDir="/opt/stan", volumeMounts=mounts)
    path = write("a.yaml", manifest(config_map(), workload(server, volumes=[{"name": "c", **_CM}])))
    assert values(path).streaming["cluster_id"] == "orders"


@pytest.mark.parametrize("plain", [True, False])
def test_a_configuration_in_a_secret_is_read(write: Write, plain: bool) -> None:
    secret = config_map("s", "Secret", stan_conf=base64.b64encode(CONF.encode()).decode())
    if plain:
        secret = {**config_map("s", "Secret"), "stringData": {"stan.conf": CONF}, "data": {}}
    server = container("-sc", "/e/stan.conf", volumeMounts=[{"name": "c", "mountPath": "/e"}])
    pod = workload(server, volumes=[{"name": "c", "secret": {"secretName": "s"}}])
    assert values(write("a.yaml", manifest(secret, pod))).streaming["cluster_id"] == "orders"


def test_included_files_are_found_in_the_volumes(write: Write) -> None:
    files = config_map(
        stan_conf="include limits.conf\n" + CONF.replace('"36h"', "$AGE"), limits_conf='AGE: "7h"'
    )
    server = container("-sc", "/e/stan.conf", volumeMounts=[{"name": "c", "mountPath": "/e"}])
    path = write("a.yaml", manifest(files, workload(server, volumes=[{"name": "c", **_CM}])))
    assert values(path).streaming["store_limits"]["max_age"] == "7h"


@pytest.mark.parametrize(
    ("mounts", "volumes", "expected"),
    [
        ([], [], "its image, as no volume is mounted there"),
        ([_AT_E], [], "volume c, which the pod does not have"),
        ([_AT_E], [{"configMap": {"name": "gone"}}], "ConfigMap gone, which is not in this file"),
        ([{**_AT_E, "subPath": "x"}], [_CM], "ConfigMap cm, which has no x/stan.conf"),
        ([_AT_E], [{"configMap": _items("stan.conf", "x")}], "ConfigMap cm, which has no stan.conf"),
        ([_AT_E], [{"emptyDir": {}}], "volume c, which is empty until another container fills it"),
        ([_AT_E], [{"persistentVolumeClaim": {"claimName": "x"}}], "volume c, which is a claim"),
        ([_AT_E], [{"nfs": {"server": "x"}}], "volume c, which is a nfs"),
        ([_AT_E], [{"secret": {"secretName": "k"}}], "Secret k, which is not in this file"),
        ([{**_AT_E, "mountPath": "/ef"}], [_CM], "its image, as no volume is mounted there"),
    ],
)
def test_a_configuration_that_is_not_there_is_said_to_be_elsewhere(
    write: Write, mounts: list[Any], volumes: list[Any], expected: str
) -> None:
    server = container("-sc", "/e/stan.conf", volumeMounts=mounts)
    pod = workload(server, volumes=[{"name": "c", **volume} for volume in volumes])
    (problem,) = problems(write("a.yaml", manifest(config_map(), pod)))
    assert f"the server reads /e/stan.conf from {expected}; add the ConfigMap" in problem


_WRITES = {
    "echo": f"echo '{CONF}' > /made/stan.conf",
    "document": f"cat > /made/sub/stan.conf <<'EOF'\n{CONF}\nEOF",
    "copy": "cp /e/stan.conf /made/stan.conf",
    "copy into a folder": "mkdir -p /made; cp -f /e/stan.conf /made/",
    "envsubst": "envsubst < /e/stan.conf > /made/stan.conf",
}


@pytest.mark.parametrize("name", _WRITES)
def test_a_configuration_that_an_init_container_writes_is_read(write: Write, name: str) -> None:
    work = {"name": "w", "mountPath": "/made"}
    init = {
        "name": "init",
        "image": "busybox",
        "command": ["sh", "-c", _WRITES[name]],
        "volumeMounts": [_AT_E, work],
        "env": [{"name": "FT", "value": "ftg"}],
    }
    at = {"name": "w", "mountPath": "/etc/stan", **({"subPath": "sub"} if name == "document" else {})}
    server = container("-sc", "/etc/stan/stan.conf", volumeMounts=[at])
    volumes = [{"name": "w", "emptyDir": {}}, {"name": "c", **_CM}]
    files = config_map(stan_conf=CONF.replace("ftg", "${FT}") if name == "envsubst" else CONF)
    path = write("a.yaml", manifest(files, workload(server, volumes=volumes, initContainers=[init])))
    assert values(path).streaming["ft_group_name"] == "ftg"


def test_a_file_that_an_init_container_changes_is_not_guessed(write: Write) -> None:
    script = "cp /e/stan.conf /made/stan.conf && sed -i s/orders/others/ /made/stan.conf"
    work = {"name": "w", "mountPath": "/made"}
    init = {"name": "i", "command": ["sh", "-c", script], "volumeMounts": [_AT_E, work]}
    server = container("-sc", "/made/stan.conf", volumeMounts=[work])
    volumes = [{"name": "w", "emptyDir": {}}, {"name": "c", **_CM}]
    path = write("a.yaml", manifest(config_map(), workload(server, volumes=volumes, initContainers=[init])))
    (problem,) = problems(path)
    assert "from volume w, which is empty until another container fills it" in problem


def test_a_configuration_in_binary_data_is_read(write: Write) -> None:
    held = {**config_map(), "data": {}, "binaryData": {"stan.conf": base64.b64encode(CONF.encode()).decode()}}
    server = container("-sc", "/e/stan.conf", volumeMounts=[_AT_E])
    path = write("a.yaml", manifest(held, workload(server, volumes=[{"name": "c", **_CM}])))
    assert values(path).streaming["cluster_id"] == "orders"


def test_a_script_in_a_config_map_is_read_with_the_files_that_it_writes(write: Write) -> None:
    script = (
        "#!/bin/sh\nset -e\nsed s/x/y/ /e/other\ncp /e/stan.conf /tmp/own.conf\n"
        "exec nats-streaming-server -c /tmp/own.conf -cid $ID\n"
    )
    server = {
        **container(volumeMounts=[_AT_E]),
        "image": "private/stan:7",
        "command": ["/e/run.sh"],
        "env": [{"name": "ID", "value": "own"}],
    }
    files = config_map(run_sh=script, stan_conf=CONF)
    path = write("a.yaml", manifest(files, workload(server, volumes=[{"name": "c", **_CM}])))
    found = values(path)
    assert (found.streaming["cluster_id"], found.streaming["ft_group_name"]) == ("own", "ftg")
