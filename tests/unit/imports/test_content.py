"""The format of a file is that of its content, whatever its name."""

from __future__ import annotations

import pytest

from tests import seed
from tests.unit.imports.reading import CASES, Write, problems, values

_CONF = "streaming {\n  id: orders\n  store: file\n  ft_group: g\n}\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '{"streaming": {"id": "orders", "store": "file", "ft_group": "g"}}'),
        ("a.yaml", '{"streaming": {"id": "orders", "store": "file", "ft_group": "g"}, "port": 4222}'),
        ("a.json", '{"id": "orders", "store": "file", "ft_group": "g"}'),
        ("a.yaml", _CONF),
        ("a.yml", "port: 4222\n" + _CONF),
        ("a.yaml", "id: orders\nstore: file\nft_group: g\n"),
        ("a.yaml", "id = orders; store = file; ft_group = g"),
        ("a.JSON", '{ streaming: { id: "orders", store: "file", ft_group: "g" } }'),
        ("a.yml", "# a comment\nstreaming: {\n id: orders, store: file, ft_group: g\n}"),
        ("a", _CONF),
        ("values.yaml.bak", "stan: {clusterID: orders}\nstore: {type: file, ft: {group: g}}"),
        ("values", "stan: {clusterID: orders}\nstore: {type: file, ft: {group: g}}"),
    ],
)
def test_a_file_is_read_by_its_content(write: Write, name: str, content: str) -> None:
    found = values(write(name, content))
    assert (found.streaming["cluster_id"], found.streaming["ft_group_name"]) == ("orders", "g")


@pytest.mark.parametrize("name", ["manifest", "manifest.conf", "manifest.txt", "manifest.yaml.orig"])
def test_a_manifest_of_any_name_is_a_manifest(write: Write, name: str) -> None:
    assert values(write(name, seed.EFS.read_text())).nodes == 3


def test_the_places_of_a_configuration_in_json_are_right() -> None:
    sources = values(CASES / "stanconf.json").sources
    assert sources["streaming.store_limits.max_age"].endswith("stanconf.json:1:99")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.json", '{"port": 4222}', "a.json:1:1: streaming.store is not set: it is memory"),
        ("a.json", '{"name": "x", "version": 1}', "neither a Kubernetes object nor values"),
        ("a.yaml", "a: [", "a.yaml:2:1: "),
        ("a.conf", "streaming {", "a.conf:1:11: the table has no closing '}'"),
        ("a.yaml", "streaming {\n id: a b: c", "a.yaml:"),
    ],
)
def test_a_file_of_no_format_is_refused_as_its_name_says(
    write: Write, name: str, content: str, expected: str
) -> None:
    assert any(expected in problem for problem in problems(write(name, content)))


@pytest.mark.parametrize("empty", ["---\n", "---\n# nothing\n", "---\n---\n", "---\nnull\n", "---\n~\n"])
@pytest.mark.parametrize("first", [True, False])
def test_empty_documents_are_skipped(write: Write, empty: str, first: bool) -> None:
    whole = (CASES / "replicaset.yaml").read_text().replace("kind: ReplicaSet", "kind: StatefulSet")
    path = write("a.yaml", f"{empty}---\n{whole}" if first else f"{whole}{empty}")
    assert values(path).nodes == 3


def test_an_empty_document_at_the_end_is_skipped() -> None:
    found = values(CASES / "empty-doc-last.yaml")
    assert (found.nodes, found.streaming["cluster_id"], found.streaming["ft_group_name"]) == (
        3,
        "orders",
        "ftg",
    )
