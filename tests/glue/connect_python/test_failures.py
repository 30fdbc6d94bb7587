"""What Connect is told of a Python exception."""

from __future__ import annotations

import pytest

from glue.connect_python.failures import frames
from glue.connect_python.sinks.weaviate import WeaviateSink
from glue.errors import ConfigError


def test_the_frames_of_a_sink_are_told_and_those_of_the_bridge_are_not() -> None:
    with pytest.raises(ConfigError) as caught:
        WeaviateSink().configure({"batch.size": "many"})
    modules = [module for module, *_ in frames(caught.value.__traceback__)]
    assert "glue.connect_python.sinks.weaviate" in modules
    assert "glue.connect_python.sink" not in modules
