"""A stack whose declared sink connectors run."""

from __future__ import annotations

import httpx
import pytest

from glue.settings import Settings


@pytest.fixture(scope="module")
def sinks(stack: Settings) -> Settings:
    """Settings of it; a pipeline that runs already is taken as it is."""
    running = set(httpx.get(f"{stack.connect}/connectors", timeout=30).json())
    if not {"snowflake-sink", "weaviate-sink"} <= running:
        from glue.topology.apply import apply_all

        apply_all(stack)
    return stack
