"""Running a chain as a service: one worker in this process, or several as processes of their own.

Several are one a core: started, watched, restarted when one dies, stopped together.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing as mp
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from glue.errors import ConfigError, MillionXError, ServiceError
from glue.logs import setup_logging
from glue.service.config import ServiceConfig
from glue.service.health import serve
from glue.service.metrics import WithAges
from glue.service.worker import Worker
from glue.transforms.declared import DeclaredChain, load_chain

log = logging.getLogger(__name__)
_DOWN, _ALIVE, _READY = 0, 1, 2
_LOOK = 0.5
_MANY, _WITHIN = 10, 60.0


def run_service(name: str, *, port: int = 0, workers: int | None = None, instance: str | None = None) -> None:
    """Run a chain until SIGTERM or SIGINT, then finish the current batch.

    Raises:
        UsageError: no such chain.
        ConfigError: the chain or a setting is wrong.
        ServiceError: fenced by another worker, a bad record with errors.tolerance=none, or workers that die faster than
            restarting makes sense.
    """
    declared = load_chain(name)
    count = workers or ServiceConfig.of(declared).tasks_max
    stop = threading.Event()
    stop_on_signals(stop)
    instance = instance or socket.gethostname()
    if count > 1:
        with tempfile.TemporaryDirectory(prefix="millionx-metrics-") as folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # read by the workers when they import prometheus_client
            _Supervisor(declared, count, instance, stop, folder).run(port)
    else:
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
        log.info("%s: finishing the current batch", signal.Signals(number).name)
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)


class _Supervisor:
    def __init__(self, declared: DeclaredChain, count: int, instance: str, stop: threading.Event, folder: str) -> None:
        self._declared, self._instance, self._stop, self._folder = declared, instance, stop, folder
        self._context = mp.get_context("spawn")
        self._states: Any = self._context.Array("b", count, lock=False)
        self._workers: list[BaseProcess] = []
        self._deaths: list[float] = []

    def run(self, port: int) -> None:
        workers, registry = CollectorRegistry(), CollectorRegistry()
        MultiProcessCollector(workers, self._folder)  # type: ignore[no-untyped-call]
        registry.register(WithAges(workers))
        server = serve(port, self._health, registry)
        name, (host, at) = self._declared.name, server.server_address[:2]
        log.info("chain %s: %d workers, http://%s:%d/health /ready /metrics", name, len(self._states), host, at)
        try:
            self._workers = [self._start(task) for task in range(len(self._states))]
            while not self._stop.wait(_LOOK):
                for task, worker in enumerate(self._workers):
                    if not worker.is_alive():
                        self._workers[task] = self._replace(task, worker)
        finally:
            for worker in self._workers:
                worker.terminate()  # SIGTERM: finish the current batch
            for worker in self._workers:
                worker.join()
            server.shutdown()

    def _start(self, task: int) -> BaseProcess:
        self._states[task] = _DOWN
        arguments = (self._declared.model_dump_json(), self._instance, task, self._states)
        worker = self._context.Process(target=_work, args=arguments, name=f"{self._declared.name}-{task}")
        worker.start()
        return worker

    def _replace(self, task: int, worker: BaseProcess) -> BaseProcess:
        mark_process_dead(worker.pid, self._folder)  # type: ignore[no-untyped-call]
        if worker.exitcode == ConfigError.exit_code:
            raise ConfigError(f"chain {self._declared.name}", f"worker {task} did not start", "its log line says why")
        now = time.monotonic()
        self._deaths = [when for when in self._deaths if now - when < _WITHIN] + [now]
        if len(self._deaths) > _MANY:
            raise ServiceError(f"chain {self._declared.name}", f"workers died {_MANY} times in {_WITHIN:.0f} s")
        log.warning("worker %d ended with %s: starting it again", task, worker.exitcode)
        return self._start(task)

    def _health(self) -> tuple[bool, bool, dict[str, Any]]:
        states = list(self._states)
        names = {_DOWN: "down", _ALIVE: "alive", _READY: "ready"}
        report = {"workers": [names[state] for state in states]}
        return min(states) >= _ALIVE, min(states) >= _READY, report


def _work(declared: str, instance: str, task: int, states: Any) -> None:
    """A worker process: as a worker alone, but its health goes to ``states``, and it ends when its parent does."""
    setup_logging()
    stop = threading.Event()
    stop_on_signals(stop)
    tune_memory()
    parent = mp.parent_process()

    def report(worker: Worker) -> None:
        while not stop.wait(_LOOK):
            health = worker.health
            states[task] = _READY if health.ready() else _ALIVE if health.alive() else _DOWN
            if parent is not None and not parent.is_alive():
                log.error("worker %d: its supervisor is gone", task)
                stop.set()

    try:
        worker = Worker(DeclaredChain.model_validate_json(declared), instance, task, stop)
        threading.Thread(target=report, args=(worker,), daemon=True).start()
        worker.run()
    except MillionXError as error:
        log.error("worker %d: %s%s", task, error, f" ({error.fix})" if error.fix else "")
        sys.exit(error.exit_code)
