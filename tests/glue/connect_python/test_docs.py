"""The example of docs/python-plugins.md, as it is written there, on the real worker."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from glue.settings import Settings
from tests.glue.connect_python.worker import Bench

_TEXT = (Path(__file__).parents[3] / "docs" / "python-plugins.md").read_text(encoding="utf-8")


def _block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", _TEXT, re.DOTALL)
    return str(found)


@pytest.mark.stack
def test_the_example_works_as_it_is_written(stack: Settings, tmp_path: Path, classes: Path) -> None:
    (classes / "shout.py").write_text(_block("python"))
    options = json.loads(_block("json").replace("/path/to/the/folder", str(classes)))
    bench = Bench(stack, tmp_path)
    with bench.running(bench.config() | options | {"transforms.shout.python.executable": sys.executable}):
        bench.produce([{"text": "winter shoes"}])
        bench.wait_for_keys({"0"})
    assert bench.lines()[0][4] == {"text": "WINTER SHOES"}


def test_every_option_is_documented() -> None:
    source = Path(__file__).parents[3] / "deploy/connect-python/src/bd/millionx/connect/PythonSettings.java"
    options = set(re.findall(r'"(python\.[a-z.]+)"', source.read_text()))
    assert options and {option for option in options if f"`{option}`" not in _TEXT} == set()
