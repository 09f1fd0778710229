"""One connection through a relay: bytes are forwarded between two sockets in both directions.

Nothing is read while earlier bytes wait to be sent, so a slow receiver slows down the sender, and at most
one chunk per direction is buffered. A half-closed connection stays open in the other direction.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial

_CHUNK = 1 << 16
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def turn(selector: selectors.BaseSelector, timeout: float | None) -> None:
    """Wait until some files are ready, and call each key's data with the events.

    A key that an earlier call has unregistered or replaced is skipped.
    """
    for key, events in selector.select(timeout):
        if selector.get_map().get(key.fd) is key:
            key.data(events)


class _Pipe:
    """One direction of a link."""

    __slots__ = ("_closed_sink", "_sink", "_source", "over", "rest")

    def __init__(self, source: socket.socket, sink: socket.socket, begun: bytes = b"") -> None:
        self._source = source
        self._sink = sink
        self._closed_sink = False
        self.rest = begun
        """Bytes that the sink has not taken yet."""
        self.over = False
        """Whether the source has ended, or the sink is gone."""

    @property
    def wants_data(self) -> bool:
        return not (self.rest or self.over)

    @property
    def done(self) -> bool:
        return self.over and not self.rest

    def move(self) -> None:
        """Forward the available bytes, as far as the sink takes them."""
        if self.wants_data:
            self._take()
        if self.rest:
            self._give()
        if self.done and not self._closed_sink:
            self._closed_sink = True
            with suppress(OSError):  # it is gone
                self._sink.shutdown(socket.SHUT_WR)

    def _take(self) -> None:
        try:
            self.rest = self._source.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:  # it is gone, and all its bytes were read
            self.rest = b""
        self.over = not self.rest

    def _give(self) -> None:
        try:
            self.rest = self.rest[self._sink.send(self.rest) :]
        except BlockingIOError:
            return
        except OSError:  # it is gone; its last bytes may still be on their way
            self.rest, self.over = b"", True


class Link:
    """A connection from a caller to an address; it ends once both ends have ended, or at `close`.

    The selector is one that `turn` is called with.
    """

    def __init__(
        self,
        near: socket.socket,
        far: tuple[str, int],
        selector: selectors.BaseSelector,
        ended: Callable[[Link], None],
        begun: bytes = b"",
    ) -> None:
        """Connect to `far`; `begun` holds bytes read already. Raises `OSError` if nothing listens there."""
        self._near = near
        self._far = socket.socket()
        self._selector = selector
        self._ended = ended
        self._held = False
        self._watched = {near: 0, self._far: 0}
        try:
            self._connect(far)
        except OSError:
            self._far.close()
            raise
        self._in, self._out = _Pipe(near, self._far, begun), _Pipe(self._far, near)
        self._watch()

    def _connect(self, far: tuple[str, int]) -> None:
        for end in self._watched:
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = self._far.connect_ex(far)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))

    @property
    def has_output(self) -> bool:
        """Whether bytes of the far end may still be on their way."""
        return not (self._held or self._out.done)

    def hold(self, held: bool) -> None:
        """Stop forwarding, or resume it where it stopped."""
        self._held = held
        self._watch()

    def close(self) -> None:
        """Close both ends; bytes on their way are lost."""
        for end, events in self._watched.items():
            if events:
                self._selector.unregister(end)
            end.close()
        self._ended(self)

    def _ready(self, from_end: _Pipe, to_end: _Pipe, events: int) -> None:
        if events & _READ:
            from_end.move()
        if events & _WRITE:
            to_end.move()
        if self._in.done and self._out.done:
            self.close()
        else:
            self._watch()

    def _watch(self) -> None:
        """Register exactly the events that the link can act on next."""
        self._register(self._near, self._in, self._out)
        self._register(self._far, self._out, self._in)

    def _register(self, end: socket.socket, from_end: _Pipe, to_end: _Pipe) -> None:
        events = 0
        if not self._held:
            events = (_READ if from_end.wants_data else 0) | (_WRITE if to_end.rest else 0)
        before = self._watched[end]
        if events == before:
            return
        self._watched[end] = events
        if before:
            self._selector.unregister(end)
        if events:
            self._selector.register(end, events, partial(self._ready, from_end, to_end))
