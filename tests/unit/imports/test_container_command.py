"""Command lines of containers: words, one text, and scripts for a shell."""

from __future__ import annotations

from typing import Any

import pytest

from stanlocal.imports.reading import read
from tests.unit.imports.manifests import CONF, config_map, container, manifest, workload
from tests.unit.imports.reading import CASES, Write, problems, reported, values

_FLAGS = "-store file -dir /d -ft_group g -cid orders"


def test_a_script_is_read_as_a_command_line() -> None:
    found = values(CASES / "shell-flags.yaml")
    assert (found.nodes, found.streaming["cluster_id"], found.streaming["ft_group_name"]) == (
        3,
        "fromsh",
        "g",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"command": ["sh", "-c", f"nats-streaming-server {_FLAGS}"]},
        {"command": ["/bin/bash", "-ec"], "args": [f"exec /nats-streaming-server {_FLAGS}"]},
        {"command": ["/bin/sh"], "args": ["-c", f"nats-streaming-server {_FLAGS}"]},
        {"command": ["sh", "-c", f"mkdir -p /d\nchown 1 /d\nexec nats-streaming-server \\\n  {_FLAGS}\n"]},
        {"command": ["sh", "-c", f"sleep 5 && nats-streaming-server {_FLAGS} 2>&1 | tee /log"]},
        {"command": ["sh", "-c", f"ID=orders; nats-streaming-server {_FLAGS.replace('orders', '$ID')}"]},
        {
            "command": ["sh", "-c", f"nats-streaming-server {_FLAGS.replace('orders', '$ID')}"],
            "env": [{"name": "ID", "value": "orders"}],
        },
        {
            "command": ["sh", "-c", f"nats-streaming-server {_FLAGS.replace('orders', '${ID:-orders}')}"],
        },
        {
            "command": ["sh", "-c", f"nats-streaming-server {_FLAGS.replace('orders', '$(ID)')}"],
            "env": [{"name": "ID", "value": "orders"}],
        },
        {"command": [f"nats-streaming-server {_FLAGS}"], "args": None},
        {"command": f"nats-streaming-server {_FLAGS}", "args": None},
        {"args": [_FLAGS]},
        {"args": _FLAGS},
        {"command": ["nats-streaming-server"], "args": [_FLAGS]},
        {"command": ["tini", "--", "nats-streaming-server"], "args": _FLAGS.split()},
        {"command": ["/entrypoint.sh"], "args": _FLAGS.split()},
        {"command": ["sh", "-c", 'exec nats-streaming-server "$@"', "--"], "args": _FLAGS.split()},
        {"command": ["tini", "--", "bash", "-ec"], "args": [f"nats-streaming-server {_FLAGS}"]},
        {"command": ["/usr/bin/env", "A=b", "sh", "-e", "-c", f"nats-streaming-server {_FLAGS}"]},
        {
            "command": ["sh", "-c"],
            "args": ['if [ -n "$X" ]; then echo x; fi; nats-streaming-server ' + _FLAGS],
        },
    ],
)
def test_any_spelling_of_the_command_is_read(write: Write, fields: dict[str, Any]) -> None:
    server = {**container(), **fields}
    found = values(write("a.yaml", manifest(workload({k: v for k, v in server.items() if v is not None}))))
    assert (found.nodes, found.streaming["cluster_id"], found.streaming["ft_group_name"]) == (
        3,
        "orders",
        "g",
    )


def test_a_script_in_an_image_of_any_name_is_known(write: Write) -> None:
    server = {"image": "x/y", "command": ["sh", "-c", f"nats-streaming-server {_FLAGS}"]}
    assert values(write("a.yaml", manifest(workload(server)))).streaming["cluster_id"] == "orders"


def test_a_configuration_that_the_script_names_or_writes_is_read(write: Write) -> None:
    mounts = [{"name": "c", "mountPath": "/e"}]
    volumes = [{"name": "c", "configMap": {"name": "cm"}}]
    named = container(volumeMounts=mounts, command=["sh", "-c", "nats-streaming-server -sc /e/stan.conf"])
    path = write("a.yaml", manifest(config_map(), workload(named, volumes=volumes)))
    assert values(path).streaming["cluster_id"] == "orders"
    script = f"cat > /tmp/s.conf <<'EOF'\n{CONF}\nEOF\nexec nats-streaming-server -c /tmp/s.conf"
    written = container(command=["sh", "-c", script])
    assert values(write("b.yaml", manifest(workload(written)))).streaming["cluster_id"] == "orders"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("/start.sh", "the script that it runs starts no nats-streaming-server; give the stan.conf itself"),
        ("nats-streaming-server -store file -cid $(cat /id) -ft_group g", "streaming.cluster_id is $"),
        ("nats-streaming-server -store file -cid $MISSING -ft_group g", "streaming.cluster_id is $MISSING"),
        ("echo 'open", "a.yaml:1:"),
    ],
)
def test_a_script_that_does_not_tell_is_one_line(write: Write, script: str, expected: str) -> None:
    found = problems(write("a.yaml", manifest(workload(container(command=["sh", "-c", script])))))
    assert any(expected in problem for problem in found)


def test_a_script_with_two_ways_to_start_is_read_by_the_first(write: Write) -> None:
    script = f"if a; then nats-streaming-server {_FLAGS}; else nats-streaming-server {_FLAGS} -mm 5; fi"
    path = write("a.yaml", manifest(workload(container(command=["sh", "-c", script]))))
    assert values(path).streaming["store_limits"]["max_msgs"] == 1_000_000
    assert any(
        "its script starts the server in 2 ways; the first counts" in line
        for line in reported(read([path], {}))
    )


def test_a_password_that_the_script_reads_when_it_runs_is_asked_for(write: Write) -> None:
    conf = f"authorization {{ user: u, password: $PASSWORD }}\n{CONF}"
    script = "export PASSWORD=$(cat /etc/secret/pw)\nexec nats-streaming-server -sc /e/stan.conf"
    server = container(
        command=["sh", "-c", script],
        env=[{"name": "PASSWORD", "value": "of the manifest"}],
        volumeMounts=[{"name": "c", "mountPath": "/e"}],
    )
    volumes = [{"name": "c", "configMap": {"name": "cm"}}]
    objects = manifest(config_map(stan_conf=conf), workload(server, volumes=volumes))
    (need,) = read([write("a.yaml", objects)], {}).needs
    assert "nats.authorization.password is $PASSWORD, which is set neither" in need.problem
