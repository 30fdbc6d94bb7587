"""What Connect is told of a Python exception."""

from __future__ import annotations

from glue.connect_python.failures import frames
from glue.connect_python.sinks.weaviate import WeaviateSink
from glue.errors import ConfigError


def test_the_frames_of_a_sink_are_told_and_those_of_the_bridge_are_not() -> None:
    try:
        WeaviateSink().configure({})
    except ConfigError as error:
        modules = [module for module, *_ in frames(error.__traceback__)]
    assert "glue.connect_python.sinks.weaviate" in modules
    assert "glue.connect_python.sink" not in modules
