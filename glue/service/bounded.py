"""Calls that may never return, with an end: librdkafka can ignore the timeout of ``send_offsets_to_transaction``
when the group's coordinator went away and came back (confluentinc/librdkafka #5456, #5511; seen here with 2.16).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from glue.errors import ServiceUnavailableError

_LOOK = 0.2


class StuckError(ServiceUnavailableError):
    """A Kafka client does not come back, or says that it can not go on; a new one takes over."""


def bounded(call: Callable[[], object], seconds: float, what: str, keep_going: Callable[[], bool]) -> None:
    """Run ``call`` in a thread and wait for it, at most ``seconds``, or a fifth of that once told to stop.

    Raises:
        StuckError: it did not come back; its thread is left behind.
        Exception: what the call raised.
    """
    errors: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=run, name=what, daemon=True).start()
    started = time.monotonic()
    while not done.wait(_LOOK):
        if time.monotonic() - started > (seconds if keep_going() else seconds / 5):
            raise StuckError(what, f"the Kafka client did not come back within {seconds:.0f} s")
    if errors:
        raise errors[0]
