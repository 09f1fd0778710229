"""The metrics have the exporter's names, are valid, and never wait for a node that does not answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics_parser

from stanlocal.errors import EngineUnavailable
from stanlocal.export import grafana
from stanlocal.metrics import exporter, http, stanlocal_metrics
from stanlocal.metrics.exposition import render
from stanlocal.metrics.scrape import scrape
from tests.support.ports import free_ports
from tests.unit.metrics import recorded, samples

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def exposed() -> dict[str, set[tuple[str, ...]]]:
    """Each sample's name and the sets of labels it comes with."""
    sub = samples.subscription(is_durable=True, queue_name="d:q")
    scrapes = [samples.active("stan-0", samples.channel("orders", sub)), samples.silent()]
    families = [
        *exporter.families(scrapes),
        *stanlocal_metrics.families(samples.facts(samples.failover(0.6)), scrapes),
    ]
    found: dict[str, set[tuple[str, ...]]] = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, set()).add(tuple(sorted(sample.labels)))
    return found


def test_names_and_labels_are_those_of_the_exporter() -> None:
    found = exposed()
    ours = {name: labels for name, labels in found.items() if name.startswith("nss_")}
    assert ours == {name: {labels} for name, labels in recorded.STREAMING.items()}
    assert {name: labels for name, labels in found.items() if name in recorded.NATS} == {
        name: {labels} for name, labels in recorded.NATS.items()
    }
    others = {name for name in found if name not in recorded.STREAMING and not name.startswith("gnatsd_")}
    assert all(name.startswith("stanlocal_") for name in others)


def test_figures_at_any_depth_and_some_texts_are_metrics_as_the_exporter_names_them() -> None:
    values = {
        sample.name: (sample.value, sample.labels.get("value"))
        for family in exporter.families([samples.active("stan-0")])
        for sample in family.samples
    }
    assert values["gnatsd_varz_http_req_stats_streaming_serverz"] == (3, None)
    assert values["gnatsd_varz_http_req_stats"] == (1, None)
    assert values["gnatsd_varz_cluster_name"] == (1, "stan")
    assert values["gnatsd_varz_start"] == (1795408419843, None)
    assert values["gnatsd_connz_out_bytes"] == (8, None)
    left_out = ("gnatsd_varz_go", "gnatsd_varz_tls_required", "gnatsd_varz_cluster_cluster_port")
    assert not set(left_out) & set(values)
    assert not [name for name in values if "bad" in name]


def test_failovers_of_every_cause_are_counted_from_zero() -> None:
    facts = replace(samples.facts(), causes=("kill", "pause"))
    counted = {
        sample.labels["cause"]: sample.value
        for family in stanlocal_metrics.families(facts, [])
        for sample in family.samples
        if sample.name == "stanlocal_failovers_total"
    }
    assert counted == dict.fromkeys(("kill", "pause", *stanlocal_metrics.EXITS), 0)


def test_a_durable_queue_is_reported_as_durable_and_queue() -> None:
    sub = samples.subscription(is_durable=True, queue_name="d:q")
    families = exporter.families([samples.active("stan-0", samples.channel("orders", sub))])
    (sample,) = next(family for family in families if family.name == "nss_chan_subs_last_sent").samples
    assert (sample.labels["durable_name"], sample.labels["queue_name"], sample.value) == ("d", "q", 90)


@given(st.text(max_size=30), st.text(max_size=30))
def test_the_text_is_valid_whatever_channels_and_clients_are_called(name: str, client: str) -> None:
    scrapes = [samples.active("stan-0", samples.channel(name, samples.subscription(client_id=client)))]
    families = [
        *exporter.families(scrapes),
        *stanlocal_metrics.families(samples.facts(samples.failover(3)), scrapes),
    ]
    text, content_type = render(families, OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text")
    parsed = list(openmetrics_parser.text_string_to_metric_families(text.decode()))  # type: ignore[no-untyped-call]
    labels = [s.labels for f in parsed if f.name == "nss_chan_subs_last_sent" for s in f.samples]
    assert (labels[0]["channel"], labels[0]["client_id"]) == (name, client)
    plain, content_type = render(families)
    assert content_type.startswith("text/plain")
    assert b"nss_server_active" in plain


def test_failovers_are_counted_by_cause_and_timed_in_a_histogram() -> None:
    facts = samples.facts(samples.failover(0.6), samples.failover(1.2), samples.failover(40, "exit 2"))
    values = {
        (sample.name, sample.labels.get("cause") or sample.labels.get("le")): sample.value
        for family in stanlocal_metrics.families(facts, [])
        for sample in family.samples
    }
    assert values["stanlocal_failovers_total", "kill"] == 2
    assert values["stanlocal_failover_seconds_bucket", "1.0"] == 1
    assert values["stanlocal_failover_seconds_bucket", "+Inf"] == 3
    assert values["stanlocal_outage_seconds_sum", None] == pytest.approx(42.1)


def test_the_dashboard_asks_only_for_metrics_that_there_are() -> None:
    there = set(exposed()) | {"stanlocal_node_state", "stanlocal_faults_in_force"}
    asked = {
        name for query in grafana.queries() for name in re.findall(r"\b(?:stanlocal|nss|gnatsd)_\w+", query)
    }
    assert asked
    assert asked <= there


@asynccontextmanager
async def mute() -> AsyncIterator[str]:
    """A monitor that takes connections and says nothing, as a node does that recovers or is frozen."""
    held = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        held.set()
        server.close()
        await server.wait_closed()


async def test_nodes_that_are_silent_or_gone_cost_no_more_than_the_deadline() -> None:
    loop = asyncio.get_running_loop()
    async with mute() as url:
        gone = f"http://127.0.0.1:{free_ports(1)[0]}"
        began = loop.time()
        found = await scrape([("stan-0", url), ("stan-1", gone)], timeout=0.2)
        assert loop.time() - began < 0.5
    assert [each.outcome for each in found] == ["silent", "refused"]
    values = {
        sample.labels["node"]: sample.value
        for family in stanlocal_metrics.families(samples.facts(), found)
        for sample in family.samples
        if sample.name == "stanlocal_monitor_up"
    }
    assert values == {"stan-0": 0, "stan-1": 0}


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    if not request:
        writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("request_line", "status", "has"),
    [
        (b"GET /metrics HTTP/1.1", b"200", b"\r\n\r\nmetrics for */*"),
        (b"HEAD /metrics HTTP/1.1", b"200", b"Content-Length: 15\r\n"),
        (b"GET / HTTP/1.0", b"200", b"href=metrics"),
        (b"GET /etc/passwd HTTP/1.1", b"404", b"see /metrics"),
        (b"POST /metrics HTTP/1.1", b"405", b"only GET"),
        (b"\x00\xff", b"400", b""),
        (b"GET http://[ HTTP/1.1", b"400", b""),
        (b"GET //[ HTTP/1.1", b"404", b"see /metrics"),
        (b"GET /metrics?a=[&b HTTP/1.1", b"200", b"metrics for"),
        (b"GET /../metrics HTTP/1.1", b"404", b"see /metrics"),
    ],
)
async def test_the_endpoint_answers_scrapers_and_nothing_else(
    request_line: bytes, status: bytes, has: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(accept: str) -> tuple[bytes, str]:
        return f"metrics for {accept}".encode(), "text/plain"

    async with http.serve("127.0.0.1", 0, answer) as (_, port):
        reply = await ask(port, request_line + f"\r\nHost: localhost:{port}\r\nAccept: */*\r\n\r\n".encode())
    assert reply.split(b" ")[1] == status
    assert has in reply
    assert not caplog.records  # which would be tracebacks on the terminal


async def test_an_asker_that_says_nothing_or_too_much_gets_no_metrics() -> None:
    async def answer(accept: str) -> tuple[bytes, str]:
        raise AssertionError

    async with http.serve("127.0.0.1", 0, answer) as (_, port):
        assert await ask(port, b"") == b""
        reply = await ask(port, b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 20_000)
    assert reply.split(b" ")[1] == b"400"


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:{}", b"200"), ("localhost:{}", b"200"), ("LOCALHOST:{}", b"200"), ("[::1]:{}", b"200")]
    + [(host, b"403") for host in ("rebound.example:{}", "127.0.0.1", "127.0.0.1:1", "", "10.0.0.1:{}")],
)
async def test_a_page_that_takes_the_loopback_address_for_its_name_is_refused(
    host: str, status: bytes
) -> None:
    async def answer(accept: str) -> tuple[bytes, str]:
        return b"metrics", "text/plain"

    async with http.serve("127.0.0.1", 0, answer) as (_, port):
        reply = await ask(port, f"GET /metrics HTTP/1.1\r\nHost: {host.format(port)}\r\n\r\n".encode())
    assert reply.split(b" ")[1] == status
    assert reply.endswith(b"metrics") == (status == b"200")


async def test_an_address_that_others_reach_answers_under_any_name() -> None:
    async def answer(accept: str) -> tuple[bytes, str]:
        return b"metrics", "text/plain"

    async with http.serve("0.0.0.0", 0, answer) as (_, port):
        reply = await ask(port, b"GET /metrics HTTP/1.1\r\nHost: host.docker.internal\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 200")


async def test_a_defect_is_in_the_answer_and_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def answer(accept: str) -> tuple[bytes, str]:
        raise KeyError("x")

    async with http.serve("127.0.0.1", 0, answer) as (_, port):
        reply = await ask(port, f"GET /metrics HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
    assert reply.startswith(b"HTTP/1.1 500")
    assert reply.endswith(b"defect in stanlocal: KeyError: 'x'\n")
    assert "KeyError" in caplog.text


async def test_an_engine_that_is_gone_is_reported_as_unavailable() -> None:
    async def answer(accept: str) -> tuple[bytes, str]:
        raise EngineUnavailable("no engine answers")

    async with http.serve("127.0.0.1", 0, answer) as (_, port):
        reply = await ask(port, b"GET /metrics HTTP/1.0\r\n\r\n")
    assert reply.split(b" ")[1] == b"503"
    assert reply.endswith(b"no engine answers\n")
