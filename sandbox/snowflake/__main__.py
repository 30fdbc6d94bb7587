"""``python -m sandbox.snowflake --port P --data-dir D --public-key FILE.pem [--fault NAME[=TIMES] …]``: ``--help``."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import uvicorn

from sandbox.snowflake.admin import apply_fault
from sandbox.snowflake.app import Endpoint
from sandbox.snowflake.faults import KNOWN, parse_fault
from sandbox.snowflake.wire import RefusedError


def main() -> int:
    """Serve until stopped. Exit code 2 for arguments that cannot work."""
    parser = argparse.ArgumentParser("python -m sandbox.snowflake", description="A local Snowflake endpoint.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--name", help="host name that requests may use besides localhost")
    parser.add_argument("--data-dir", type=Path, required=True, help="holds databases, stage, keys of the endpoint")
    parser.add_argument("--public-key", type=Path, required=True, help="PEM of the key that users sign with")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[=TIMES]", help=", ".join(sorted(KNOWN)))
    parser.add_argument("--log-level", default="INFO")
    options = parser.parse_args()
    logging.basicConfig(
        level=options.log_level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("snowflake").setLevel(logging.WARNING)
    try:
        options.data_dir.mkdir(parents=True, exist_ok=True)
        endpoint = Endpoint.open(options.data_dir, options.public_key)
        for text in options.fault:
            apply_fault(endpoint.faults, endpoint.expire_tokens, *parse_fault(text))
    except (OSError, ValueError, RefusedError) as error:
        message = error.message if isinstance(error, RefusedError) else error
        print(f"error: {message}", file=sys.stderr)
        return 2
    try:
        uvicorn.run(
            endpoint.app(options.name),
            host=options.bind,
            port=options.port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=3,
        )
    finally:
        endpoint.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
