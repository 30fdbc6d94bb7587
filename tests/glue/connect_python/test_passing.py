"""Records that a worker lets pass without showing them to Python: only those that Python would let pass."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glue.avro import load_schema
from glue.connect_python.adapters import portable
from glue.privacy.scrub import Scrubber
from tests.glue.connect_python.conftest import HERE, ROOT, Jvm
from tests.glue.connect_python.test_round_trip import Probe

_ROW = {
    "type": "struct",
    "fields": [{"field": "text", "type": "string"}, {"field": "other", "type": "string", "optional": True}],
}


def _forms() -> set[str]:
    """The closed forms of every schema whose records may pass unseen."""
    found = (Scrubber(again=True).passes(load_schema(file)) for file in sorted((ROOT / "schemas").glob("*.avsc")))
    return {form for passes in found if passes for form in passes.values() if form}


@pytest.fixture(scope="module")
def show(jvm: Jvm) -> Iterator[Callable[[str, str | None], str]]:
    """Send a record through the transform; what the worker says of it."""
    command = jvm.command("RoundTrip", "plugins:Counting", str(HERE))
    probe = Probe(command, {**os.environ, "MILLIONX_PYTHON": sys.executable, "MILLIONX_PYTHON_PATHS": str(HERE)})
    yield lambda text, other: probe(_ROW, {"text": text, "other": other})
    assert probe.process.stdin
    probe.process.stdin.close()
    assert probe.process.wait(30) == 0


def test_python_sees_a_text_that_has_no_form_once_a_field(show: Callable[[str, str | None], str]) -> None:
    def seen() -> int:
        return int(show("how many?", None).partition("text=")[2].partition("became")[2].partition("text=")[2][:-1])

    assert show("abc", None) == "same"
    before = seen()
    assert [show("abd", None), show("", "abc"), show("abc", "abc")] == ["same"] * 3
    assert seen() == before + 1  # "" has not the form, and then "abc" is known in the other field, too
    assert [show("স্বাগতম", None), show("স্বাগতম", "abc"), show("", None)] == ["same"] * 3
    assert seen() == before + 2
    long = "a" * 129
    assert [show(long, None), show(long, None), show("abc", "স্বাগতম")] == ["same"] * 3
    assert seen() == before + 5  # what is long is not remembered, and each field has texts of its own
    assert show("change!", None).endswith("text=[CHANGED]}")
    assert show("change!", None).endswith("text=[CHANGED]}")  # what was changed is shown each time


@pytest.fixture(scope="module")
def has_form(jvm: Jvm) -> Iterator[Callable[[str, str], bool]]:
    """Whether a text has a form, as the worker sees it."""
    with subprocess.Popen(jvm.command("Forms"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout

        def ask(form: str, text: str) -> bool:
            print(f"{form}\t{text}", file=process.stdin, flush=True)
            return process.stdout.readline() == "true\n"

        yield ask
        process.stdin.close()


_ONE_LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=140)
_NUMBERS = st.text("0123456789+- ._#@:", max_size=24)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_form_means_the_same_to_both(data: st.DataObject, has_form: Callable[[str, str], bool]) -> None:
    for form in sorted(_forms()):
        text = data.draw(st.one_of(st.from_regex(form, fullmatch=True), _NUMBERS, _ONE_LINE).map(_one_line))
        plain = len(text) <= 128 and all(" " <= char <= "~" for char in text)
        assert has_form(form, text) == (plain and re.fullmatch(form, text) is not None), (form, text)


def _one_line(text: str) -> str:
    return re.sub(r"[\t\r\n\x0b\x0c\x1c-\x1f\x85\u2028\u2029]", "", text)


def test_the_forms_of_orders_and_weather_are_portable() -> None:
    assert len(_forms()) > 8
    assert [form for form in _forms() if not portable(form)] == []


@pytest.mark.parametrize(
    "form",
    [r"[a&&b]", r"[[:alpha:]]", r"\w+", r"(?P<x>a)", r"(?i)a", r"a\Z", "é", r"a{,3}", r"(?<=a)b", r"[\w]", "a\\"],
)
def test_a_pattern_that_java_may_read_otherwise_stays_with_python(form: str) -> None:
    assert not portable(form)


def test_what_is_no_single_text_is_always_shown() -> None:
    assert Scrubber(again=True).passes(load_schema(Path(ROOT / "schemas" / "vector_post.avsc"))) is None
