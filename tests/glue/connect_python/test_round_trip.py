"""Every type of Connect there and back through the real JVM plugin and a real host, with made-up schemas and values."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.glue.connect_python.conftest import HERE, Jvm

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_DATA = "org.apache.kafka.connect.data."
Typed = tuple[dict[str, Any], st.SearchStrategy[Any]]


class Probe:
    """The Java program, answering line by line."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def __call__(self, schema: dict[str, Any] | None, payload: Any) -> str:
        assert self.process.stdin and self.process.stdout
        print(json.dumps({"schema": schema, "payload": payload}), file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()


@pytest.fixture(scope="module", params=["Identity", "Looking"])
def probe(jvm: Jvm, request: pytest.FixtureRequest) -> Iterator[Probe]:
    command = jvm.command("RoundTrip", f"plugins:{request.param}", str(HERE))
    found = Probe(command, {**os.environ, "MILLIONX_PYTHON": sys.executable, "MILLIONX_PYTHON_PATHS": str(HERE)})
    yield found
    assert found.process.stdin
    found.process.stdin.close()
    assert found.process.wait(30) == 0


def _number(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1)


def _bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _unscaled(value: int) -> str:
    return _bytes(value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


_PRIMITIVES: list[Typed] = [
    ({"type": "boolean"}, st.booleans()),
    *(({"type": f"int{bits}"}, _number(bits)) for bits in (8, 16, 32, 64)),
    ({"type": "float"}, st.floats(width=32, allow_nan=False, allow_infinity=False)),
    ({"type": "double"}, st.floats(allow_nan=False, allow_infinity=False)),
    ({"type": "string"}, _TEXT),
    ({"type": "string", "name": "my.Enum", "parameters": {"a": "b", "ভাষা": "বাংলা"}, "version": 3, "doc": "of it"}, _TEXT),
]
_OTHERS: list[Typed] = [
    ({"type": "bytes"}, st.binary(max_size=30).map(_bytes)),
    ({"type": "int32", "name": _DATA + "Date", "version": 1}, _number(32)),
    ({"type": "int32", "name": _DATA + "Time", "version": 1}, st.integers(0, 86_399_999)),
    ({"type": "int64", "name": _DATA + "Timestamp", "version": 1}, _number(64)),
    *(
        (
            {"type": "bytes", "name": _DATA + "Decimal", "version": 1, "parameters": {"scale": str(scale)}},
            st.integers(-(10**40), 10**40).map(_unscaled),
        )
        for scale in (0, 2, 30, -3)
    ),
]


def _optional(typed: Typed) -> Typed:
    schema, values = typed
    return {**schema, "optional": True}, st.none() | values


@st.composite
def _with_default(draw: st.DrawFn, typed: Typed) -> Typed:
    schema, values = typed
    if schema["type"] in ("struct", "map", "array"):
        return typed  # Connect's JSON has defaults for these too, but writes them in ways of its own
    return {**schema, "default": draw(values)}, values


@st.composite
def _types(draw: st.DrawFn, depth: int = 2) -> Typed:
    kind = draw(st.sampled_from(["leaf", "leaf", "array", "map", "struct"] if depth else ["leaf"]))
    if kind == "leaf":
        typed: Typed = draw(st.sampled_from(_PRIMITIVES + _OTHERS))
    elif kind == "array":
        schema, values = draw(_types(depth=depth - 1))
        typed = {"type": "array", "items": schema}, st.lists(values, max_size=4)
    elif kind == "map":
        key_schema, keys = draw(st.sampled_from(_PRIMITIVES + _OTHERS[:1]))
        schema, values = draw(_types(depth=depth - 1))
        if key_schema["type"] == "string":
            made: st.SearchStrategy[Any] = st.dictionaries(keys, values, max_size=4)
        else:
            made = st.lists(st.tuples(keys, values).map(list), max_size=4, unique_by=lambda pair: repr(pair[0]))
        typed = {"type": "map", "keys": key_schema, "values": schema}, made
    else:
        typed = draw(_structs(depth=depth - 1))
    changed = draw(st.sampled_from(["as is", "optional", "default"]))
    if changed == "optional":
        return _optional(typed)
    return draw(_with_default(typed)) if changed == "default" else typed


@st.composite
def _structs(draw: st.DrawFn, depth: int) -> Typed:
    names = draw(st.lists(st.text("abcdefgh_", min_size=1, max_size=6), unique=True, max_size=5))
    parts = {name: draw(_types(depth=depth)) for name in names}
    fields = [{**schema, "field": name} for name, (schema, _) in parts.items()]
    name = draw(st.sampled_from([None, "a.B", "Plain"]))
    schema = {"type": "struct", "fields": fields, **({"name": name} if name else {})}
    return schema, st.fixed_dictionaries({name: values for name, (_, values) in parts.items()})


@st.composite
def _cases(draw: st.DrawFn) -> tuple[dict[str, Any], Any]:
    schema, values = draw(_types(depth=3))
    return schema, draw(values)


@pytest.mark.stack
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=_cases())
def test_what_a_transform_leaves_alone_comes_back_as_it_was(probe: Probe, case: tuple[dict[str, Any], Any]) -> None:
    assert probe(*case) == "same"


_PLAIN = st.recursive(
    st.none() | st.booleans() | _number(64) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.stack
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=_PLAIN)
def test_values_without_a_schema_come_back_as_they_were(probe: Probe, value: Any) -> None:
    assert probe(None, value) == "same"


@pytest.mark.stack
@pytest.mark.parametrize("size", [15, 16, 31, 32, 255, 256, 65_535, 65_536, 3_000_000])
def test_sizes_around_the_borders_of_the_encoding(probe: Probe, size: int) -> None:
    assert probe({"type": "string"}, "x" * size) == "same"
    assert probe({"type": "bytes"}, _bytes(b"x" * size)) == "same"
    if size < 100_000:
        assert probe({"type": "array", "items": {"type": "int8"}}, [1] * size) == "same"
        assert probe(None, {str(n): n for n in range(size)}) == "same"


@pytest.mark.stack
def test_half_a_surrogate_pair_is_refused_and_not_replaced(probe: Probe) -> None:
    assert probe({"type": "string"}, "a\ud83d") == "error: a string with half a surrogate pair at character 1"
    assert probe({"type": "string"}, "a\U0001f600") == "same"


def test_the_plugins_of_these_tests_are_where_hosts_look() -> None:
    assert (Path(HERE) / "plugins.py").is_file()
