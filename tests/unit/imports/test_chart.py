"""Values of the nats/stan chart: what its templates make of them, alone and as a subchart."""

from __future__ import annotations

from typing import Any

import pytest

from stanlocal.imports.chart_printing import printed
from stanlocal.imports.reading import read
from tests.unit.imports.reading import CASES, Write, problems, reported, values

_FT = "store: {type: file, ft: {group: g}}"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2020, "2020"),
        (0, "0"),
        (-7, "-7"),
        (100_000, "100000"),
        (1_000_000, "1e+06"),
        (1_234_567, "1.234567e+06"),
        (2_097_152, "2.097152e+06"),
        (1_073_741_824, "1.073741824e+09"),
        (1e21, "1e+21"),
        (1.5, "1.5"),
        (0.00001, "1e-05"),
        (999_999.9999999, "999999.9999999"),
        (True, "true"),
        ("36h", "36h"),
    ],
)
def test_a_value_is_printed_as_go_prints_it(number: Any, text: str) -> None:
    assert printed(number) == text


def test_words_and_floats_are_what_the_chart_makes_of_them() -> None:
    path = CASES / "helm-loose.yaml"
    found = values(path)
    assert (found.nodes, found.streaming["cluster_id"], found.streaming["store"]) == (3, "2020", "file")
    assert found.streaming["store_limits"] == {
        "max_channels": 100,  # the server's own: the chart drops a word
        "max_msgs": 1_000_000,
        "max_bytes": 1 << 30,
        "max_age": "36h",
        "max_subs": 1000,
        "channels": {"orders": {"max_age": "1h"}},
    }
    lines = reported(read(path, {}))
    assert any("max_channels ('100') left out: the chart prints a number only" in line for line in lines)
    assert any("the server refuses what the chart prints there (2020)" in line for line in lines)


def test_nulls_are_values_that_are_not_set() -> None:
    path = CASES / "helm-null.yaml"
    found = values(path)
    assert (found.nodes, found.streaming["cluster_id"], found.streaming["ft_group_name"]) == (2, "stan", "g")
    lines = reported(read(path, {}))
    assert any(
        "stan.replicas changed: it is not set, and the chart's own 1 is no FT group; 2" in line
        for line in lines
    )


def test_a_chart_without_an_ft_group_gets_one_and_the_sentence_is_whole() -> None:
    path = CASES / "noft.yaml"
    assert values(path).streaming["ft_group_name"] == "test-cluster"
    assert any(
        line.endswith("it is not set there, so that each server serves alone; here it is 'test-cluster'")
        for line in reported(read(path, {}))
    )


@pytest.mark.parametrize(
    ("content", "path", "expected"),
    [
        ("stan: {replicas: 3.0}", "nodes", 3),
        ("stan: {replicas: '4'}", "nodes", 4),
        ("stan: {replicas: null}", "nodes", 2),
        ("stan: {replicas: 0}", "nodes", 2),
        ("stan: {replicas: 1}", "nodes", 1),
        ("stan: {clusterID: 1e6}", "streaming.cluster_id", "1e+06"),
        ("stan: {clusterID: ''}", "streaming.cluster_id", "stan"),
        ("nameOverride: orders", "streaming.cluster_id", "orders"),
        ("stan: {logging: {debug: 'false'}}", "streaming.stan_debug", True),
        ("stan: {logging: {debug: false, trace: 1}}", "streaming.stan_trace", True),
        ("nats: {maxPings: 5}", "nats.ping_max", 5),
        ("nats: {writeDeadline: 45s}", "nats.write_deadline", "45s"),
        ("nats: {writeDeadline: 45s}", "nats.lame_duck_duration", "45s"),
        ("nats: {writeDeadline: 2s}", "nats.write_deadline", "2s"),
        ("nats: {pingInterval: 2m}", "nats.ping_interval", "2m"),
        ("nats: {pingInterval: 30}", "nats.ping_interval", "30s"),
        ("nats: {limits: {maxPayload: 2MB}}", "nats.max_payload", 2 << 20),
        ("nats: {limits: {maxPayload: 2097152}}", "nats.max_payload", 2 << 20),
        ("nats: {limits: {maxConnections: -1}}", "nats.max_connections", -1),
        ("nats: {logging: {debug: 'true'}}", "nats.debug", True),
    ],
)  # fmt: skip
def test_a_value_is_what_the_chart_makes_of_it(write: Write, content: str, path: str, expected: Any) -> None:
    settings = values(write("values.yaml", f"{content}\n{_FT}"))
    found: Any = {"nodes": settings.nodes, "streaming": settings.streaming, "nats": settings.nats}
    for part in path.split("."):
        found = found[part]
    assert found == expected


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ("max_channels: 7", {"max_channels": 7}),
        ("max_channels: 0", {"max_channels": 0}),
        ("max_channels: 7.0", {"max_channels": 7}),
        ("max_channels: 7.9", {"max_channels": 7}),
        ("max_channels: '7'", {"max_channels": 100}),
        ("max_msgs: 1e+06", {"max_msgs": 1_000_000}),
        ("max_msgs: 1e+07", {"max_msgs": 10_000_000}),
        ("max_msgs: null", {"max_msgs": 1_000_000}),
        ("max_bytes: 0", {"max_bytes": 1_024_000_000}),
        ("max_bytes: 5mb", {"max_bytes": 5 << 20}),
        ("max_bytes: 5000", {"max_bytes": 5000}),
        ("max_bytes: 5000000", {"max_bytes": 5_000_000}),
        ("max_bytes: '5000000'", {"max_bytes": 5_000_000}),
        ("max_age: 0", {"max_age": "0"}),
        ("max_age: '0'", {"max_age": "0"}),
        ("max_inactivity: 90m", {"max_inactivity": "90m"}),
        ("channels: {a: {max_msgs: 3.0}, b: }", {"channels": {"a": {"max_msgs": 3}, "b": {}}}),
        ("channels: {'foo.>': {max_bytes: 1kb, max_age: }}", {"channels": {"foo.>": {"max_bytes": 1024}}}),
        ("maxmsgs: 5", {"max_msgs": 1_000_000}),
        ("channels: {a: {max_channels: 5}}", {"channels": {"a": {}}}),
    ],
)  # fmt: skip
def test_limits_are_what_the_chart_makes_of_them(write: Write, limits: str, expected: dict[str, Any]) -> None:
    path = write("values.yaml", f"{_FT[:-1]}, limits: {{{limits}}}}}")
    assert values(path).streaming["store_limits"].items() >= expected.items()


@pytest.mark.parametrize("name", ["maxPings: 3", "writeDeadline: 5s", "lameDuckDuration: 60s"])
def test_values_that_no_template_reads_are_said_to_be_unread(write: Write, name: str) -> None:
    path = write("values.yaml", f"nats: {{limits: {{{name}}}}}\n{_FT}")
    assert values(path).nats == {}
    assert any(
        "left out: no template of the chart reads it; nats." in line for line in reported(read(path, {}))
    )


@pytest.mark.parametrize("kind", ["FILE", "File", "Memory", "SQL", "disk", ""])
def test_any_other_word_than_sql_and_memory_is_a_file_store_to_the_chart(write: Write, kind: str) -> None:
    known = write("values.yaml", f"stan: {{replicas: 2}}\nstore: {{type: '{kind}', ft: {{group: g}}}}")
    assert values(known).streaming["store"] == "file"


# Subcharts


def test_values_of_a_subchart_are_found() -> None:
    path = CASES / "umbrella.yaml"
    found = values(path)
    assert (found.nodes, found.streaming["cluster_id"], found.streaming["ft_group_name"]) == (
        3,
        "orders",
        "g",
    )
    assert found.streaming["store_limits"]["max_age"] == "36h"
    assert any(
        "postgresql left out: it belongs to another chart" in line for line in reported(read(path, {}))
    )


_OWN = "{stan: {replicas: 3, clusterID: orders}, store: {type: file, ft: {group: g}}}"


@pytest.mark.parametrize(
    "content",
    [
        f"stan: {_OWN}",
        f"nats-streaming: {_OWN}",
        f"messaging: {{stan: {_OWN}}}",
        f"a: {{b: {{c: {_OWN}}}}}",
        f"global: {_OWN}",
        f"stan: {_OWN}\nnats: {{image: x}}",
        f"store: {{name: shop}}\nstan: {_OWN}",
        f"stan: {{enabled: true, {_OWN[1:]}",
        f"web: {{image: shop}}\nqueue: {_OWN}\nredis: {{store: {{name: x}}}}",
        "stan: {stan: {replicas: 3, clusterID: orders}, store: {ft: {group: g}}}",
    ],
)
def test_values_are_found_in_any_subchart(write: Write, content: str) -> None:
    found = values(write("values.yaml", content))
    assert (found.nodes, found.streaming["cluster_id"], found.streaming["ft_group_name"]) == (
        3,
        "orders",
        "g",
    )


def test_limits_of_the_nats_chart_beside_it_count_for_the_nodes_own(write: Write) -> None:
    path = write("values.yaml", f"stan: {_OWN}\nnats: {{nats: {{limits: {{maxPayload: 4MB}}}}}}")
    assert values(path).nats == {"max_payload": 4 << 20}
    assert any("nats changed: its NATS server is the one inside" in line for line in reported(read(path, {})))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("web: {image: shop}\nstore: {name: shop, currency: EUR}", "neither a Kubernetes object nor values"),
        ("store: {name: shop}", "neither a Kubernetes object nor values"),
        ("store: {type: grocery, limits: {max: 3}}", "neither a Kubernetes object nor values"),
        ("store: []", "neither a Kubernetes object nor values"),
        ("stan: laurel", "neither a Kubernetes object nor values"),
        ("stan: {film: laurel}", "neither a Kubernetes object nor values"),
        ("image: {repository: x}\nreplicaCount: 2", "neither a Kubernetes object nor values"),
        ("stan: {store: {cluster: {enabled: true}}}", "this is a Raft cluster"),
        ("stan: {stan: {replicas: 3}, store: {cluster: {enabled: 'yes'}}}", "this is a Raft cluster"),
        (f"a: {_OWN}\nb: {_OWN}", "several subcharts have values of the nats/stan chart (a, b)"),
        ("stan: {stan: {replicas: x}, store: {ft: {group: g}}}", "nodes must be a whole number"),
        ("stan: {clusterID: true}\nstore: {ft: {group: g}}", "must be a string, not true"),
        ("stan: {clusterID: a b}\nstore: {ft: {group: g}}", "the chart prints it without quotes, and"),
        ("store: {ft: {group: g}, limits: {max_age: 3600}}", "is '3600', which is not a duration"),
        ("store: {ft: {group: g}, limits: {max_bytes: many}}", "max_bytes is 'many', which is not a size"),
        ("a: {b: {c: {d: {stan: {replicas: 3}}}}}", "neither a Kubernetes object nor values"),
    ],
)  # fmt: skip
def test_values_that_are_no_ft_group_are_refused(write: Write, content: str, expected: str) -> None:
    assert any(expected in problem for problem in problems(write("values.yaml", content)))


def test_a_null_among_the_file_options_is_left_out_as_the_server_refuses_it(write: Write) -> None:
    path = write(
        "values.yaml", "store: {ft: {group: g}, file: {options: {buffer_size: null, sync_on_flush: false}}}"
    )
    assert values(path).streaming["file_options"]["sync_on_flush"] is False
    (line,) = [line for line in reported(read([path], {})) if "buffer_size" in line]
    assert "the chart prints null, which the server refuses" in line
