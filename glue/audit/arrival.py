"""Produce something and see it arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from glue.audit.stores import all_stores
from glue.audit.watch import Tally, Watch
from glue.settings import Settings

T = TypeVar("T")


def see_arrive(settings: Settings, produce: Callable[[], T], on_look: Callable[[Tally], None]) -> tuple[T, Tally]:
    """Call ``produce``, then wait until each record that reached a source topic meanwhile is stored or dead.

    Returns what ``produce`` returned, and the tally; what never arrived is missing in it.
    """
    with all_stores(settings) as stores, Watch(settings, stores) as watch:
        result = produce()
        return result, watch.settle(on_look)
