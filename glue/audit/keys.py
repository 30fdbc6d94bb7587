"""Record keys as numbers: a UUID's 128 bits as two unsigned 64-bit integers, so that ten million keys fit in memory."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import md5
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
Bools = NDArray[np.bool_]
_LENGTH = 36
_DASHES = [8, 13, 18, 23]
_DIGITS = [at for at in range(_LENGTH) if at not in _DASHES]
_NONE = 255
_NIBBLES = np.full(256, _NONE, np.uint8)
_NIBBLES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16, dtype=np.uint8)
_HALF = 64


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
