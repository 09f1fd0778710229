"""The guard before faults of groups that stanlocal did not make, and what counts as made by it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stanlocal.engine.kubernetes.fault_guard import FaultGuard
from stanlocal.engine.kubernetes.ownership import is_ours
from stanlocal.errors import Refused

APPLIED = {"manager": "stanlocal", "operation": "Apply"}
LABELS = {"app.kubernetes.io/managed-by": "stanlocal"}


@pytest.mark.parametrize("allowed", [(), ("kind-*",), ("prod-*", "kind"), ("PROD",)])
def test_a_context_that_no_pattern_names_is_refused_by_name(allowed: Sequence[str]) -> None:
    with pytest.raises(Refused) as caught:
        FaultGuard(allowed, consents=True).check("stan", "prod", "messaging")
    for named in ("'stan'", "'prod'", "'messaging'", "kubernetes.allow_faults", *allowed):
        assert named in str(caught.value)


def test_an_allowed_context_still_needs_consent() -> None:
    with pytest.raises(Refused, match=r"'kind-a'.*'default'.*needs '--yes'.*kubernetes\.allow_faults"):
        FaultGuard(("kind-*",)).check("stan", "kind-a", "default")


@pytest.mark.parametrize("pattern", ["kind-a", "kind-*", "*"])
def test_an_allowed_context_with_consent_passes(pattern: str) -> None:
    FaultGuard(("other", pattern), consents=True).check("stan", "kind-a", "default")


@pytest.mark.parametrize(
    ("labels", "managers", "ours"),
    [
        (LABELS, [APPLIED], True),
        (LABELS, [{"manager": "kubectl", "operation": "Update"}, APPLIED], True),
        (LABELS, [], False),
        ({}, [APPLIED], False),
        (LABELS, [{**APPLIED, "operation": "Update"}], False),
        ({"app.kubernetes.io/managed-by": "Helm"}, [APPLIED], False),
    ],
)
def test_an_object_is_ours_by_label_and_field_manager_together(
    labels: dict[str, str], managers: list[dict[str, str]], ours: bool
) -> None:
    assert is_ours({"metadata": {"labels": labels, "managedFields": managers}}) is ours


def test_an_object_without_metadata_is_not_ours() -> None:
    assert not is_ours({})
