"""Facts about a node's connection to the NATS server, from its log."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stanlocal.logs.line_patterns import parse
from stanlocal.logs.node_facts import fold
from stanlocal.model.states import LogFacts

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BOOT = "[INF] STREAM: Starting nats-streaming-server[c] version 0.25.6"
MISSED = "[ERR] STREAM: Unable to send FT heartbeat: nats: outbound buffer limit exceeded"
LOST = '[ERR] STREAM: connection "_NSS-c-ft" has been disconnected: nats: stale connection'
BACK = '[INF] STREAM: connection "_NSS-c-ft" reconnected to NATS Server at "nats://n:4222"'
OTHER_LOST, OTHER_BACK = LOST.replace("-ft", "-hb"), BACK.replace("-ft", "-hb")


def folded(*lines: str) -> LogFacts:
    return fold(parse(f"[1] 2026/11/23 09:15:13.751291 {line}", NOW) for line in lines)


@pytest.mark.parametrize("line", [MISSED, LOST])
def test_a_node_that_cannot_send_heartbeats_has_lost_the_nats_server(line: str) -> None:
    assert folded(BOOT, line).nats_lost == line.removeprefix("[ERR] STREAM: ")
    assert folded(BOOT, line, OTHER_BACK).nats_lost is not None


def test_a_node_has_the_nats_server_again_once_its_heartbeat_connection_is_back() -> None:
    assert folded(BOOT, MISSED, BACK).nats_lost is None
    assert folded(BOOT, OTHER_LOST).nats_lost is None
    assert folded(BOOT, MISSED, BOOT).nats_lost is None
