"""The server's words as error classes."""

from __future__ import annotations

import pytest

from stanlocal.stan import errors
from stanlocal.stan.errors import ServerError, StanError
from stanlocal.stan.refusals import SERVER_TEXTS, server_error

KNOWN = """\
stan: invalid subject
stan: invalid start position
stan: invalid subscription
stan: clientID already registered
stan: clientID missing
stan: invalid clientID: only alphanumeric and `-` or `_` characters allowed
stan: invalid ack wait time, should be >= 1s
stan: invalid MaxInflight, should be >= 1
stan: invalid connection request
stan: invalid publish request
stan: invalid subscription request
stan: invalid unsubscribe request
stan: invalid close request
stan: duplicate durable registration
stan: durable name of a durable queue subscriber can't contain the character ':'
stan: unknown clientID
stan: unknown channel
stan: no configured channel
stan: channel is being deleted
client has been replaced or is no longer registered
too many channels
too many subscriptions per channel
already exists
not found
rejecting channel "a" because channel "A" alreay exists (different cases not allowed)
unable to open file "clients.dat", store is being closed
unable to create file "foo/msgs.1.dat", store is being closed
sql: database is closed
write /store/foo/msgs.1.dat: no space left on device
write /store/foo/msgs.1.dat: input/output error
open /store/foo/msgs.1.dat: read-only file system
open /store/foo/msgs.1.dat: permission denied
open /store/foo/msgs.1.dat: too many open files
""".splitlines()
"""Texts of nats-streaming-server 0.25.6, its stores and its system."""


@pytest.mark.parametrize("text", KNOWN)
def test_every_known_text_has_a_class_of_its_own(text: str) -> None:
    """No known server text is a plain `ServerError`; its words are kept."""
    error = server_error(text, "publish to 'foo'")
    assert type(error) is not ServerError
    assert error.text == text
    assert text.removeprefix("stan: ") in str(error)


def test_unknown_text_is_a_plain_server_error() -> None:
    """The words of an unknown text are kept, too."""
    error = server_error("something new", "publish to 'foo'")
    assert type(error) is ServerError
    assert error.text == "something new"
    assert str(error) == "publish to 'foo' refused: something new"


@pytest.mark.parametrize("text", sorted(SERVER_TEXTS))
def test_messages_are_one_line_and_say_what_was_asked(text: str) -> None:
    """An error's message is one line that starts with what was asked."""
    message = str(server_error(text, "subscribe to 'foo'"))
    assert message.startswith("subscribe to 'foo' refused: ")
    assert "\n" not in message


def test_every_error_is_exported_and_in_the_tree() -> None:
    """Each class of the module is public, a `StanError`, and drawn in the docstring."""
    classes = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert set(classes) == set(errors.__all__) - {"server_error"}
    assert all(issubclass(kind, StanError) for kind in classes.values())
    assert errors.__doc__ is not None
    assert not [name for name in classes if name not in errors.__doc__]
