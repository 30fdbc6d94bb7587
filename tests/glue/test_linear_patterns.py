"""No pattern of the product looks at a text of n characters n times: what it reads comes from vendors, plugins, people.

Every pattern that a module keeps is found by itself, so a new one is held to it too. The search for persons has a test
of its own (``privacy/test_hostile_text.py``).
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import re
import time
from collections.abc import Iterator
from types import ModuleType

import pytest

import connectors
import glue
from glue.errors import ConfigError

SHORT = 1000
ONES = ("a", "A", "0", "x", " ", "\t", "\n", ".", "-", "_", "/", ":", "=", '"', "'", "\\", "{", "${", "@", "[", "#",
        "?", "&", "+", ",", ";", "*", "১", "ক", "e", "://", "://a:", "a=")  # fmt: skip
OWN = {
    "glue.times": "durations of the project's own files",
    "glue.privacy.recognisers": "has a test of its own",
}


def modules() -> Iterator[ModuleType]:
    for package in (glue, connectors):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith("__main__") or found.name.startswith(tuple(OWN)):
                continue
            try:
                yield importlib.import_module(found.name)
            except (ImportError, ConfigError):  # an extra that is not installed
                continue


def patterns() -> dict[str, re.Pattern[str]]:
    found: dict[str, re.Pattern[str]] = {}
    for module in modules():
        for name, value in vars(module).items():
            several = (
                value if isinstance(value, tuple | list) else value.values() if isinstance(value, dict) else (value,)
            )
            for number, one in enumerate(several):
                if isinstance(one, re.Pattern) and isinstance(one.pattern, str):
                    found[one.pattern] = one
                    names.setdefault(one.pattern, f"{module.__name__}.{name}[{number}]")
    return {names[text]: one for text, one in found.items()}


names: dict[str, str] = {}
PATTERNS = patterns()


def pieces(pattern: str) -> Iterator[str]:
    """What is repeated: single characters, words of the pattern itself, and one beside the other."""
    words = sorted(set(re.findall(r"[A-Za-z][A-Za-z_]{2,}", pattern)), key=len)[:12]
    yield from (*ONES, *words)
    for one, other in itertools.product((*words, *ONES), " =-.0a"):
        yield one + other


def seconds(pattern: re.Pattern[str], text: str) -> float:
    started = time.process_time()
    pattern.sub("", text)
    return time.process_time() - started


def test_the_patterns_are_found() -> None:
    assert {"glue.secrets._PROSE[0]", "connectors.reading._UTC[0]", "glue.secrets._SECRETS[0]"} <= PATTERNS.keys()


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_work_grows_no_faster_than_the_text(name: str) -> None:
    pattern = PATTERNS[name]
    for piece in pieces(pattern.pattern):
        for end in ("", "!"):
            if seconds(pattern, (piece * SHORT)[:SHORT] + end) < 0.001:
                continue  # far from a quadratic number of steps
            one, four = (min(seconds(pattern, (piece * n)[:n] + end) for _ in range(3)) for n in (SHORT, 4 * SHORT))
            assert four <= 9 * one + 0.005, piece  # four times as much where it is linear, sixteen times where not
