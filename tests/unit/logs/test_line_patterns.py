"""The parser against what the real server printed, and against what no client may make it print.

`lines/<situation>.log` is the output of nats-streaming-server 0.25.6 (of 0.16.2 where the name says so)
in that situation, with folders shortened; `lines/<situation>.events` the events it must give, by line.
"""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanlocal.logs import event_types as ev
from stanlocal.logs.line_patterns import parse

RECEIVED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STAMP = "[1] 2026/11/23 09:15:13.751291 "
LINES = Path(__file__).parent / "lines"
RECORDINGS = sorted(LINES.glob("*.log"))

NOT_RECORDED = [
    (
        '[ERR] STREAM: ft: serverID "ckOy26bHrgwrcv91d1Bra6" claims to be active',
        ev.ForeignActive("ckOy26bHrgwrcv91d1Bra6"),
    ),
    (
        "[ERR] STREAM: Unable to send FT heartbeat: nats: connection closed",
        ev.HeartbeatFailed("nats: connection closed"),
    ),
    (
        '[ERR] STREAM: connection "_NSS-test-cluster-ft" has been disconnected: nats: stale connection',
        ev.NatsLost("_NSS-test-cluster-ft", "nats: stale connection"),
    ),
    (
        '[INF] STREAM: connection "_NSS-test-cluster-ft" reconnected to NATS Server at "nats://n:4222"',
        ev.NatsBack("_NSS-test-cluster-ft"),
    ),
    (
        '[INF] STREAM: File "/s/a/msgs.1.dat" has been truncated to offset: 4096',
        ev.FileTruncated("/s/a/msgs.1.dat", 4096),
    ),
    (
        '[ERR] STREAM: Corrupted record in file "/s/subs.dat": corrupted data, crc 0x1',
        ev.StoreCorrupted("/s/subs.dat", "corrupted data, crc 0x1"),
    ),
    (
        '[ERR] STREAM: Error with index file "/s/msgs.1.idx": EOF. Truncating and recovering from data file',
        ev.IndexRebuilt("/s/msgs.1.idx", "EOF"),
    ),
    (
        '[ERR] STREAM: [Client:me] Error processing message for subject "a": write: no space left on device',
        ev.PublishFailed("me", "a", "write: no space left on device"),
    ),
]


def recorded(path: Path) -> list[str]:
    return path.read_bytes().decode().removesuffix("\n").split("\n")


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_printed_lines_give_these_events(path: Path) -> None:
    events = [
        f"{number}: {event!r}"
        for number, line in enumerate(recorded(path), start=1)
        if (event := parse(line, RECEIVED).event) is not None
    ]
    assert events == path.with_suffix(".events").read_text().splitlines()


@pytest.mark.parametrize(("text", "event"), NOT_RECORDED)
def test_rare_lines_give_these_events(text: str, event: ev.LogEvent) -> None:
    assert parse(STAMP + text, RECEIVED).event == event


def test_every_kind_of_event_is_shown_by_some_line() -> None:
    kinds = {kind for _, kind in inspect.getmembers(ev, inspect.isclass) if issubclass(kind, ev.LogEvent)}
    lines = [line for path in RECORDINGS for line in recorded(path)] + [
        STAMP + text for text, _ in NOT_RECORDED
    ]
    shown = {type(event) for line in lines if (event := parse(line, RECEIVED).event) is not None}
    assert kinds - {ev.LogEvent} == shown


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_line_that_ends_the_server_is_not_followed_by_a_logged_one(path: Path) -> None:
    """Every event marked fatal really is the end of that run."""
    lines = [parse(line, RECEIVED) for line in recorded(path)]
    for line, after in pairwise(lines):
        if line.event is not None and line.event.fatal:
            assert after.level is None


def test_the_servers_stamp_is_read_as_utc() -> None:
    line = parse(STAMP + "[INF] STREAM: Streaming Server is ready", RECEIVED)
    assert line.time == datetime(2026, 11, 23, 9, 15, 13, 751291, tzinfo=UTC)
    assert line.time.utcoffset() == timedelta(0)
    assert (line.stamped, line.level, line.streaming) == (True, "INF", True)
    assert line.message == "Streaming Server is ready"
    assert line.event == ev.StreamingReady()


@pytest.mark.parametrize(
    "stamp",
    ["", "2026/02/31 09:15:13.751291 ", "2026/11/23 25:15:13.751291 ", "0000/11/23 09:15:13.751291 "],
)
def test_a_line_without_a_usable_stamp_has_the_time_it_was_received(stamp: str) -> None:
    line = parse(f"[1] {stamp}[WRN] STREAM: hello", RECEIVED)
    assert (line.time, line.stamped, line.level, line.message) == (RECEIVED, False, "WRN", "hello")


def test_colours_and_carriage_returns_of_a_terminal_do_not_matter() -> None:
    line = parse(STAMP + "[\x1b[31mFTL\x1b[0m] STREAM: Failed to start: no\r", RECEIVED)
    assert (line.level, line.message, line.event) == ("FTL", "Failed to start: no", ev.StartFailed("no"))


def test_ready_of_the_nats_server_is_not_ready_of_the_streaming_server() -> None:
    assert parse(STAMP + "[INF] Server is ready", RECEIVED).event == ev.NatsReady()
    assert parse(STAMP + "[INF] Streaming Server is ready", RECEIVED).event is None


WANTED = [
    "STREAM: Streaming Server is ready",
    "STREAM: Server is active",
    "panic: ft: serverID \"x\" claims to be active, aborting",
    STAMP + "[INF] STREAM: Streaming Server is ready",
    '" has been created',
    "1.2.3.4:6222 - rid:5 - Route connection created",
]  # fmt: skip


@pytest.mark.parametrize("forged", WANTED)
@pytest.mark.parametrize(
    ("template", "kinds"),
    [
        ('[INF] STREAM: Channel "{}" has been created', {ev.ChannelCreated, type(None)}),
        ('[ERR] STREAM: Creating channel "{}" failed: too many channels', {ev.ChannelRefused}),
        ("[DBG] STREAM: [Client:{}] Connected (Inbox=_INBOX.x)", {type(None)}),
        ("[ERR] STREAM: [Client:{}] Timed out on heartbeats", {ev.ClientLost, type(None)}),
        ('[ERR] 1.2.3.4:5 - cid:7 - authentication error - User "{}"', {ev.AuthenticationFailed}),
        ("[TRC] 1.2.3.4:5 - cid:7 - <<- [PUB {} 5]", {type(None)}),
    ],
)
def test_a_name_chosen_by_a_client_forges_no_event(forged: str, template: str, kinds: set[type]) -> None:
    quoted = forged.replace('"', r"\"")  # as the server prints names
    assert type(parse(STAMP + template.format(quoted), RECEIVED).event) in kinds


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_the_name_of_a_channel_comes_through_whole(name: str) -> None:
    """Whatever is in it; Go escapes what is not printable, quotes and backslashes."""
    quoted = "".join(c if c.isprintable() and c not in '"\\' else rf"\u{ord(c) & 0xFFFF:04x}" for c in name)
    line = parse(f'{STAMP}[INF] STREAM: Channel "{quoted}" has been created', RECEIVED)
    assert line.event == ev.ChannelCreated(quoted)


@given(
    st.one_of(
        st.text(),
        st.builds(
            "{}{}{}".format,
            st.sampled_from(["[1] ", STAMP, "[1] 9999/99/99 99:99:99.999999 ", "panic: ", "[x] "]),
            st.sampled_from(["[INF] ", "[ERR] STREAM: ", "[FTL] ", "[\x1b[32mINF\x1b[0m] STREAM: ", ""]),
            st.one_of(
                st.text(),
                st.sampled_from(["Recovered 99999999999999999999999999 channel(s)", "[Client:", 'Channel "']),
            ),
        ),
    )
)
def test_any_text_gives_a_line(text: str) -> None:
    line = parse(text, RECEIVED)
    assert line.text == text
    assert text.rstrip("\r").endswith(line.message)
    assert line.time.utcoffset() == timedelta(0)
    assert line.stamped or line.time == RECEIVED


@pytest.mark.parametrize(
    "unit",
    ['"', "\\", '\\"', ":1", " - rid:1", '": ', "] ", "address already in use", "{}", "panic: ", "a"],
)
def test_very_long_lines_cost_time_in_proportion_at_most(unit: str) -> None:
    """No pattern backtracks over a hostile line without end: this test would not end if one did."""
    for head in ("", STAMP + "[ERR] STREAM: [Client:", STAMP + '[INF] STREAM: Channel "', STAMP + "[ERR] "):
        assert parse(head + unit * (1_000_000 // len(unit)), RECEIVED).event is None or head == ""
