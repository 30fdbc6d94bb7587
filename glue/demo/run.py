"""Runs the producers against the sandbox and follows every record to its store."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from connectors.browser import check_browser
from connectors.config import load_source, source_names
from connectors.runner import run_once
from glue.audit.watch import Tally, Watch, watching
from glue.demo.summary import Progress, Summary, describe, summarise
from glue.errors import ConfigError, ServiceError
from glue.local.report import Reporter
from glue.settings import Settings, state_dir
from sandbox.control import SandboxError, down, find, up


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


def sandboxed(settings: Settings, address: str) -> tuple[list[str], list[str]]:
    """The declared sources that the profile points at the sandbox at ``address``; and the others, which stay out."""
    there = settings.model_copy(update={"sandbox": address})
    made: list[str] = []
    others: list[str] = []
    for name in source_names(settings):
        try:
            options = json.dumps(load_source(name, there).options)
        except ConfigError:  # a secret of its vendor that is not here
            options = ""
        (made if address in options else others).append(name)
    return made, others


def check_sources(settings: Settings) -> None:
    """What the declared sources need of this machine. Raises :class:`ConfigError` with the fix where it is missing."""
    classes = (load_source(name, settings, resolve=False).source_class() for name in source_names(settings))
    if any("browser" in one.options_class.model_fields for one in classes):
        check_browser()


class Producers:
    """One ``mxctl run SOURCE --once`` a source, at the same time, each with a log of its own."""

    def __init__(self, log_dir: Path, sources: Sequence[str]) -> None:
        log_dir.mkdir(parents=True, exist_ok=True)
        self._logs = {source: log_dir / f"producer-{source}.log" for source in sources}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start them all."""
        for source, log in self._logs.items():
            with log.open("wb") as output:
                self._running[source] = subprocess.Popen(
                    [sys.executable, "-m", "glue", "run", source, "--once"],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )

    def finished(self) -> bool:
        """Whether all have ended."""
        return all(process.poll() is not None for process in self._running.values())

    def check(self) -> None:
        """Raise for the first that failed, with the tail of its log.

        Raises:
            ServiceError: a producer ended with another exit code than 0.
        """
        for source, process in self._running.items():
            if process.poll():
                tail = "\n".join(self._logs[source].read_text(errors="replace").splitlines()[-12:])
                raise ServiceError(f"producer {source}", f"exit code {process.returncode}\n{tail}", "mxctl doctor")

    def stop(self) -> None:
        """End what still runs."""
        for process in self._running.values():
            if process.poll() is None:
                process.terminate()
        for process in self._running.values():
            process.wait()


def follow(watch: Watch, producers: Producers, on_look: Callable[[Tally], None], pause: float = 0.2) -> Tally:
    """Run the producers to their end, then wait until each record is stored or dead."""
    try:
        producers.start()
        while not producers.finished():
            on_look(watch.look())
            time.sleep(pause)
        producers.check()
        on_look(watch.look())
        return watch.complete(on_look)
    finally:
        producers.stop()


def demo(settings: Settings, report: Reporter, posts: int, orders: int, seed: int | None = None) -> Summary:
    """Run everything once on a stack that is up: ``posts`` a platform, ``orders`` a market place.

    Raises:
        ServiceError: a part or a producer failed, or no source is pointed at the sandbox.
    """
    with made_world(posts, orders, seed) as address, watching(settings) as watch:
        sources, others = sandboxed(settings, address)
        if not sources:
            why = f"profile {settings.profile} points no source at it"
            raise ServiceError("the sandbox of vendors", why, "mxctl demo runs under the profile local")
        report.event("demo", f"simulated vendors at {address}; running the producers: {', '.join(sources)}")
        there = settings.model_copy(update={"sandbox": address})
        for name in [one for one in sources if load_source(one, there).source_class().looked_up]:
            done = run_once(name, there).check()
            report.event("demo", f"{name}: {sum(done.records.values()) + done.repeated} records, before the others")
            sources.remove(name)
        if others:
            report.event("demo", f"not run, as they do not use the simulated vendors: {', '.join(others)}")
        tally = follow(watch, Producers(state_dir() / "logs", sources), Progress(report))
    report.event("demo", describe(tally))
    return summarise(tally)
