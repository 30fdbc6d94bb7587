"""The made world of the demo: the vendors' sandbox, and the catalogue in Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from glue.errors import ServiceError, ServiceUnavailableError
from glue.settings import state_dir
from sandbox.control import SandboxError, down, find, up
from sandbox.made_data import products


def seed_catalogue(address: str) -> int:
    """Write the generated products to Redis as ``product:{id}``; returns how many.

    Raises:
        ServiceUnavailableError: Redis does not answer.
    """
    catalogue = products()
    try:
        with redis.Redis.from_url(address, socket_timeout=5, socket_connect_timeout=5) as client:
            client.mset({f"product:{one['id']}": json.dumps(one, ensure_ascii=False) for one in catalogue})
    except redis.RedisError as error:
        raise ServiceUnavailableError("Redis", type(error).__name__, "mxctl local up; mxctl local status") from error
    return len(catalogue)


@contextmanager
def made_world(posts: int, orders: int, seed: int | None = None) -> Iterator[str]:
    """A sandbox with that many posts a platform and orders a market place; yields its address, ends it after.

    Without ``seed`` each demo has a world of its own, so that a second one has something new to gather. One that runs
    already is taken as it is and left running.

    Raises:
        ServiceError: it does not start.
    """
    running = find(state_dir())
    if running is not None:
        yield running.address
        return
    seed = int(time.time()) if seed is None else seed
    arguments = ["--posts", str(posts), "--orders", str(orders), "--seed", str(seed)]
    try:
        started = up(state_dir(), arguments)
    except SandboxError as error:
        raise ServiceError("the sandbox of vendors", str(error), "mxctl sandbox status") from error
    try:
        yield started.address
    finally:
        down(state_dir())
