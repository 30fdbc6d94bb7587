"""Hash buckets: what both a topic and a table can say about 1/4096 of their keys without naming one.

A bucket is named by the first three characters of the key. It holds the number of keys and two sums over ten further
characters of each key, five packed into one number with seven bits a character. The sums stay exact as doubles up to
260,000 keys in a bucket, a billion keys in all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glue.audit.keys import U64, Bools

PREFIX = 3
# One-based positions of the characters that are summed; random ones, so neither dashes nor the UUID's version.
FIRST, SECOND = (4, 5, 6, 7, 8), (32, 33, 34, 35, 36)
_BITS_A_CHARACTER = 7
_HEX = 4
_ASCII = np.frombuffer(b"0123456789abcdef", np.uint8).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Sums:
    """One bucket: rows, distinct keys, and the two sums over the rows' keys."""

    rows: int
    keys: int
    first: int
    second: int


EMPTY = Sums(0, 0, 0, 0)


def weights(positions: tuple[int, ...]) -> list[tuple[int, int]]:
    """(position, factor) of each character of a sum."""
    return [(at, 1 << _BITS_A_CHARACTER * n) for n, at in enumerate(positions)]


def sum_sql(column: str, positions: tuple[int, ...]) -> str:
    """The sum as SQL that Snowflake and DuckDB understand alike."""
    terms = (f"ascii(substr({column}, {at}, 1))::bigint * {factor}" for at, factor in weights(positions))
    return f"sum({' + '.join(terms)})"


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
    return sorted(name for name in one.keys() | other.keys() if one.get(name, EMPTY) != other.get(name, EMPTY))
