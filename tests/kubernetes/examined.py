"""Findings of `doctor` about a group on a cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.cli import Cli


@dataclass(frozen=True, slots=True)
class Examined:
    """The checks of one run, by their names."""

    broken: Mapping[str, Any]
    unseen: frozenset[str]


def examined(cli: Cli) -> Examined:
    """Run the command, whose exit code has to be that of its checks."""
    done = cli.run("--json", "doctor")
    assert done.returncode in (0, 5), done.stderr
    document = json.loads(done.stdout)
    assert (done.returncode == 0) == document["ok"] == all(each["ok"] for each in document["checks"])
    broken = {each["name"]: each for each in document["checks"] if not each["ok"]}
    return Examined(broken, frozenset(each["name"] for each in document["checks"] if not each["seen"]))
