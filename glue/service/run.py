"""Running a chain as a service: one worker in this process, or several as processes of their own."""

from __future__ import annotations

import gc
import logging
import signal
import socket
import threading
from types import FrameType

from glue.service.config import ServiceConfig
from glue.transforms.declared import load_chain

log = logging.getLogger(__name__)


def run_service(name: str, *, port: int = 0, workers: int | None = None, instance: str | None = None) -> None:
    """Run a chain until SIGTERM or SIGINT, then finish the batch at hand.

    Raises:
        UsageError: no such chain.
        ConfigError: the chain or a setting is wrong.
        ServiceError: fenced by another worker, or a bad record with errors.tolerance=none.
    """
    declared = load_chain(name)
    count = workers or ServiceConfig.of(declared).tasks_max
    stop = threading.Event()
    stop_on_signals(stop)
    instance = instance or socket.gethostname()
    if count > 1:
        from glue.service.supervise import run_workers

        run_workers(declared, count, instance, port, stop)
    else:
        from glue.service.health import serve
        from glue.service.loop import Worker

        worker = Worker(declared, instance, stop=stop)
        tune_memory()
        health = worker.health
        server = serve(port, lambda: (health.alive(), health.ready(), health.report()), worker.metrics.registry)
        log.info("chain %s: http://%s:%d/health /ready /metrics", name, *server.server_address[:2])
        try:
            worker.run()
        finally:
            server.shutdown()
    log.info("chain %s: stopped", name)


def tune_memory() -> None:
    """Let the cyclic collector look less often: a batch makes thousands of objects, all of them free of cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def stop_on_signals(stop: threading.Event) -> None:
    """Let SIGTERM and SIGINT set ``stop``."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        log.info("%s: finishing the batch at hand", signal.Signals(number).name)
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
