"""Settings for groups on a cluster: a file that was merely found must not allow faults there."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.settings import load
from tests.unit.settings.support import problems, settle

TEXT = '[kubernetes]\nallow_faults = ["kind-*", "test"]\n'


def test_no_context_is_allowed_unless_a_setting_says_so() -> None:
    assert settle().kubernetes == {}


def test_a_named_file_and_the_environment_allow_contexts(tmp_path: Path) -> None:
    file = tmp_path / "named.toml"
    file.write_text(TEXT)
    assert load({}, {}, file, tmp_path).kubernetes["allow_faults"] == ["kind-*", "test"]
    settings = settle({"STANLOCAL_KUBERNETES__ALLOW_FAULTS": "kind-*, test"})
    assert settings.kubernetes["allow_faults"] == ["kind-*", "test"]
    assert settings.sources["kubernetes.allow_faults"] == "environment STANLOCAL_KUBERNETES__ALLOW_FAULTS"


@pytest.mark.parametrize("text", [TEXT, 'kubernetes.Allow_Faults = "*"\n', 'unset = ["kubernetes"]\n'])
def test_a_file_that_was_found_allows_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "stanlocal.toml").write_text(text)
    (problem,) = problems(start=tmp_path)
    assert "which a file that was found and not named cannot ask for" in problem


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"STORAGE_SIZE": "5Gi"},
            "kubernetes.storage_size means nothing with kubernetes.storage existing-claim",
        ),
        (
            {"STORAGE": "efs", "FILE_SYSTEM": "fs-1", "STORAGE_CLASS": "mine"},
            "kubernetes.file_system means nothing with kubernetes.storage_class, which has its own",
        ),
    ],
)
def test_what_the_storage_would_ignore_is_refused(options: dict[str, str], said: str) -> None:
    (problem,) = problems({f"STANLOCAL_KUBERNETES__{name}": value for name, value in options.items()})
    assert problem.startswith(said)
