"""What `docker inspect` and `podman inspect` print of containers that run the server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stanlocal.imports.reading import read
from stanlocal.settings import resolve
from tests.unit.imports.imported import FT, imported, matters, problems, reported, summary, write
from tests.unit.imports.reading import CASES

REAL = (CASES / "docker-inspect.json").read_text()
"""Printed by Docker 28: a start script with a mounted configuration, flags, a shell, and another program."""
CONF = f"{FT} id: orders\n store_limits {{ max_msgs: 500 }}\n}}"


def container(*command: str, entrypoint: Any = ("/nats-streaming-server",), **config: Any) -> dict[str, Any]:
    """Return what an engine says of a container at least."""
    config = {"Image": "nats-streaming:0.25.6", "Entrypoint": entrypoint, "Cmd": list(command), **config}
    return {"Id": "59cf63d6dba1", "Name": "/stan", "HostConfig": {}, "Config": config}


def test_real_containers_are_the_nodes_of_a_group(tmp_path: Path) -> None:
    files = {"docker-inspect.json": REAL, "stan.conf": CONF}
    assert matters(tmp_path, files) == "3 orders g max_msgs=500"
    lines = "\n".join(reported(imported(tmp_path, files)))
    assert "container web left out: it does not run nats-streaming" in lines
    assert (
        "container stan-0 HostConfig.Binds (/srv/stan/etc:/etc/stan, /srv/stan/store:/data) left out" in lines
    )
    assert "container stan-0 HostConfig.PortBindings left out: client and monitor ports are" in lines
    assert "container stan-0 HostConfig.RestartPolicy left out: stanlocal starts and watches" in lines
    assert "Dns" not in lines, "what the engine says of itself"


def test_containers_one_on_a_line_are_read_likewise(tmp_path: Path) -> None:
    lines = "".join(f"{json.dumps(each)}\n" for each in json.loads(REAL)[1:3])
    assert matters(tmp_path, {"inspected": lines}) == "2 orders g max_msgs=500"
    assert matters(tmp_path, {"one.json": lines.split("\n")[0]}) == "2 orders g max_msgs=500"


def test_a_configuration_that_only_the_container_has_is_asked_for(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, {"docker-inspect.json": REAL})
    assert found.startswith(
        "docker-inspect.json:3:9: the server reads /etc/stan/stan.conf, which is neither given"
    )
    paths = write(tmp_path, {"a/docker-inspect.json": REAL, "b/stan.conf": CONF})
    assert summary(resolve([read(paths, {}).layer])) == "3 orders g max_msgs=500"


_FLAGS = ("-st", "file", "-cid", "orders", "-ft_group", "g")
_SCRIPT = "docker-entrypoint.sh"


@pytest.mark.parametrize(
    "described",
    [
        container(*_FLAGS),
        container("nats-streaming-server", *_FLAGS, entrypoint=None),
        container(*_FLAGS, entrypoint=[_SCRIPT]),
        container("nats-streaming-server", *_FLAGS, entrypoint=[f"/usr/local/bin/{_SCRIPT}"]),
        container("-sc", "stan.conf", *_FLAGS[4:], entrypoint="/nats-streaming-server", WorkingDir="/etc"),
        container(
            *("-c", "exec nats-streaming-server -st file -cid $ID -ft_group g"),
            entrypoint=["/bin/sh"],
            Env=["ID=orders", "PATH=/bin"],
        ),
    ],
)
def test_every_way_to_start_the_server_is_followed(tmp_path: Path, described: dict[str, Any]) -> None:
    files = {"i.json": json.dumps([described]), "stan.conf": "streaming {\n store: file\n id: orders\n}"}
    assert matters(tmp_path, files) == "2 orders g"


def test_what_runs_no_server_is_refused(tmp_path: Path) -> None:
    image = {"Id": "sha256:1", "RepoTags": ["nats-streaming:0.25.6"], "Config": {"Cmd": ["-m", "8222"]}}
    for described in (image, container("-p", "80", entrypoint=["/web"], Image="web")):
        assert problems(tmp_path, {"i.json": json.dumps([described])}) == [
            "i.json:1:1: none of these containers runs nats-streaming-server"
        ]


@pytest.mark.parametrize("odd", [None, 5, "x", [], [[5]], {"Cmd": 5}, {"Cmd": {"a": [1]}}, {"Env": [5, "A"]}])
def test_odd_values_are_no_defects(tmp_path: Path, odd: Any) -> None:
    described = {"Id": "1", "Name": odd, "Mounts": odd, "HostConfig": odd, "Config": odd}
    (found,) = problems(tmp_path, {"i.json": json.dumps([described, odd])})
    assert "none of these containers" in found


def test_a_stan_conf_in_json_stays_one(tmp_path: Path) -> None:
    conf = {"streaming": {"id": "Config", "store": "file", "ft_group_name": "g"}, "debug": False}
    assert matters(tmp_path, {"stan.json": json.dumps(conf)}) == "2 Config g"
    assert imported(tmp_path, {"stan.json": json.dumps(conf)}).shapes == {
        f"{tmp_path}/stan.json": "a stan.conf"
    }
