"""The list of the stores that stanlocal made for a group."""

from __future__ import annotations

from pathlib import Path

import pytest

from stanlocal.group.made_stores import MadeStores


def stores_of(folder: Path) -> MadeStores:
    return MadeStores(folder / "list", folder / "store")


def test_a_store_is_made_once_it_is_noted_and_no_longer_when_it_is_discarded(tmp_path: Path) -> None:
    stores, store, other = stores_of(tmp_path / "stan"), tmp_path / "data\n\udc80", tmp_path / "other"
    assert store not in stores
    stores.add(store)
    stores.add(other)
    stores.add(other)
    assert store in stores_of(tmp_path / "stan")
    stores.discard(other)
    assert other not in stores
    assert store in stores


def test_the_store_in_the_groups_own_folder_is_made_unless_a_link_leads_elsewhere(tmp_path: Path) -> None:
    stores = stores_of(tmp_path)
    assert tmp_path / "store" in stores
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "elsewhere")
    assert tmp_path / "store" not in stores


@pytest.mark.parametrize("damaged", ["", "{", "{}", "5", "[1, null]", "[" * 100_000])
def test_a_damaged_list_names_no_store(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "list").write_text(damaged)
    stores = stores_of(tmp_path)
    assert tmp_path / "data" not in stores
    stores.add(tmp_path / "data")
    assert tmp_path / "data" in stores
