"""A run of a source that kills itself (SIGKILL) at a given point. Started by test_kill.py as a process of its own.

Usage: killed_run.py CONFIG.json POINT COUNT, where the COUNTth passing of POINT is the last. Points: ``page`` (fetched,
not yet sent), ``produced`` (all of a page lies in Kafka, the transaction is open), ``committed`` (right behind it).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from connectors.config import SourceConfig
from connectors.publisher import Publisher
from connectors.runner import run_once
from glue.kafka.config import KafkaConfig
from glue.settings import get_settings


def main(config_file: str, point: str, count: str) -> None:
    """Run until the point."""
    left = int(count)

    def passing(name: str) -> None:
        nonlocal left
        left -= name == point
        if name == point and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    make = KafkaConfig.producer

    class Watched:
        """A producer that passes the points."""

        def __init__(self, producer: Any) -> None:
            self._producer = producer

        def __getattr__(self, name: str) -> Any:
            return getattr(self._producer, name)

        def commit_transaction(self, *given: Any) -> None:
            self._producer.flush(30)
            passing("produced")
            self._producer.commit_transaction(*given)
            passing("committed")

    deliver = Publisher.deliver

    def watched_deliver(self: Publisher, *given: Any) -> None:
        passing("page")
        deliver(self, *given)

    def watched_producer(self: KafkaConfig, *given: Any) -> Any:
        return Watched(make(self, *given))

    KafkaConfig.producer = watched_producer  # type: ignore[method-assign]
    Publisher.deliver = watched_deliver  # type: ignore[method-assign]
    document = json.loads(Path(config_file).read_text())
    run_once(document["name"], get_settings(), SourceConfig.model_validate(document), wait=60).check()


if __name__ == "__main__":
    main(*sys.argv[1:])
