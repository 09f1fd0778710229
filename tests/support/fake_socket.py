"""A Unix socket behind which something answers HTTP, hangs or talks nonsense."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"


class FakeSocket:
    """Sends `reply` to each request, and hangs up unless it is to `hold` the connection.

    With no reply it accepts, reads and says nothing.
    """

    def __init__(self, path: Path, reply: bytes | None, *, hold: bool = False) -> None:
        self.path = path
        self.requests: list[bytes] = []
        """The first line of each request, in the order of arrival."""
        self.hung_up = threading.Event()
        """Set when the other side has given up a connection that was held."""
        self._reply = reply
        self._hold = hold or reply is None
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            with connection:
                self.requests.append(connection.recv(65536).partition(b"\r\n")[0])
                connection.sendall(self._reply or b"")
                if self._hold:
                    connection.recv(1)
                    self.hung_up.set()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@contextmanager
def fake_socket(path: Path, reply: bytes | None = PING, *, hold: bool = False) -> Iterator[FakeSocket]:
    path.parent.mkdir(parents=True, exist_ok=True)
    fake = FakeSocket(path, reply, hold=hold)
    try:
        yield fake
    finally:
        fake.close()
