"""Fifty connectors: what an apply that changes nothing costs."""

from __future__ import annotations

import pytest

from glue.topology.apply import Options, apply_all
from glue.topology.services import Services

from .project import Project

pytestmark = pytest.mark.stack


def test_no_change_on_fifty_connectors_is_one_call(live: Project, record_property) -> None:  # type: ignore[no-untyped-def]
    for number in range(49):
        live.connector(f"c{number:02}", tasks_max="1", errors_tolerance="none", probe_number="10")
    kinds = ("topic", "subject", "chain", "connector")
    first = apply_all(live.settings, kinds=kinds, options=Options(stable_for=1, timeout=300))
    assert len(first.changes) == 52
    services = Services(live.settings)
    again = apply_all(live.settings, kinds=kinds, services=services)
    assert again.changes == [] and len(again.health) == 50
    assert services.connect.calls == 1
    record_property("seconds of the first apply", round(first.seconds, 2))
    record_property("seconds without a change", round(again.seconds, 3))
    print(
        f"50 connectors: first {first.seconds:.1f} s and {first.calls} calls; no change {again.seconds:.2f} s, 1 call"
    )
