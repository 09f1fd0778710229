"""The blocking classes have what the asynchronous ones have."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import stanlocal
from stanlocal import api, stan, sync
from stanlocal.faults.injected_fault import InjectedFault

_NOT_FOR_THREADS = {
    api.FTGroup: {"settings", "sync"},
    stan.Client: {"nats"},  # a client of nats-py belongs to the event loop
    stan.Subscription: {
        # between the client and its subscriptions
        "ack", "ack_inbox", "cancel", "end", "forget_deliveries", "inbox", "nats_subscription", "options",
        "receive", "registered", "resume_at", "settle", "since", "stopped",
    },
}  # fmt: skip


def _public(of: type) -> set[str]:
    return {name for name in dir(of) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("original", "blocking"),
    [
        (api.FTGroup, sync.FTGroup),
        (InjectedFault, sync.InjectedFault),
        (stan.Client, sync.stan.Client),
        (stan.Subscription, sync.stan.Subscription),
        (stan.Message, sync.stan.Message),
    ],
)
def test_a_blocking_class_has_every_name_of_the_original(original: Any, blocking: Any) -> None:
    assert _public(original) - _NOT_FOR_THREADS.get(original, set()) <= _public(blocking)


def test_the_package_has_every_public_name_but_itself() -> None:
    assert set(stanlocal.__all__) - {"sync"} <= set(sync.__all__)


def test_the_client_package_has_every_public_name() -> None:
    assert set(stan.__all__) <= set(sync.stan.__all__)


def test_methods_have_the_originals_documentation_and_parameters() -> None:
    assert sync.FTGroup.wait_active.__doc__ == api.FTGroup.wait_active.__doc__
    assert inspect.signature(sync.FTGroup.up).parameters == inspect.signature(api.FTGroup.up).parameters


def test_subscribe_takes_the_originals_parameters() -> None:
    def parameters(method: Any) -> list[tuple[str, Any, Any]]:
        found = inspect.signature(method).parameters.values()
        return [(each.name, each.kind, each.default) for each in found]

    assert parameters(sync.stan.Client.subscribe) == parameters(stan.Client.subscribe)
