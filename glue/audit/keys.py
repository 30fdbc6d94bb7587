"""Record keys as numbers: a UUID's 128 bits as two unsigned 64-bit integers, so that ten million keys fit in memory.

And the hash buckets of many of them, as :mod:`glue.stores.sql` asks a database for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import md5
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from glue.stores.contract import Sums
from glue.stores.sql import FIRST, PREFIX, SECOND, weights

U64 = NDArray[np.uint64]
Bools = NDArray[np.bool_]
_LENGTH = 36
_DASHES = [8, 13, 18, 23]
_DIGITS = [at for at in range(_LENGTH) if at not in _DASHES]
_NONE = 255
_NIBBLES = np.full(256, _NONE, np.uint8)
_NIBBLES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16, dtype=np.uint8)
_HALF, _HEX = 64, 4
_ASCII = np.frombuffer(b"0123456789abcdef", np.uint8).astype(np.float64)
_EMPTY = Sums(0, 0, 0, 0)


def pack(keys: Sequence[bytes]) -> tuple[U64, U64, Bools]:
    """(high half, low half, whether odd) of each key; an odd one is no UUID in lower case and stands as its MD5."""
    odd = np.zeros(len(keys), np.bool_)
    if any(len(key) != _LENGTH for key in keys):
        odd[:] = [len(key) != _LENGTH for key in keys]
        joined = b"".join(key if len(key) == _LENGTH else bytes(_LENGTH) for key in keys)
    else:
        joined = b"".join(keys)
    texts = np.frombuffer(joined, np.uint8).reshape(-1, _LENGTH)
    nibbles = _NIBBLES[texts[:, _DIGITS]]
    odd |= (nibbles == _NONE).any(axis=1) | (texts[:, _DASHES] != ord("-")).any(axis=1)
    octets = (nibbles[:, 0::2] << np.uint8(4)) | nibbles[:, 1::2]
    for at in np.flatnonzero(odd).tolist():
        octets[at] = np.frombuffer(md5(keys[at], usedforsecurity=False).digest(), np.uint8)
    halves = np.ascontiguousarray(octets).view(">u8").astype(np.uint64)
    return halves[:, 0].copy(), halves[:, 1].copy(), odd


def text_of(high: int, low: int) -> str:
    """The UUID in its usual spelling."""
    return str(UUID(int=(int(high) << _HALF) | int(low)))


def _packed(high: U64, low: U64, positions: tuple[int, ...]) -> NDArray[np.float64]:
    total = np.zeros(len(high))
    for at, factor in weights(positions):
        digit = at - 1 - sum(at > dash for dash in (9, 14, 19, 24))  # its place among the 32 digits
        half, shift = (high, 15 - digit) if digit < 16 else (low, 31 - digit)
        total += _ASCII[(half >> np.uint64(shift * _HEX)) & np.uint64(15)] * factor
    return total


def bucket_of(high: U64) -> NDArray[np.int64]:
    """The number of each key's bucket: its first three hexadecimal digits."""
    return (high >> np.uint64(64 - _HEX * PREFIX)).astype(np.int64)


def sums_of(high: U64, low: U64, counted: Bools) -> dict[str, Sums]:
    """The buckets of the distinct keys for which ``counted`` holds; empty ones are left out."""
    high, low = high[counted], low[counted]
    bucket, size = bucket_of(high), 1 << _HEX * PREFIX
    counts = np.bincount(bucket, minlength=size)
    first = np.bincount(bucket, _packed(high, low, FIRST), size)
    second = np.bincount(bucket, _packed(high, low, SECOND), size)
    return {
        f"{at:0{PREFIX}x}": Sums(int(counts[at]), int(counts[at]), int(first[at]), int(second[at]))
        for at in np.flatnonzero(counts)
    }


def differing(one: dict[str, Sums], other: dict[str, Sums]) -> list[str]:
    """The names of the buckets that are not the same on both sides, and of those that hold a key twice."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name, _EMPTY) != other.get(name, _EMPTY))
