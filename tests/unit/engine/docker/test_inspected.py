"""Identity of engines: an id that stays."""

from __future__ import annotations

from stanlocal.engine.docker.inspected import engine_id


def test_engines_with_one_key_differ_by_their_data() -> None:
    """Two daemons on one machine share a key, up to Docker 20.10."""
    one = {"ID": "A:B", "Name": "vm", "DockerRootDir": "/var/lib/docker"}
    other = {**one, "DockerRootDir": "/srv/docker"}
    assert engine_id(one, one) == engine_id(one, one) != engine_id(other, other)


def test_an_engine_that_gives_another_id_each_time_is_known_by_name_and_data() -> None:
    """Podman gives another id each time."""
    one = {"ID": "1", "Name": "vm", "DockerRootDir": "/var/lib/containers"}
    assert engine_id(one, {**one, "ID": "2"}) == engine_id({**one, "ID": "3"}, {**one, "ID": "4"})


def test_an_engine_without_an_id_is_known_by_its_name() -> None:
    assert engine_id({"Name": "vm"}, {"Name": "vm"}) == "vm"
