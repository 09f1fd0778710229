"""Plans and verdicts of a migration as people see them."""

from __future__ import annotations

from typing import Any

import pytest

from stanlocal.cli import migrate_output
from stanlocal.migrate.findings import Finding, Kind
from stanlocal.migrate.verify import StreamVerdict, Verification


def _plan(*findings: Finding) -> dict[str, Any]:
    said = [finding.document() for finding in findings]
    return {"store": "s", "cluster_id": "c", "streams": [], "left_out": [], "findings": said}


def test_many_findings_of_one_kind_are_counted_with_their_remedy_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    many = [Finding(Kind.MAX_INACTIVITY, f"channel-{n}", "it is kept", "delete it") for n in range(100)]
    refused = Finding(Kind.MAX_INACTIVITY, "late", "it cannot be kept", "delete it", refused=True)
    migrate_output.plan(_plan(*many, refused, Finding(Kind.MAX_CHANNELS, "", "no counterpart", "limit them")))
    lines = capsys.readouterr().out.splitlines()
    shown = [line for line in lines if line.startswith("max-inactivity")]
    assert shown[0] == "max-inactivity  late: it cannot be kept"
    assert len(shown) == 5
    assert lines[-4:] == [
        "    … and 96 more of this kind; '--json' has all",
        "    delete it",
        "max-channels  no counterpart",
        "    limit them",
    ]


def test_messages_before_the_channels_first_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    stream = StreamVerdict("orders", "orders", equal=4, below_first=3)
    migrate_output.verdict(Verification("nats://server", [stream]).document())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "orders: 3 messages before the channel's first not compared"
    assert lines[1].startswith("equal: 4 messages")
