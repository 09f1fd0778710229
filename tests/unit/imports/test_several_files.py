"""Deployments in several files, in a folder, or on standard input."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.errors import SettingsError
from stanlocal.imports.reading import read
from stanlocal.settings import resolve
from tests import seed
from tests.unit.imports.imported import FT, reported, summary, write


def of(*paths: Path, text: str = "") -> str:
    return summary(resolve([read(list(paths), {}, standard_input=lambda: text).layer]))


def refused(*paths: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        read(list(paths), {})
    return "; ".join(caught.value.problems)


def test_the_objects_of_a_deployment_may_be_in_several_files(tmp_path: Path) -> None:
    whole = summary(resolve([read(seed.EFS, {}).layer]))
    parts = seed.EFS.read_text().split("\n---\n")
    paths = write(tmp_path, {f"{number}.yaml": part for number, part in enumerate(parts)})
    assert of(*paths) == of(tmp_path) == of(*paths[::-1]) == whole


def test_a_place_in_one_of_several_files_is_in_that_file(tmp_path: Path) -> None:
    parts = seed.EFS.read_text().replace("max_age: 1h", "max_age: 5kbb").split("\n---\n")
    write(tmp_path, {f"{number}.yaml": part for number, part in enumerate(parts)})
    number = next(number for number, part in enumerate(parts) if "5kbb" in part)
    assert refused(tmp_path).startswith(f"{tmp_path}/{number}.yaml:")


def test_standard_input_is_read(tmp_path: Path) -> None:
    assert of(Path("-"), text=seed.EFS.read_text()) == of(seed.EFS)
    assert of(Path("-"), text="nats-streaming-server -st file -ft_group g -cid piped") == "2 piped g"


def test_configurations_of_the_nodes_are_one_group(tmp_path: Path) -> None:
    write(tmp_path, {f"{name}.conf": f"port: 422{name}\n{FT} id: c\n}}" for name in "123"})
    assert of(tmp_path) == "3 c g"


def test_a_file_for_each_half_of_the_server_is_one_server(tmp_path: Path) -> None:
    paths = write(tmp_path, {"nats.conf": "max_payload: 2mb\n", "stan.conf": f"{FT} id: c\n}}"})
    for order in (paths, paths[::-1]):
        found = resolve([read(order, {}).layer])
        assert (summary(found), found.nats["max_payload"]) == ("2 c g", 2 << 20)


def test_an_included_file_is_no_node(tmp_path: Path) -> None:
    write(
        tmp_path, {"limits.conf": "max_msgs: 7\n", "stan.conf": f"{FT} limits {{ include limits.conf }}\n}}"}
    )
    assert of(tmp_path) == "2 test-cluster g max_msgs=7"


def test_a_file_that_no_server_reads_is_reported(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"run.sh": "nats-streaming-server -sc a.conf", "a.conf": FT + "}", "b.conf": FT + " id: b\n}"},
    )
    said = reported(read(tmp_path, {}))
    assert f"b.conf:1: the whole file left out: no server of {tmp_path}/run.sh reads it" in said
    assert not any(line.startswith("a.conf") for line in said if "whole file" in line)


def test_two_shapes_at_a_time_are_refused(tmp_path: Path) -> None:
    write(
        tmp_path, {"run.sh": "nats-streaming-server -st file -ft_group g", "stan.yaml": seed.EFS.read_text()}
    )
    assert refused(tmp_path) == (
        f"{tmp_path}/run.sh:1:1: this is a script, and {tmp_path}/stan.yaml is Kubernetes "
        "objects: name the files of one of them"
    )


def test_values_of_several_files_are_merged_as_helm_merges_them(tmp_path: Path) -> None:
    files = {
        "base.yaml": "stan: {replicas: 2, clusterID: base}\nstore: {ft: {group: g}, limits: {max_msgs: 5}}\n",
        "prod.yaml": "stan: {replicas: 5}\nstore: {limits: {max_channels: 7}}\n",
        "size.yaml": "resources: {limits: {memory: 1Gi}}\n",
    }
    paths = write(tmp_path, files)
    assert of(*paths) == "5 base g max_channels=7 max_msgs=5"
    assert of(paths[1], paths[0], paths[2]) == "2 base g max_channels=7 max_msgs=5"
    found = read(paths, {})
    assert "prod.yaml:1: values changed: a value of a later file counts more" in "; ".join(reported(found))


def test_values_beside_objects_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"stan.yaml": seed.EFS.read_text(), "values.yaml": seed.VALUES.read_text()})
    assert "these are values of the nats/stan chart, beside Kubernetes objects" in refused(tmp_path)


def test_a_folder_without_a_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff")
    (tmp_path / ".hidden").write_text("x")
    assert refused(tmp_path) == f"{tmp_path}: has no text file"


def test_a_folder_of_too_many_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {f"{number}.conf": "x: 1" for number in range(300)})
    assert "has more than 250 files" in refused(tmp_path)


def test_values_of_all_files_count_together(tmp_path: Path) -> None:
    many = "x: [" + "1," * 6_000 + "]\n"
    write(
        tmp_path, {"a.yaml": f"kind: A\napiVersion: v1\n{many}", "b.yaml": f"kind: B\napiVersion: v1\n{many}"}
    )
    assert "more than 10000 values" in refused(tmp_path)
