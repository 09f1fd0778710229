"""Rows of the data pane."""

from __future__ import annotations

from typing import Any

import pytest

from stanlocal.monitor import documents
from stanlocal.tui.data import rows
from stanlocal.tui.data.live import TOTAL, Growth, Inside
from stanlocal.tui.data.rows import COLUMNS, View
from tests.tui.data.samples import CHANNELS, CLIENTS

SHAPED = documents.channel_documents(CHANNELS)
STORE: dict[str, Any] = {
    "store": "/s",
    "disk_bytes": 4096,
    "channels": [
        {
            "name": "orders",
            "msgs": 10,
            "first_seq": 3,
            "last_seq": 12,
            "disk_bytes": 2048,
            "slices": [{}, {}],
            "subscriptions": [{}],
        }
    ],
    "problems": [],
}


def test_channel_row_shows_messages_rates_and_subscriptions() -> None:
    row = rows.channel_row({**SHAPED[0], "in_rate": 1234.4, "out_rate": 0.0})
    assert row == ("orders", "5,210", "1017.6 KiB", "5,210", "1,234", "0", "1", "1,024", "5,110", "1")
    assert len(row) == len(COLUMNS["channels"].heads)


def test_rates_are_not_known_at_the_first_look() -> None:
    row = rows.channel_row(SHAPED[0])
    assert row[4:6] == ("-", "-")


def test_client_row_shows_pending_messages() -> None:
    (client, _) = documents.client_documents(CLIENTS)
    assert rows.client_row(client) == ("auditor", "1", "1,024", "1", "orders")


def test_subscription_row_names_the_state() -> None:
    found = [rows.subscription_row(each) for each in documents.subscription_documents(CHANNELS)]
    assert [(row[1], row[5], row[6], row[7]) for row in found] == [
        ("stalled", "auditor", "-", "-"),
        ("offline", "-", "d", "-"),
        ("online", "w1", "q", "workers"),
        ("online", "w2", "q", "workers"),
    ]
    assert found[0][2:5] == ("1,124", "1,024", "5,110")


def test_store_row_shows_files_and_growth() -> None:
    (channel,) = STORE["channels"]
    assert rows.store_row(channel, {"orders": 1536.0}) == (
        "orders", "10", "3-12", "2", "2.0 KiB", "1.5 KiB/s", "1",
    )  # fmt: skip
    assert rows.store_row({**channel, "msgs": 0}, {})[2:6:3] == ("-", "-")


@pytest.mark.parametrize(
    ("view", "pattern", "sort", "expected"),
    [
        ("channels", "", "name", ["audit.[b]log[/b]", "empty", "orders"]),
        ("channels", "", "msgs", ["orders", "audit.[b]log[/b]", "empty"]),
        ("channels", "rd", "name", ["orders"]),
        ("channels", "*t", "name", []),
        ("channels", "e*", "name", ["empty"]),
        ("channels", "ORDERS", "name", []),
    ],
)
def test_rows_are_chosen_by_a_part_of_the_name_or_a_glob(
    view: View, pattern: str, sort: str, expected: list[str]
) -> None:
    assert [each["name"] for each in rows.chosen(view, SHAPED, pattern, sort)] == expected


@pytest.mark.parametrize("view", COLUMNS)
def test_every_view_can_be_sorted_by_its_name_first(view: View) -> None:
    assert COLUMNS[view].sorts[0] == COLUMNS[view].name
    assert max(COLUMNS[view].figures) < len(COLUMNS[view].heads)


def test_the_gravest_thing_to_say_is_said() -> None:
    text = rows.inside_summary(Inside("t-0", SHAPED, [], [], 3.2))
    assert text.splitlines() == [
        "t-0 is active; redelivered 3/s",
        "'auditor' of 'orders' is stalled: 1024 sent and not acknowledged (and 1 more)",
    ]


def test_store_summary_shows_the_first_problem() -> None:
    problem = {"file": "orders/msgs.1.dat", "detail": "ends within a record"}
    text = rows.store_summary({**STORE, "problems": [problem, problem]}, {TOTAL: 10.0})
    assert text.splitlines() == [
        "4.0 KiB on disk, grows by 10 B/s",
        "/s",
        "orders/msgs.1.dat: ends within a record (and 1 more)",
    ]


# Growth


def test_growth_is_what_came_between_two_looks() -> None:
    growth = Growth()
    assert growth.look(10.0, STORE) == {}
    channel = STORE["channels"][0]
    grown = {
        **STORE,
        "disk_bytes": 8096,
        "channels": [{**channel, "disk_bytes": 4048}, {**channel, "name": "new", "disk_bytes": 2000}],
    }
    assert growth.look(12.0, grown) == {TOTAL: 2000, "orders": 1000, "new": 1000}
    assert growth.look(13.0, STORE)["orders"] == -2000


def test_another_store_is_not_compared_with_the_one_before() -> None:
    growth = Growth()
    growth.look(10.0, STORE)
    assert growth.look(11.0, {**STORE, "store": "/other"}) == {}
