"""Sealing a dead letter: its bytes become unreadable without the key file, and whole again with it.

AES-256-GCM (NIST SP 800-38D) under a key derived by HKDF-SHA256 (RFC 5869) from a hash key, so that one file of secrets
serves both. The header ``millionx.sealed`` names the key. A sealed value is ``MXS1``, 12 random bytes, and ciphertext
with tag. Inside: a byte that is 1 where the rest is compressed by zlib and else 0 (sealed bytes cannot be compressed
on their way any more); then key, value and the headers' names and values in turn, each as four bytes of length,
big-endian (0xFFFFFFFF for null), and its bytes.
"""

from __future__ import annotations

import os
import struct
import zlib
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from glue.errors import DataError
from glue.privacy.keyring import Keyring

_MAGIC = b"MXS1"
_PLAIN, _COMPRESSED = b"\x00", b"\x01"
_LARGE = 4096
_NONCE = 12
_NULL = 0xFFFFFFFF
_LENGTH = struct.Struct(">I")
Headers = list[tuple[str, bytes | None]]
Contents = tuple[bytes | None, bytes | None, Headers]


@lru_cache
def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"millionx dead letters").derive(secret))


def seal(ring: Keyring, key: bytes | None, value: bytes | None, headers: Headers, place: str = "") -> bytes:
    """The sealed bytes of a message, under the ring's active key; ``place`` must be named again to open them."""
    parts = [key, value]
    for name, content in headers:
        parts += name.encode(), content
    packed = b"".join(_LENGTH.pack(_NULL) if part is None else _LENGTH.pack(len(part)) + part for part in parts)
    packed = _COMPRESSED + zlib.compress(packed, 1) if len(packed) > _LARGE else _PLAIN + packed
    nonce = os.urandom(_NONCE)
    return _MAGIC + nonce + _cipher(ring.secret(ring.active)).encrypt(nonce, packed, _bound(ring.active, place))


def _bound(key_id: str, place: str) -> bytes:
    return f"{key_id}\n{place}".encode()


def unseal(ring: Keyring, key_id: str, data: bytes, place: str = "") -> Contents:
    """Key, value and headers as they were.

    Raises:
        ConfigError: the ring has no such key.
        DataError: the bytes are not sealed, were changed, or are of another place.
    """
    magic, nonce, rest = data[:4], data[4 : 4 + _NONCE], data[4 + _NONCE :]
    if magic != _MAGIC:
        raise DataError("unseal", "the value is not sealed")
    try:
        packed = _cipher(ring.secret(key_id)).decrypt(nonce, rest, _bound(key_id, place))
    except (InvalidTag, ValueError):
        raise DataError(
            "unseal", "the value was sealed with another key or for another topic, or changed since"
        ) from None
    packed = zlib.decompress(packed[1:]) if packed[:1] == _COMPRESSED else packed[1:]
    parts: list[bytes | None] = []
    position = 0
    while position < len(packed):
        (length,) = _LENGTH.unpack_from(packed, position)
        position += _LENGTH.size
        parts.append(None if length == _NULL else packed[position : position + length])
        position += 0 if length == _NULL else length
    names, values = parts[2::2], parts[3::2]
    return parts[0], parts[1], [((name or b"").decode(), content) for name, content in zip(names, values, strict=True)]
