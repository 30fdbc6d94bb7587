"""A part runs with the packages of the extras that it names, and no others; what is missing is told with its fix."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from glue.imports import EXTRA_OF

ROOT = Path(__file__).parents[1]
EXTRAS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
# Run with the packages of an extra hidden, as where it was not installed.
_HIDING = """
import sys
from importlib.abc import MetaPathFinder

class Hidden(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
sys.argv = ["mxctl", *{words}]
{code}
"""
_MXCTL = "from glue.cli.main import main; main()"


def _distribution(need: str) -> str:
    """The normalised name in a requirement."""
    name = need.partition("[")[0]
    for end in "<>=!~; ":
        name = name.partition(end)[0]
    return name.replace("_", "-").lower()


@cache
def _installed() -> Mapping[str, list[str]]:
    """The distributions of each top-level module; reads a file of every package that is installed."""
    return packages_distributions()


def _modules(extra: str) -> set[str]:
    """Import names of the packages that an extra asks for."""
    wanted = {_distribution(need) for need in EXTRAS[extra]}
    return {
        module for module, names in _installed().items() if {name.replace("_", "-").lower() for name in names} & wanted
    }


def _run(extras: set[str], *words: str, code: str = _MXCTL) -> subprocess.CompletedProcess[str]:
    """Run a program that finds the base and ``extras`` installed."""
    have = {module for module, extra in EXTRA_OF.items() if extra in extras}
    have = have.union(*(_modules(extra) for extra in extras))
    program = _HIDING.format(hidden=sorted(set(EXTRA_OF) - have), words=list(words), code=code)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)


def test_every_extra_of_a_package_is_one_of_the_distribution() -> None:
    assert set(EXTRA_OF.values()) <= set(EXTRAS)
    for module, extra in EXTRA_OF.items():
        if module in _installed():
            assert module in _modules(extra) or module in ("pyactiveresource",), (module, extra)


def test_the_local_pipeline_has_what_its_parts_need() -> None:
    parts = ("audit", "embedding", "shopify", "ui", "warehouse", "weaviate", "webhook")
    assert {need for part in parts for need in EXTRAS[part]} <= set(EXTRAS["local"])


COMMANDS = [
    ["--help"],
    ["run", "--help"],
    ["validate"],
    ["graph"],
    ["transforms", "list"],
    ["transforms", "describe", "Embed"],
    ["plan", "--help"],
    ["apply", "--help"],
    ["dlq", "--help"],
    ["audit", "--help"],
    ["canary", "--help"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_needs_no_extra(words: list[str]) -> None:
    done = _run(set(), *words)
    assert done.returncode == 0, done.stderr


SOURCES = {file.stem: json.loads(file.read_text()) for file in sorted((ROOT / "connect-config/sources").glob("*.json"))}
# What the class of a source needs when it is loaded; a browser is started later, and says itself what it lacks.
SOURCE_EXTRAS = {"shopify": {"shopify"}}


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_needs_its_own_extra_alone(name: str) -> None:
    load = "import connectors.runner; from glue.imports import load_class; from connectors.source import Source\n"
    load += f"load_class({SOURCES[name]['class']!r}, Source, 'source')"
    done = _run(SOURCE_EXTRAS.get(name, set()), code=load)
    assert done.returncode == 0, done.stderr


CHAINS = sorted(file.stem for file in (ROOT / "connect-config/transforms").glob("*.json"))
CHAIN_EXTRAS = {"vectors": {"embedding"}}


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_needs_its_own_extra_alone(name: str) -> None:
    extras = CHAIN_EXTRAS.get(name, set())
    done = _run(extras, "transforms", "test", name)
    assert done.returncode == 0, done.stdout + done.stderr
    import_service = _run(extras, code="import glue.service.run, glue.service.loop")
    assert import_service.returncode == 0, import_service.stderr


PARTS = {
    "page": ({"ui"}, "import glue.ui.server"),
    "webhook": ({"webhook", "shopify"}, "import connectors.webhook, uvicorn"),
    "audit": ({"audit"}, "import glue.audit.run"),
    "canary": (set(), "import glue.canary.run"),
    "host of Python plugins": (set(), "import glue.connect_python.host"),
    "Weaviate sink": ({"weaviate"}, "import glue.connect_python.sinks.weaviate"),
    "stores": (set(), "import glue.stores.weaviate.client, glue.stores.snowflake.client"),
    "apply": (set(), "import glue.topology.apply"),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_needs_its_own_extra_alone(part: str) -> None:
    extras, code = PARTS[part]
    done = _run(extras, code=code)
    assert done.returncode == 0, done.stderr


MISSING = [
    (["ui"], "ui"),
    (["local", "status"], "local"),
    (["webhook", "serve"], "webhook"),
    (["transforms", "test", "vectors"], "embedding"),
]


@pytest.mark.parametrize(("words", "extra"), MISSING, ids=[" ".join(words) for words, _ in MISSING])
def test_what_is_missing_is_told_with_the_command_that_installs_it(words: list[str], extra: str) -> None:
    done = _run(set(), *words)
    assert done.returncode != 0
    assert f"pip install 'millionx[{extra}]'" in done.stderr + done.stdout, done.stderr
    assert "Traceback" not in done.stderr


def test_the_list_of_commands_loads_no_client() -> None:
    """It is asked for most, so it starts fast."""
    code = "from click.testing import CliRunner; from glue.cli.main import cli; import sys\n"
    code += "assert CliRunner().invoke(cli, ['--help']).exit_code == 0\n"
    code += "print(*{'confluent_kafka', 'requests', 'fastavro', 'redis', 'httpx', 'pydantic'} & set(sys.modules))"
    done = _run(set(), code=code)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
