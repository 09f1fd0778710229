"""`-c` and `-sc` together: each file counts for its part, as in the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.imports.reading import read
from tests.unit.imports.manifests import CONF, config_map, container, manifest, workload
from tests.unit.imports.reading import CASES, Write, problems, reported, values

_MOUNTS = [{"name": "c", "mountPath": "/e"}]
_VOLUMES = [{"name": "c", "configMap": {"name": "cm"}}]


def _file(write: Write, arguments: str, **files: str) -> Path:
    pod = workload(container(*arguments.split(), volumeMounts=_MOUNTS), volumes=_VOLUMES)
    return write("a.yaml", manifest(config_map(**files), pod))


@pytest.mark.parametrize("name", ["c-and-sc", "c-and-sc-with-store-flag"])
def test_both_files_are_read(name: str) -> None:
    path = CASES / f"{name}.yaml"
    found = values(path)
    assert (found.streaming["cluster_id"], found.streaming["ft_group_name"]) == ("orders", "ftg")
    assert found.nats["max_payload"] == 2 << 20
    assert not any("does not read it" in line for line in reported(read(path, {})))


_NATS = "max_payload: 2MB"
_WITH_SECTION = f"{_NATS}\nstreaming {{ id: other, store: memory }}"
_BARE = 'id: orders, store: file, dir: d, ft_group: ftg, limits { max_age: "36h" }'


@pytest.mark.parametrize(
    ("arguments", "nats", "stan", "payload"),
    [
        ("-c /e/nats.conf -sc /e/stan.conf", _NATS, CONF, 2 << 20),
        ("-sc /e/stan.conf -c /e/nats.conf", _NATS, CONF, 2 << 20),
        ("--config=/e/nats.conf --stan_config=/e/stan.conf", _NATS, CONF, 2 << 20),
        ("-c /e/nats.conf -sc /e/stan.conf", _NATS, f"max_payload: 3MB\n{CONF}", 2 << 20),
        ("-c /e/nats.conf -sc /e/stan.conf", _WITH_SECTION, CONF, 2 << 20),
        ("-c /e/nats.conf -sc /e/stan.conf", _NATS, _BARE.replace(", ", "\n"), 2 << 20),
        ("-sc /e/stan.conf", _NATS, f"max_payload: 3MB\n{CONF}", 3 << 20),
        ("-c /e/stan.conf", _NATS, f"max_payload: 3MB\n{CONF}", 3 << 20),
        ("-c /e/stan.conf -sc /e/stan.conf", _NATS, f"max_payload: 3MB\n{CONF}", 3 << 20),
        ("-c /e/nats.conf -c /e/stan.conf", _NATS, f"max_payload: 3MB\n{CONF}", 3 << 20),
        ("-sc /e/nats.conf -sc /e/stan.conf", _NATS, f"max_payload: 3MB\n{CONF}", 3 << 20),
        ("-c /e/nats.conf -sc /e/stan.conf -cid orders -ma 36h", _NATS, CONF.replace("orders", "x"), 2 << 20),
    ],
)  # fmt: skip
def test_each_file_counts_for_its_part(
    write: Write, arguments: str, nats: str, stan: str, payload: int
) -> None:
    found = values(_file(write, arguments, nats_conf=nats, stan_conf=stan))
    assert (found.streaming["cluster_id"], found.streaming["ft_group_name"]) == ("orders", "ftg")
    assert found.streaming["store_limits"]["max_age"] == "36h"
    assert found.nats == {"max_payload": payload}


def test_options_in_the_file_that_does_not_count_for_them_are_reported(write: Write) -> None:
    path = _file(
        write,
        "-c /e/nats.conf -sc /e/stan.conf",
        nats_conf="streaming { id: other }",
        stan_conf=f"max_payload: 3MB\n{CONF}",
    )
    lines = reported(read(path, {}))
    assert any("streaming left out: -sc names another file for it" in line for line in lines)
    assert any("max_payload (3145728) left out: -c names another file for the NATS" in line for line in lines)


def test_a_file_that_is_not_there_is_a_problem_beside_one_that_is(write: Write) -> None:
    (problem,) = problems(_file(write, "-c /e/gone.conf -sc /e/stan.conf", stan_conf=CONF))
    assert "the server reads /e/gone.conf from ConfigMap cm, which has no gone.conf" in problem
