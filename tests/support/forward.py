"""A Unix socket made reachable on a TCP port of the loopback, as an engine on another machine is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

_CHUNK = 1 << 16


@contextmanager
def forwarded(path: str) -> Iterator[int]:
    """The port; connections that are open are ended with it."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as connections:
        accepting = threading.Thread(target=_accept, args=(listener, path, connections))
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(listener: socket.socket, path: str, connections: ExitStack) -> None:
    with suppress(OSError):  # the listener was shut down
        while True:
            near = connections.enter_context(listener.accept()[0])
            far = connections.enter_context(socket.socket(socket.AF_UNIX))
            far.connect(path)
            for ends in ((near, far), (far, near)):
                pipe = threading.Thread(target=_pipe, args=ends)
                pipe.start()
                connections.callback(pipe.join)
                connections.callback(_shut, ends[0])


def _shut(end: socket.socket) -> None:
    with suppress(OSError):  # it was closed at the other side
        end.shutdown(socket.SHUT_RDWR)


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
