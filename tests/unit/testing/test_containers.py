"""`NatsStreamingFTContainer` over an engine in memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stanlocal.errors import Refused
from stanlocal.testing import FakeEngine
from stanlocal.testing.containers import NatsStreamingFTContainer


@pytest.fixture(autouse=True)
def _state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_group_is_up_between_start_and_stop_and_leaves_nothing(tmp_path: Path) -> None:
    engine = FakeEngine()
    container = NatsStreamingFTContainer(nodes=3, engine=engine)
    assert container.start() is container.start()
    plan = container.group.look().plan
    assert container.get_connection_url() == ",".join(plan.client_urls)
    assert container.get_connection_url().count("nats://") == 3
    assert container.get_monitoring_url() == ",".join(plan.monitor_urls)
    assert container.get_cluster_id() == plan.cluster_id
    container.stop()
    container.stop()
    assert (engine.machine.nodes, list((tmp_path / "stanlocal").iterdir())) == ({}, [])


def test_block_ends_the_group_also_after_an_error() -> None:
    engine = FakeEngine()
    container = NatsStreamingFTContainer(engine=engine)

    def fail() -> None:
        with container:
            assert container.group.document()["state"] == "healthy"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert engine.machine.nodes == {}
    with pytest.raises(Refused, match=r"call start\(\)"):
        container.get_connection_url()


def test_image_has_the_prefix_that_testcontainers_puts_before_names(monkeypatch: pytest.MonkeyPatch) -> None:
    from testcontainers.core.config import testcontainers_config

    monkeypatch.setattr(testcontainers_config, "hub_image_name_prefix", "mirror.example.com/")
    assert NatsStreamingFTContainer("nats:1").image == "mirror.example.com/nats:1"


def test_missing_testcontainers_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "testcontainers.core.config", None)
    with pytest.raises(ImportError, match=r"pip install 'stanlocal\[testcontainers\]'"):
        NatsStreamingFTContainer()
