"""Exit codes of commands that end with an error."""

from __future__ import annotations

import pytest

from stanlocal import errors
from stanlocal.cli.errors import exit_code
from stanlocal.stan.errors import InvalidName, PublishTimeout


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.WaitTimeout("", {}), 1),
        (errors.NodeFailed("", "stan-0", 1, ()), 1),
        (errors.GroupError(""), 1),
        (PublishTimeout(""), 1),
        (errors.SettingsError([""]), 2),
        (InvalidName(""), 2),
        (errors.PortInUse("", 4222), 2),
        (errors.Unsupported(""), 2),
        (errors.Refused(""), 2),
        (errors.StoreRefused(""), 2),
        (errors.LedgerError(""), 2),
        (errors.OutputError(""), 2),
        (errors.StateError(""), 1),
        (errors.EngineUnavailable(""), 3),
        (errors.GroupNotFound(""), 4),
        (errors.NodeNotFound(""), 4),
    ],
    ids=lambda value: type(value).__name__,
)
def test_failures_refusals_and_missing_objects_have_different_exit_codes(
    error: errors.StanlocalError, code: int
) -> None:
    assert exit_code(error) == code
