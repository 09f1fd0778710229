"""Events are values: fields by position or name, equality, a hash, and no changes."""

from __future__ import annotations

import pytest

from stanlocal.logs.event_types import Boot, NatsReady, Panic, RecoveryEnded, RouteDown


def test_fields_are_given_by_position_or_name_and_may_have_defaults() -> None:
    assert Boot("test-cluster", version="0.25.6") == Boot(cluster_id="test-cluster", version="0.25.6")
    assert RouteDown("127.0.0.1:6222", 3).reason is None
    assert RecoveryEnded() == RecoveryEnded(0)
    match Boot("test-cluster", "0.25.6"):
        case Boot(cluster, version=version):
            assert (cluster, version) == ("test-cluster", "0.25.6")


def test_events_are_equal_by_kind_and_fields() -> None:
    assert len({NatsReady(), NatsReady(), RecoveryEnded(1), RecoveryEnded(1), RecoveryEnded(2)}) == 3
    assert NatsReady() != RecoveryEnded()
    assert repr(RecoveryEnded(2)) == "RecoveryEnded(channels=2)"


def test_an_event_cannot_be_changed() -> None:
    event = RecoveryEnded(1)
    with pytest.raises(AttributeError):
        event.channels = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del event.channels
    assert event == RecoveryEnded(1)


def test_wrong_fields_are_refused() -> None:
    with pytest.raises(TypeError, match="needs reason"):
        Panic()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="takes only reason"):
        Panic("a", "b")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="takes only reason"):
        Panic("a", reason="b")  # type: ignore[misc]
    with pytest.raises(TypeError, match="takes only nothing"):
        NatsReady(reason="x")
