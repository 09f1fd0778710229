"""The JSON documents of the contract, as shapes."""

from __future__ import annotations

import re

from tests.support.shape import MS, TIME, Shape

NODE_STATES = ("created", "starting", "standby", "recovering", "active", "stopped", "failed")
PHASES = ("detected", "lock", "recovering", "ready", "first_ack")
GROUP_STATES = ("down", "starting", "split-brain", "recovering", "blocked", "failover", "degraded", "healthy")

FAULT: Shape = {
    "id": str,
    "name": str,
    "targets": [str],
    "since": TIME,
    "until": (TIME, None),
    "expected": (str, None),
    "observed": (str, None),
    "as_expected": (bool, None),
    "snapshot": (str, None),
    "lost": (dict, None),
}
NODE: Shape = {
    "name": str,
    "index": int,
    "state": NODE_STATES,
    "paused": bool,
    "partitioned": bool,
    "container": re.compile(r"[0-9a-f]{12}"),
    "client_url": re.compile(r"nats://127\.0\.0\.1:\d+"),
    "monitor_url": re.compile(r"http://127\.0\.0\.1:\d+"),
    "exit_code": (int, None),
    "started_at": (TIME, None),
    "problem": (str, None),
}
GROUP: Shape = {
    "group": str,
    "engine": ("docker", "process"),
    "state": GROUP_STATES,
    "active": (str, None),
    "lock_holder": (str, None),
    "problem": (str, None),
    "cluster_id": str,
    "ft_group": str,
    "image": str,
    "server_version": (str, None),
    "store_dir": re.compile(r"/.*"),
    "client_urls": [str],
    "monitor_urls": [str],
    "nodes": [NODE],
    "faults": [FAULT],
}
LIST: Shape = {"groups": [GROUP]}
FAILOVER: Shape = {
    "cause": str,
    "from": str,
    "to": str,
    "started_at": TIME,
    "phases_ms": dict.fromkeys(PHASES, (*MS, None)),
    "outage_ms": (*MS, None),
    "moments": dict,
}
FAILOVERS: Shape = {
    "failovers": [FAILOVER],
    "p50_ms": (*MS, None),
    "p95_ms": (*MS, None),
    "max_ms": (*MS, None),
}
EVENT: Shape = {
    "time": TIME,
    "type": ("state", "group-state", "fault", "heal", "failover", "lock", "problem"),
    "node": (str, None),
    "detail": dict,
}
FAULTS: Shape = {"faults": [FAULT]}
LOG_LINE: Shape = {
    "time": TIME,
    "node": str,
    "state": (*NODE_STATES, None),
    "level": (str, None),
    "message": str,
}
ENV: Shape = {
    "NATS_URL": str,
    "STAN_CLUSTER_ID": str,
    "STANLOCAL_GROUP": str,
    "STANLOCAL_MONITOR_URLS": str,
}
