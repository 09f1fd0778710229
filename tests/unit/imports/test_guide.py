"""The guide's own files as settings: all of them taken or accounted for."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stanlocal.imports.reading import Import, read
from stanlocal.settings import Settings, resolve
from tests import seed
from tests.support.parity import elements, under

_STREAMING = {
    "cluster_id": "test-cluster",
    "ft_group_name": "test-cluster",
    "store": "file",
    "file_options": {
        "buffer_size": 32 << 20,
        "sync_on_flush": False,
        "slice_max_bytes": 512 << 20,
        "parallel_recovery": 64,
    },
    "store_limits": {
        "max_channels": 10,
        "max_msgs": 0,
        "max_bytes": 256 << 30,
        "max_age": "1h",
        "max_subs": 128,
    },
}


def settings(imported: Import) -> Settings:
    """Settings with which the group would run."""
    return resolve([imported.layer])


def lines(imported: Import) -> list[str]:
    """The findings without the file's name."""
    return [str(finding).removeprefix(f"{imported.layer.file}:") for finding in imported.findings]


def test_the_manifests_come_to_the_guides_group() -> None:
    found = settings(read(seed.EFS, {}))
    assert found.nodes == 3
    assert found.streaming == _STREAMING
    assert found.nats == {}
    assert found.image == "nats-streaming:0.25.6"


def test_the_configuration_alone_comes_to_the_same_group(tmp_path: Path) -> None:
    file = tmp_path / "stan.conf"
    file.write_text(seed.stan_conf())
    found = settings(read(file, {}))
    assert (found.nodes, found.streaming) == (3, _STREAMING)


def test_the_config_map_alone_comes_to_the_same_group(tmp_path: Path) -> None:
    file = tmp_path / "configmap.yaml"
    file.write_text(yaml.safe_dump(seed.by_name(seed.documents(seed.EFS))["ConfigMap/stan-config"]))
    found = settings(read(file, {}))
    assert (found.nodes, found.streaming) == (3, _STREAMING)


def test_settings_know_their_lines_in_the_manifest() -> None:
    sources = settings(read(seed.EFS, {})).sources
    text = seed.EFS.read_text().splitlines()
    for name, words in {
        "nodes": "replicas: 3",
        "streaming.cluster_id": "id: test-cluster",
        "streaming.store_limits.max_age": "max_age: 1h",
    }.items():
        file, line, column = sources[name].rsplit(":", 2)
        assert file == str(seed.EFS)
        assert text[int(line) - 1][int(column) - 1 :] == words


def test_every_object_and_value_of_the_manifests_is_taken_or_accounted_for() -> None:
    """An element that is neither a setting nor named by a finding was dropped silently."""
    imported = read(seed.EFS, {})
    reported = [finding.what.split(" (")[0] for finding in imported.findings]
    taken = {
        *(
            "StatefulSet/stan spec.replicas",
            "StatefulSet/stan spec.template.spec.terminationGracePeriodSeconds",
        ),
        *(f"StatefulSet/stan spec.template.spec.containers[stan].{name}" for name in ("name", "args")),
        *("stan.conf http", "stan.conf cluster.port", "stan.conf cluster.connect_retries"),
    }
    conf_names = {"id": "cluster_id"}

    def is_accounted_for(element: str) -> bool:
        title, _, path = element.partition(" ")
        if title == "stan.conf":
            section, _, rest = path.partition(".")
            setting = f"{section}.{conf_names.get(rest, rest)}"
            return (
                path in reported
                or setting in reported
                or setting in imported.layer.places
                or element in taken
            )
        if path in ("apiVersion", "kind"):
            return True
        return element in taken or any(under({element: None}, name) or name == title for name in reported)

    assert [each for each in elements(seed.documents(seed.EFS)) if not is_accounted_for(each)] == []


def test_dropped_and_changed_values_are_reported_with_place_and_reason() -> None:
    found = lines(read(seed.EFS, {}))
    text = seed.EFS.read_text().splitlines()
    image = next(line for line in found if "image" in line)
    number, column, rest = image.split(":", 2)
    assert text[int(number) - 1][int(column) - 1 :].startswith("image: nats-streaming:alpine")
    assert rest == (
        " StatefulSet/stan spec.template.spec.containers[stan].image ('nats-streaming:alpine') left out: "
        "an image is code, which a file cannot choose; take it with --image"
    )
    assert any("cluster.routes (nats://stan-0.stan:6222, " in line and " changed: " in line for line in found)
    assert any("PersistentVolumeClaim/efs left out: the store is a folder" in line for line in found)


def test_the_chart_values_come_to_the_guides_second_group() -> None:
    imported = read(seed.VALUES, {})
    found = settings(imported)
    assert found.nodes == 2
    assert found.streaming["cluster_id"] == "stan"
    assert found.streaming["ft_group_name"] == "my-group"
    assert [line.split(" ", 1)[1] for line in lines(imported)] == [
        "stan.clusterID changed: the chart takes the release's name, which is taken to be 'stan'; set "
        "STANLOCAL_STREAMING__CLUSTER_ID for another",
        "stan.image ('nats-streaming:alpine') left out: an image is code, which a file cannot choose; take "
        "it with --image",
        "stan.nats left out: the nodes use the NATS server inside each of them; for one of yours set "
        "STANLOCAL_STREAMING__NATS_SERVER_URL",
        "store.file.path ('/data/stan/store') left out: the store is a folder of this machine; choose it "
        "with --store-dir",
        "store.volume left out: the store is a folder of this machine; choose it with --store-dir",
    ]


@pytest.mark.parametrize(
    ("option", "servers_own"),
    [
        ("streaming.store_limits.max_channels", 100),
        ("streaming.store_limits.max_msgs", 1_000_000),
        ("streaming.store_limits.max_bytes", 1_024_000_000),
        ("streaming.file_options.sync_on_flush", True),
        ("streaming.file_options.parallel_recovery", 1),
    ],
)
def test_values_missing_in_the_file_are_the_servers_defaults_and_not_stanlocals(
    option: str, servers_own: object
) -> None:
    found: object = {"streaming": settings(read(seed.VALUES, {})).streaming}
    for name in option.split("."):
        assert isinstance(found, dict)
        found = found[name]
    assert found == servers_own
