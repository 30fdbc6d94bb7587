"""Workers that die, join and leave while an apply is under way: on a real Connect cluster."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from glue.errors import ServiceError
from glue.topology.apply import Options, apply_all
from glue.topology.history import REVERSIBLE as KINDS
from glue.topology.load import load
from glue.topology.plan import make_plan
from glue.topology.services import Services

from .project import Project
from .workers import Workers

pytestmark = pytest.mark.stack

QUICK = Options(stable_for=1, timeout=60)


def test_worker_killed_in_mid_apply(live: Project, workers: Workers, tmp_path: Path) -> None:
    """A worker that dies while connectors are written: an error that says what is in place; the next apply ends it."""
    for number in range(6):
        live.connector(f"c{number}")
    worker = workers.members[0]
    killed = threading.Event()

    def kill(event: object) -> None:
        if "c2" in str(event) and "ok" in str(event) and not killed.is_set():
            killed.set()
            worker.kill()

    with pytest.raises((ServiceError, Exception)) as caught:
        apply_all(live.settings, kinds=KINDS, options=QUICK, progress=kill)
    assert killed.is_set() and "does not answer" in str(caught.value) and "left in place" in str(caught.value)
    worker.start()
    done = apply_all(live.settings, kinds=("connector",), options=QUICK)
    assert {change.name for change in done.changes} <= {f"{live.prefix}-c{n}" for n in (3, 4, 5)} | {
        f"{live.prefix}-sink"
    }
    assert make_plan(Services(live.settings), load(live.settings), KINDS).changes == []
    assert json.dumps([one.error for one in Services(live.settings).memory.read().history]).count("connector") >= 1


def test_apply_while_the_workers_rebalance(live: Project, workers: Workers) -> None:
    """A second worker joins and dies while connectors are applied: conflicts are waited out, nothing is lost."""
    for number in range(4):
        live.connector(f"r{number}")
    second = workers.add(wait=False)
    try:
        first = apply_all(live.settings, kinds=KINDS, options=replace(QUICK, timeout=120))
        assert all(one.state == "ok" for one in first.health.values())
        second.wait_ready()
        for number in range(4):
            live.connector(f"r{number}", probe_word="again")
        second.kill()
        done = apply_all(live.settings, kinds=KINDS, options=replace(QUICK, timeout=120))
        assert len(done.changes) == 4 and all(one.state == "ok" for one in done.health.values())
    finally:
        second.kill()
        workers.members.remove(second)
