"""Names that programs and rights share, and deterministic record keys.

The same thing always gets the same key, wherever and whenever it is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID, uuid5

NAMESPACE = UUID("5b1f64f1-0a6e-5b8e-9f5e-7c1d2f6f3a10")
MERCHANT_HEADER = "millionx.merchant"  # of records of orders and prices: whose they are
REPLAY = "mxctl-dlq"  # the transactional id of replays: of two at once the later one goes on
READERS = "mxctl-"  # begins the groups, without members or offsets, of who reads a topic by offsets of its own
ERASURE = "millionx.person"  # the group of who works on requests of persons
WORKER_GROUP = "millionx-connect"  # the group of the Connect workers
CANARY = "millionx-canary"  # the mark of records that `mxctl canary` sends; no vendor's ids begin so


def source_producer(name: str) -> str:
    """The transactional id of what sends the records of source ``name``."""
    return f"connectors.{name}"


def source_lease(name: str) -> str:
    """The group whose one member may run source ``name``."""
    return f"connectors.lease.{name}"


def record_key(source: str, *parts: str | int) -> str:
    """UUID5 (RFC 9562) of ``source`` and the native id, followed by the version where the thing changes.

    Parts are length-prefixed, so that ("a", "bc") and ("ab", "c") differ.
    """
    name = "".join(f"{len(text)}:{text}" for text in (source, *map(str, parts)))
    return str(uuid5(NAMESPACE, name))


def rekeyed(kinds: Iterable[str], key: str) -> str:
    """``key`` as the ``rekey`` of chains makes it: of each kind of thing in turn, that made from the one before."""
    for kind in kinds:
        key = record_key(kind, key)
    return key
