"""The pytest plugin's command line options, and their values in one process of a run."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from stanlocal.testing.session import Options

RUN = "stanlocal_run"
"""Key of the main process's data for its workers: its identity, and the name of the shared group."""

NEXT_TIMEOUT_S = 10.0
"""Default seconds until a test that waits for a message fails: longer than a failover, not for ever."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("stanlocal", "NATS Streaming fault-tolerant groups")
    group.addoption(
        "--stan-engine",
        choices=("auto", "docker", "process"),
        help="what runs the nodes (default: auto, which takes Docker where it answers)",
    )
    group.addoption("--stan-image", metavar="REF", help="container image of the server")
    group.addoption(
        "--stan-shared", action="store_true", help="one group for all pytest-xdist workers, not one for each"
    )
    group.addoption(
        "--stan-keep", action="store_true", help="leave the groups running at the end, for a look"
    )
    group.addoption(
        "--stan-reuse",
        action="store_true",
        help="use the group of the last such run, and leave it running",
    )
    group.addoption(
        "--stan-next-timeout",
        type=float,
        default=NEXT_TIMEOUT_S,
        metavar="S",
        help="seconds that a subscription of a fixture's client waits for its next message "
        f"(default: {NEXT_TIMEOUT_S:g})",
    )
    group.addoption(
        "--stan-unavailable",
        choices=("fail", "skip"),
        default="fail",
        help="result of tests when no engine or server image is available (default: fail)",
    )


def options(config: pytest.Config) -> Options:
    """Return the options of this process, which may be a pytest-xdist worker."""
    from stanlocal.testing.session import Options

    of_run: dict[str, str] = getattr(config, "workerinput", {}).get(RUN, {})
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    folder = hashlib.sha256(str(config.rootpath).encode()).hexdigest()[:8]
    return Options(
        engine=config.getoption("stan_engine"),
        image=config.getoption("stan_image"),
        keep=config.getoption("stan_keep"),
        reuse=f"pytest-{folder}-{worker}" if config.getoption("stan_reuse") else None,
        shared=of_run.get("group") if config.getoption("stan_shared") else None,
        bound_to=of_run.get("process") if config.getoption("stan_shared") else None,
    )
