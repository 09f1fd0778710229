"""The defaults of a group, and the presets laid over them.

The numbers are those of the document this project comes from, the guide "NATS Streaming with Fault
Tolerance": its ConfigMap `stan-config` and its StatefulSet `stan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stanlocal.settings.tool_options import DEFAULT_IMAGE

DEFAULTS: Mapping[str, Any] = {
    "group": "stan",
    "engine": "auto",
    "nodes": 2,
    "proxied": False,
    "secure": False,
    "image": DEFAULT_IMAGE,
    "streaming": {
        "cluster_id": "test-cluster",
        "ft_group_name": "test-cluster",
        "store": "file",
        "file_options": {
            "buffer_size": "32mb",
            "sync_on_flush": False,
            "slice_max_bytes": "512mb",
            "parallel_recovery": 64,
        },
        # The guide's 10 channels would stop a test suite at its eleventh channel, and its age of one hour
        # would delete messages over lunch.
        "store_limits": {
            "max_channels": 0,
            "max_msgs": 0,
            "max_bytes": "256gb",
            "max_age": "0s",
            "max_subs": 128,
        },
    },
}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "seed": {"nodes": 3, "streaming": {"store_limits": {"max_channels": 10, "max_age": "1h"}}},
}
