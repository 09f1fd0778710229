"""Encryption of messages, as nats-streaming-server 0.25.6 does it (stores/cryptostore.go).

A message's data becomes a byte for the cipher (1: AES-256-GCM, 2: ChaCha20-Poly1305), a nonce, and the data
with its tag. A nonce is four random bytes and a 64-bit number that counts the channel's messages. Each
channel has a key of its own, made of the store's key and the channel's name. Empty data stays as it is.
`cryptography` is loaded with the first key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

CODE_BYTES, NONCE_BYTES, TAG_BYTES = 1, 12, 16
OVERHEAD = CODE_BYTES + NONCE_BYTES + TAG_BYTES
AES, CHACHA = 1, 2
_COUNT_BEGINS = slice(CODE_BYTES + 4, CODE_BYTES + 7)
"""The highest three bytes of a nonce's number: zero, as no channel has 2**40 messages."""
_NAMES = {AES: "AES", CHACHA: "ChaCha20"}


class Undecryptable(ValueError):
    """The data cannot be decrypted with this key; the message says why."""


def looks_encrypted(data: bytes) -> bool:
    """Return whether the server may have encrypted the data.

    Its first byte then names a known cipher, and the number in its nonce is one that a channel can reach.
    """
    return len(data) >= OVERHEAD and data[0] in _NAMES and not any(data[_COUNT_BEGINS])


@dataclass(frozen=True, slots=True)
class StoreKey:
    """The key of a store, as in `encryption_key` or NATS_STREAMING_ENCRYPTION_KEY."""

    _hash: bytes = field(repr=False)

    @classmethod
    def of(cls, key: str) -> StoreKey:
        return cls(hashlib.sha256(key.encode()).digest())

    def channel(self, name: str) -> ChannelKey:
        """Return the key of a channel."""
        channel = name.encode()
        # The server appends to a buffer that it has already sized, so zeros come first.
        text = b"\0" * (len(self._hash) + 1 + len(channel)) + self._hash + b"." + channel
        return ChannelKey(hashlib.sha256(text).digest())


@dataclass(frozen=True)
class ChannelKey:
    """The key of a channel's messages."""

    key: bytes = field(repr=False)

    def decrypt(self, data: bytes) -> bytes:
        """Return the data as it was published; raise `Undecryptable` where the server could not.

        Data without a known cipher's byte is returned as it is, as the server takes it for unencrypted.
        """
        from cryptography.exceptions import InvalidTag

        if not data or data[0] not in _NAMES:
            return data
        if len(data) <= CODE_BYTES + NONCE_BYTES:
            raise Undecryptable(f"{len(data)} bytes are too few for a nonce")
        nonce, rest = data[CODE_BYTES : CODE_BYTES + NONCE_BYTES], data[CODE_BYTES + NONCE_BYTES :]
        cipher = self._aes if data[0] == AES else self._chacha
        try:
            return cipher.decrypt(nonce, rest, None)
        except InvalidTag:
            raise Undecryptable(f"the key does not fit ({_NAMES[data[0]]})") from None

    @cached_property
    def _aes(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self.key)

    @cached_property
    def _chacha(self) -> ChaCha20Poly1305:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        return ChaCha20Poly1305(self.key)
