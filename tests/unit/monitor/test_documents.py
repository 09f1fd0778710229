"""The monitor's documents with sums, unread and stalled subscriptions, and the findings made of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from stanlocal.errors import MonitorError, NodeNotFound
from stanlocal.monitor import documents, pages
from stanlocal.monitor.findings import Disk, findings
from stanlocal.outages.message_rates import rates, sample
from stanlocal.store.verify.problems import Kind, Problem, Start
from tests.unit.metrics.samples import channel, subscription

OFFLINE = subscription(client_id="c2", durable_name="d", is_durable=True, is_offline=True, last_sent=40)


def test_the_members_of_a_queue_group_are_one_reader() -> None:
    members = [
        subscription(client_id=f"c{i}", queue_name="q", last_sent=90 + i, pending_count=i) for i in range(3)
    ]
    (reader,) = documents.readers(channel("orders", *members))
    assert (reader.name, reader.members, reader.last_sent, reader.pending, reader.backlog) == (
        "q",
        3,
        92,
        3,
        11,
    )


def test_a_member_of_a_queue_group_is_as_far_behind_as_its_group() -> None:
    busy = subscription(client_id="busy", queue_name="q", last_sent=100, pending_count=2)
    idle = subscription(client_id="idle", queue_name="q", last_sent=0, pending_count=0)
    alone = subscription(client_id="alone", last_sent=60, pending_count=0)
    listed = [channel("orders", idle, alone, busy)]
    found = {each["client_id"]: each["backlog"] for each in documents.subscription_documents(listed)}
    assert found == {"idle": 2, "alone": 40, "busy": 2}
    assert max(found.values()) == documents.channel_documents(listed)[0]["backlog"]


def test_a_durable_without_a_client_is_named_as_unread_with_what_waits_for_it() -> None:
    (document,) = documents.channel_documents([channel("orders", subscription(), OFFLINE)])
    assert document["unread_durables"] == ["c2/d"]
    assert (document["pending"], document["backlog"], document["stalled"]) == (20, 70, 0)
    assert document["msgs"] == 100  # the monitor's own fields stay


def test_messages_that_limits_dropped_do_not_wait_for_anybody() -> None:
    (reader,) = documents.readers(channel("orders", subscription(last_sent=5, pending_count=0), first_seq=91))
    assert reader.backlog == 10


@pytest.mark.parametrize(
    ("pattern", "names"), [("*", ["a.b", "a.c", "b"]), ("a.*", ["a.b", "a.c"]), ("[b]", ["b"]), ("A*", [])]
)
def test_channels_are_chosen_by_glob(pattern: str, names: list[str]) -> None:
    found = documents.select([channel("a.b"), channel("a.c"), channel("b")], "name", pattern)
    assert [each["name"] for each in found] == names


def test_figures_are_sorted_from_the_largest_down_and_texts_from_a_to_z() -> None:
    listed = [channel("b", msgs=1), channel("a", msgs=1), channel("c", msgs=7)]
    assert [each["name"] for each in documents.ordered(listed, "msgs", "name")] == ["c", "a", "b"]
    assert [each["name"] for each in documents.ordered(listed, "name", "name")] == ["a", "b", "c"]


def test_rates_tell_first_deliveries_from_redeliveries() -> None:
    before = sample(10.0, [channel("orders", subscription(last_sent=90))], {"out_msgs": 500})
    after = sample(12.0, [channel("orders", subscription(last_sent=110), last_seq=130)], {"out_msgs": 560})
    change = rates(before, after)
    assert (change.published, change.delivered, change.redelivered) == ({"orders": 15}, {"orders": 10}, 20)


def test_rates_are_never_negative_after_a_failover() -> None:
    before = sample(1.0, [channel("orders", subscription())], {"out_msgs": 500})
    change = rates(before, sample(2.0, [channel("orders"), channel("new")], {"out_msgs": 0}))
    assert (change.published, change.delivered, change.redelivered) == (
        {"orders": 0, "new": 0},
        {"orders": 0, "new": 0},
        0,
    )


@asynccontextmanager
async def monitor(documents: dict[str, list[dict[str, Any]]], state: str = "FT_ACTIVE") -> AsyncIterator[str]:
    """A monitor with these lists, in pages like the server's."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        url = urlsplit((await reader.readline()).split()[1].decode())
        query = {key: int(values[0]) for key, values in parse_qs(url.query).items()}
        key = url.path.removeprefix("/streaming/").removesuffix("z")
        body: dict[str, Any] = {"state": state}
        if key in documents:
            offset, limit = query.get("offset", 0), min(query.get("limit", 1024), 1024)
            body = {key: documents[key][offset : offset + limit], "total": len(documents[key])}
        text = json.dumps(body).encode()
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 2500])
async def test_lists_are_whole_beyond_the_servers_pages(count: int) -> None:
    listed = [channel(f"c{number:05}") for number in range(count)]
    async with monitor({"channels": listed, "clients": [{"id": "a"}]}) as url:
        assert await pages.channels(url, 5) == listed
        assert await pages.clients(url, 5) == [{"id": "a"}]


async def test_an_invalid_list_of_channels_is_reported() -> None:
    async with monitor({"channels": [{"no": "name"}]}) as url:
        with pytest.raises(MonitorError, match="has no list of channels"):
            await pages.channels(url, 5)


async def test_the_active_node_is_found_among_the_others() -> None:
    async with monitor({}, "FT_STANDBY") as standby, monitor({}) as active:
        assert await pages.find_active([("stan-0", standby), ("stan-1", active)]) == ("stan-1", active)
        with pytest.raises(NodeNotFound, match="stan-0 FT_STANDBY"):
            await pages.find_active([("stan-0", standby)])


def test_a_healthy_group_has_no_findings() -> None:
    limits = {"max_msgs": 1000, "max_bytes": "1mb", "max_subs": 10}
    roomy = Disk("/store", 50 << 30, 100 << 30)
    assert findings([channel("orders", subscription())], limits, roomy) == []


def test_each_thing_worth_saying_is_said_the_gravest_first() -> None:
    problem = Problem(Kind.TRUNCATED, "clients.dat", "ends early", Start.REFUSED, "truncate it", 4)
    stalled = subscription(client_id="c3", is_stalled=True)
    slow = subscription(client_id="c4", last_sent=0)
    listed = [channel("orders", OFFLINE, stalled), channel("bills", slow, last_seq=5000, msgs=950)]
    limits = {
        "max_msgs": 0,
        "max_subs": 2,
        "channels": {"bills": {"max_msgs": 1000}, "orders": {"max_bytes": 4096}},
    }
    found = findings(listed, limits, Disk("/store", 100 << 20, 100 << 30), [problem])
    assert [(finding.name, finding.subject) for finding in found] == [
        ("store", "clients.dat"),
        ("disk", "/store"),
        ("limit", "orders"),
        ("limit", "orders"),
        ("limit", "bills"),
        ("durable", "orders"),
        ("stalled", "orders"),
        ("durable", "bills"),
    ]
    assert "the server would not start on it" in found[0].detail
    assert "is at max_bytes: 4096 of 4096" in found[2].detail
    assert "'c2/d' of 'orders': 70 messages wait" in found[5].detail
    assert all(finding.cure for finding in found)
