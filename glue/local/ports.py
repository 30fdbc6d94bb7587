"""Free ports on loopback, below the range the system hands out for outgoing connections."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection

from glue.errors import MillionXError

LOOPBACK = "127.0.0.1"
RANGE = range(20_000, 30_000)  # common systems take outgoing ports from 32768 up: those may be busy at the next start


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` now."""
    with socket.socket() as probe:
        # As servers do: a connection of an earlier run in TIME_WAIT does not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose(count: int, taken: Collection[int] = ()) -> list[int]:
    """``count`` free ports in a row, none in ``taken``; at random, or stacks started together would race for them."""
    for first in random.sample(RANGE, 400):
        row = list(range(first, first + count))
        if not any(port in taken for port in row) and all(is_free(port) for port in row):
            return row
    why = f"no {count} free ones in a row were found between {RANGE.start} and {RANGE.stop}"
    raise MillionXError("choosing ports", why, "stop some programs, or see what holds the ports: ss -ltnp")


def answers(port: int, timeout_s: float = 2) -> bool:
    """Whether something accepts connections on ``port`` of loopback."""
    try:
        socket.create_connection((LOOPBACK, port), timeout_s).close()
    except OSError:
        return False
    return True
