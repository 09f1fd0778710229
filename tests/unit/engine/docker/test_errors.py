"""Refusals of the engine as stanlocal's own errors: by the words of a real one (20.10)."""

from __future__ import annotations

import inspect
from types import ModuleType

import docker.errors
import pytest
import requests.exceptions
import urllib3.exceptions
from hypothesis import given
from hypothesis import strategies as st

from stanlocal import errors
from stanlocal.engine.docker.errors import FOREIGN, translate, translated

_PORT = "driver failed programming external connectivity on endpoint stan-0 (8ac8bc0fb58a): "
_SAID = [
    (
        errors.PortInUse,
        _PORT + "Error starting userland proxy: listen tcp4 127.0.0.1:4222: bind: address already in use",
    ),
    (errors.PortInUse, _PORT + "Bind for 127.0.0.1:4222 failed: port is already allocated"),
    (
        errors.NameConflict,
        'Conflict. The container name "/stan-0" is already in use by container "59cf63d6dba1"',
    ),
    (errors.NameConflict, "network with name stan-clients already exists"),
    (errors.NodePaused, "Container 59cf63d6dba1 is paused, unpause the container before attach"),
    (errors.NodeNotFound, "can not get logs from container which is dead or marked for removal"),
    (errors.NodeNotFound, "container is marked for removal and cannot be started"),
    (
        errors.NodeNotFound,
        "failed to start shim: mkdir /run/io.containerd.runtime.v2.task/moby/5: file exists",
    ),
    (errors.EngineError, "could not find an available, non-overlapping IPv4 address pool among the defaults"),
    (errors.EngineError, "something else"),
]


@pytest.mark.parametrize(("kind", "said"), _SAID, ids=[said[-40:] for _, said in _SAID])
def test_each_refusal_becomes_its_own_error(kind: type[errors.StanlocalError], said: str) -> None:
    """The error is stanlocal's own, in one line."""
    error = translate(docker.errors.APIError("500 Server Error", explanation=said))
    assert type(error) is kind
    assert "\n" not in str(error)


def test_a_taken_port_is_known_by_its_number() -> None:
    error = translate(docker.errors.APIError("500", explanation=_SAID[0][1]))
    assert isinstance(error, errors.PortInUse)
    assert error.port == 4222


def test_a_removed_object_is_not_found() -> None:
    assert isinstance(translate(docker.errors.NotFound("no such container: stan-0")), errors.NodeNotFound)
    assert isinstance(translate(docker.errors.ImageNotFound("no such image")), errors.ImageNotFound)


@pytest.mark.parametrize(
    "lost",
    [
        requests.exceptions.ReadTimeout("timed out"),
        requests.exceptions.ConnectionError("refused"),
        urllib3.exceptions.ProtocolError("broken"),
        ConnectionResetError("reset by peer"),
    ],
    ids=repr,
)
def test_an_engine_that_goes_away_is_unavailable(lost: Exception) -> None:
    assert isinstance(translate(lost), errors.EngineUnavailable)


@pytest.mark.parametrize("library", [docker.errors, requests.exceptions, urllib3.exceptions])
def test_every_error_of_the_libraries_is_caught(library: ModuleType) -> None:
    kinds = [kind for _, kind in inspect.getmembers(library, inspect.isclass) if _is_error(kind)]
    assert len(kinds) > 5
    assert [kind for kind in kinds if not issubclass(kind, FOREIGN)] == []


def _is_error(kind: type) -> bool:
    theirs = kind.__module__.partition(".")[0] in ("docker", "requests", "urllib3")
    return theirs and issubclass(kind, Exception) and not issubclass(kind, Warning)


@given(st.text() | st.sampled_from([said for _, said in _SAID]), st.text())
def test_any_message_of_the_engine_becomes_one_line(before: str, after: str) -> None:
    for explanation in (before + after, None):
        with pytest.raises(errors.StanlocalError) as caught, translated():
            raise docker.errors.APIError(after, explanation=explanation)
        assert len(str(caught.value).splitlines()) == 1
        assert isinstance(caught.value.__cause__, docker.errors.APIError)


def test_other_errors_pass_through() -> None:
    with pytest.raises(KeyError), translated():
        raise KeyError("x")
