"""Start of the search for a group's host ports."""

from __future__ import annotations

import pytest

from stanlocal.errors import SettingsError
from stanlocal.lifecycle.port_allocation import first_ports
from stanlocal.settings.environment import first_port
from tests.unit.settings.support import settle


def test_it_begins_at_the_servers_own_unless_the_environment_says_otherwise() -> None:
    assert first_ports(first_port({}), 2) == (4222, 8222)
    assert first_ports(first_port({"STANLOCAL_FIRST_PORT": ""}), 2) == (4222, 8222)
    assert first_ports(first_port({"STANLOCAL_FIRST_PORT": "20000"}), 2) == (20_000, 20_002)


def test_its_name_is_not_warned_of() -> None:
    assert settle({"STANLOCAL_FIRST_PORT": "20000"}).warnings == ()


@pytest.mark.parametrize("content", ["80", "65500", "1" * 5000, "-1", "4222x", "٤٢٢٢", "2e4"])
def test_an_invalid_first_port_is_refused(content: str) -> None:
    with pytest.raises(
        SettingsError, match="STANLOCAL_FIRST_PORT: expected a port, 1024 to 64535; set another"
    ):
        first_port({"STANLOCAL_FIRST_PORT": content})
