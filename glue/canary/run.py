"""A round of canaries: sent, watched, counted, taken back; once, or at an interval."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from glue.canary.flight import Flight
from glue.canary.metrics import begin, observe
from glue.canary.paths import Path
from glue.canary.questions import Questions
from glue.canary.sender import Sender
from glue.canary.watch import Watch
from glue.errors import MillionXError, ServiceError
from glue.settings import Settings

log = logging.getLogger(__name__)


def run_once(
    settings: Settings,
    paths: Sequence[Path],
    timeout: timedelta,
    stop: threading.Event,
    questions: Questions | None = None,
) -> list[Flight]:
    """Send one canary on each path and follow it until all arrived, or ``timeout``; none raises, each says its end.

    Args:
        questions: that were asked before, with their model in memory.
    """
    flights = [Flight(path) for path in paths]
    try:
        _fly(settings, flights, timeout.total_seconds(), stop, questions or Questions(settings, paths))
    except MillionXError as error:
        for flight in flights:
            flight.problem = flight.problem or str(error)
    for flight in flights:
        if flight.arrived or not stop.is_set():  # one that was cut off is neither lost nor arrived
            observe(flight)
    return flights


def _fly(
    settings: Settings, flights: list[Flight], seconds: float, stop: threading.Event, questions: Questions
) -> None:
    sender = Sender(settings, [flight.path for flight in flights])
    with Watch(settings, [flight.path for flight in flights]) as watch:
        under_way = []
        for flight in flights:
            try:
                sender.send(flight)
                under_way.append(flight)
            except MillionXError as error:
                flight.problem = str(error)
        while under_way and not stop.is_set():
            watch.look(under_way)
            under_way = [flight for flight in under_way if not flight.over and flight.age() < seconds]
        for flight in flights:  # when all are over, so that none waits for another's question
            if flight.arrived and not stop.is_set():
                questions.ask(flight)
        try:
            sender.take_back([*(place for flight in flights for place in flight.removable()), *watch.leftovers()])
        except MillionXError as error:
            log.warning("canaries stay in their store until the next round: %s", error)


def run_every(
    settings: Settings,
    paths: Sequence[Path],
    every: timedelta,
    timeout: timedelta,
    stop: threading.Event,
    on_round: Callable[[list[Flight]], None],
) -> None:
    """Send a round at each interval until ``stop``."""
    begin(paths)
    questions = Questions(settings, paths)
    while not stop.is_set():
        started = time.monotonic()
        flights = run_once(settings, paths, timeout, stop, questions)
        if stop.is_set():
            return
        on_round(flights)
        stop.wait(max(0.0, every.total_seconds() - (time.monotonic() - started)))


def check(flights: Sequence[Flight], timeout: timedelta) -> None:
    """Raise when one did not arrive, or was not found.

    Raises:
        ServiceError: naming each lost one, the stage that saw it last and the one that did not; or the question that
            does not find it.
    """
    lost = [flight for flight in flights if not flight.arrived or flight.unfound]
    if lost:
        missing = [flight for flight in lost if not flight.arrived]
        what = f"not arrived within {timeout.total_seconds():g} s" if missing else "stored, but not found"
        causes = [(flight.path.source, *flight.explain()) for flight in lost]
        raise ServiceError(
            f"canary {', '.join(name for name, _, _ in causes)}: {what}",
            "; ".join(f"{name}: {why}" for name, why, _ in causes),
            "; ".join(dict.fromkeys(fix for _, _, fix in causes)),
        )
