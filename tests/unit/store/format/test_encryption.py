"""Messages that the server has encrypted, decrypted with the store's key."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stanlocal.store.format.encryption import ChannelKey, StoreKey, Undecryptable, looks_encrypted
from stanlocal.store.format.message import StoredMessage
from stanlocal.store.format.slices import Window
from stanlocal.store.inspect.diff import diff
from stanlocal.store.inspect.dump import dump
from stanlocal.store.verify.problems import Kind, Problem
from tests.support.stores import make_store, slice_of

RECORDED = base64.b64decode("AVj2vlkAAAAAAAAAAd1sZ03YTQ3XR9IdWi2gy0FMCa4=")
"""Data that nats-streaming-server 0.25.6 stored for `one` on channel `orders`."""
KEY = StoreKey.of("k3y of the store")


def encrypted(data: bytes, channel: str = "orders") -> bytes:
    """The data as the server stores it, with a nonce of its own."""
    nonce = secrets.token_bytes(4) + (1).to_bytes(8)
    return b"\x01" + nonce + AESGCM(KEY.channel(channel).key).encrypt(nonce, data, None)


def test_what_the_server_has_stored_is_decrypted() -> None:
    assert KEY.channel("orders").decrypt(RECORDED) == b"one"


@pytest.mark.parametrize(
    ("key", "data"),
    [
        (StoreKey.of("another").channel("orders"), RECORDED),
        (KEY.channel("Orders"), RECORDED),
        (KEY.channel("orders"), RECORDED[:-1]),
        (KEY.channel("orders"), RECORDED[:13]),
        (KEY.channel("orders"), b"\x02" + RECORDED[1:]),
    ],
)
def test_data_that_the_server_could_not_decrypt_is_reported(key: ChannelKey, data: bytes) -> None:
    with pytest.raises(Undecryptable):
        key.decrypt(data)


@pytest.mark.parametrize("data", [b"", b"plain", b"\x03 plain", b"\x00" * 40])
def test_data_without_a_known_cipher_is_unencrypted(data: bytes) -> None:
    assert KEY.channel("orders").decrypt(data) == data
    assert not looks_encrypted(data)


@pytest.mark.parametrize("data", [b"\x01" + b"a version byte and text " * 2, b"\x02" + bytes(range(40))])
def test_data_that_only_begins_like_encrypted_data_is_not_taken_for_it(data: bytes) -> None:
    assert not looks_encrypted(data)


def test_keys_are_not_shown() -> None:
    assert "=" not in repr(KEY) + repr(KEY.channel("orders"))


def store_of(folder: Path, *payloads: bytes) -> Path:
    return make_store(folder, [slice_of(payloads)])


def test_dump_leaves_out_only_what_the_key_does_not_fit(tmp_path: Path) -> None:
    store = store_of(tmp_path, b"plain", encrypted(b"one"), encrypted(b"two", "another channel"))
    plain, one, problem = dump(store, "orders", Window(), KEY)
    assert isinstance(plain, StoredMessage)
    assert isinstance(one, StoredMessage)
    assert (plain.data, one.data) == (b"plain", b"one")
    assert not one.may_be_encrypted
    assert isinstance(problem, Problem)
    assert problem.kind is Kind.UNDECRYPTABLE
    without = [each for each in dump(store, "orders", Window()) if isinstance(each, StoredMessage)]
    assert [each.may_be_encrypted for each in without] == [False, True, True]
    assert without[1].document()["maybe_encrypted"] is True


def test_diff_compares_what_was_published_where_it_has_the_key(tmp_path: Path) -> None:
    a = store_of(tmp_path / "a", encrypted(b"one"), encrypted(b"two"))
    b = store_of(tmp_path / "b", encrypted(b"one"), encrypted(b"2"))
    (channel,) = diff(a, b, KEY)["channels"]
    assert channel["different"] == {"count": 1, "ranges": [[2, 2]]}
    assert (channel["maybe_encrypted"], channel["undecryptable"]) == ([0, 0], [0, 0])
    (channel,) = diff(a, b)["channels"]
    assert (channel["different"]["count"], channel["maybe_encrypted"]) == (2, [2, 2])
    (channel,) = diff(a, b, StoreKey.of("another"))["channels"]
    assert channel["undecryptable"] == [2, 2]
    assert diff(a, a, KEY)["same"] is True
