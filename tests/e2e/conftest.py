"""The pipeline as a user has it after ``mxctl local up``: all parts, the declared topology, the chain services."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from glue.settings import Settings, get_settings, state_dir


@pytest.fixture(scope="package")
def pipeline(stack: Settings) -> Iterator[Settings]:
    """Settings of a whole pipeline: topology and services on the stack of the session, gone after these tests."""
    from glue.local.lifecycle import bring_down
    from glue.local.report import Reporter
    from glue.local.services import Ui, chains
    from glue.local.stack import Stack

    local = Stack(state_dir(), Reporter(quiet=True))
    local.up()
    get_settings.cache_clear()
    yield get_settings()
    if not os.environ.get("MXCTL_TEST_STATE_DIR"):
        site = local.site()
        for part in (*chains(local.size.instances), Ui()):
            bring_down(part, site)
        site.state.save()
