"""The encoders of a connection's messages, one for each channel, made when first needed."""

from __future__ import annotations

from stanlocal.stan import names, wire
from stanlocal.stan.errors import PayloadTooLarge
from stanlocal.stan.link import Link
from stanlocal.stan.options import ClientOptions
from stanlocal.stan.state import ConnectionState

MOST = 1024
"""Channels whose encoders are kept."""

FIRST_NUMBER = 10**13
"""Number of a connection's first message; with as many digits as any that it comes to."""

TOKEN = 14
"""Digits of a message's number: the last part of its ack subject, and of its guid."""


class PubEncoders(dict[str, wire.PubEncoder]):
    """Encoders by channel; one that is missing is made. Emptied when session or server change.

    Raises `InvalidName` and `NoConfiguredChannel` for channels to which the client cannot publish.
    """

    def __init__(
        self, link: Link, options: ClientOptions, state: ConnectionState, ack_prefix: str, unique: bytes
    ) -> None:
        super().__init__()
        self._link = link
        self._options = options
        self._state = state
        self._ack_prefix = ack_prefix
        self._unique = unique

    def __missing__(self, channel: str) -> wire.PubEncoder:
        names.check_channel(channel)
        names.check_served(channel, self._options.served_channels)
        if len(self) >= MOST:
            self.clear()
        session = self._state.session
        encoder = wire.PubEncoder(
            session.pub_prefix,
            self._ack_prefix,
            channel,
            session.client_id,
            session.conn_id,
            self._unique,
            TOKEN,
        )
        encoder.most = self._link.max_payload - encoder.overhead
        self[channel] = encoder
        return encoder

    def too_large(self, channel: str, size: int) -> PayloadTooLarge:
        """Return the error of a payload of more bytes than the encoder's `most`."""
        limit = self._link.max_payload
        return PayloadTooLarge(
            f"publish to {channel!r}: {size} bytes are too many, the server takes {limit} with "
            "the protocol's own; send less or raise the server's max_payload",
            size,
            limit,
        )
