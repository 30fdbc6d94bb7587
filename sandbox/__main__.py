"""``python -m sandbox --port P``: the five vendors as one server on loopback."""

from __future__ import annotations

import argparse
import logging

import uvicorn

from sandbox.faults import FAULTS, UnknownFaultError, parse
from sandbox.server import make_app
from sandbox.world import Options, World


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--posts", type=int, default=120, help="posts a platform")
    parser.add_argument("--orders", type=int, default=100, help="orders a market place")
    parser.add_argument("--latency", type=float, default=0.0, help="mean seconds before an answer")
    parser.add_argument("--slow-seconds", type=float, default=5.0, help="delay of the fault slow")
    parser.add_argument("--bucket-leak", type=float, default=2.0, help="requests a second that Shopify takes")
    parser.add_argument("--shop", action="append", default=[], help="one more shop a market place, below /shops/NAME")
    parser.add_argument("--fault", action="append", default=[], metavar="[VENDOR:]NAME[@RATE|@Nx]",
                        help=f"one of: {', '.join(FAULTS)}")  # fmt: skip
    given = parser.parse_args()
    for written in given.fault:
        try:
            parse(written)
        except UnknownFaultError as error:
            parser.error(str(error))
    world = World(
        Options(seed=given.seed, posts=given.posts, orders=given.orders, latency=given.latency,
                slow_seconds=given.slow_seconds, bucket_leak=given.bucket_leak, faults=given.fault,
                shops=tuple(given.shop))
    )  # fmt: skip
    # Cut connections are part of the play; uvicorn would print a traceback for each.
    logging.getLogger("uvicorn.error").addFilter(lambda record: "Exception in ASGI" not in record.getMessage())
    uvicorn.run(make_app(world), host=given.bind, port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
