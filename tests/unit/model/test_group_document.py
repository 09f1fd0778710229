"""The group document, to the letter."""

from __future__ import annotations

import json
from dataclasses import replace

from stanlocal.model.assessment import assess
from stanlocal.model.fault_record import FaultRecord
from stanlocal.model.group_document import group_document
from stanlocal.model.states import LockFacts, LogFacts, NodeState
from tests.support.facts import at, group_plan, node


def test_the_document_is_that_of_the_contract() -> None:
    active = replace(node("stan-0", NodeState.ACTIVE), log=LogFacts(NodeState.ACTIVE, version="0.25.6"))
    failed = node("stan-1", NodeState.STARTING, "exited", exit_code=1, failure="no room")
    status = assess([active, failed], LockFacts(visible=True, holder="stan-0"))
    fault = FaultRecord("f1", "kill", ("stan-1",), {}, at(1), None, "no failover", ends_run=True)
    document = group_document(group_plan(), "docker", status, [fault])
    assert document == {
        "group": "stan",
        "engine": "docker",
        "state": "degraded",
        "active": "stan-0",
        "lock_holder": "stan-0",
        "problem": None,
        "cluster_id": "test-cluster",
        "ft_group": "test-cluster",
        "image": "nats-streaming:0.25.6",
        "server_version": "0.25.6",
        "store_dir": "/state/stan/store",
        "client_urls": ["nats://127.0.0.1:4222", "nats://127.0.0.1:4223"],
        "monitor_urls": ["http://127.0.0.1:8222", "http://127.0.0.1:8223"],
        "nodes": [
            {
                "name": "stan-0",
                "index": 0,
                "state": "active",
                "paused": False,
                "partitioned": False,
                "container": "000000000000",
                "client_url": "nats://127.0.0.1:4222",
                "monitor_url": "http://127.0.0.1:8222",
                "exit_code": None,
                "started_at": "2026-11-23T09:00:00.000000Z",
                "problem": None,
            },
            {
                "name": "stan-1",
                "index": 1,
                "state": "failed",
                "paused": False,
                "partitioned": False,
                "container": "111111111111",
                "client_url": "nats://127.0.0.1:4223",
                "monitor_url": "http://127.0.0.1:8223",
                "exit_code": 1,
                "started_at": "2026-11-23T09:00:00.000000Z",
                "problem": "exit 1: no room",
            },
        ],
        "faults": [fault.document()],
    }
    json.dumps(document)


def test_a_group_without_nodes_still_has_its_addresses() -> None:
    document = group_document(group_plan(1), "docker", assess([], LockFacts()), [])
    assert (document["state"], document["active"], document["nodes"]) == ("down", None, [])
    assert document["client_urls"] == ["nats://127.0.0.1:4222"]


def test_a_node_that_never_ran_has_no_start() -> None:
    made = assess([node("stan-0", status="created")], LockFacts())
    (shown,) = group_document(group_plan(1), "docker", made, [])["nodes"]
    assert (shown["state"], shown["started_at"], shown["exit_code"]) == ("created", None, None)
