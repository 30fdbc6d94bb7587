"""The example of docs/add-a-transform.md: the module, the chain and the case as they are written there."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from glue.cli.transforms import transforms
from glue.settings import get_settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "add-a-transform.md").read_text(encoding="utf-8")
MODULE = "glue.transforms.costly"


def block(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found, f"the document has no block {name}"
    return found.group(1)


@pytest.fixture
def with_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the declared topology to which the document's steps were done; yields the chain's file."""
    import glue.transforms

    package = tmp_path / "package"
    package.mkdir()
    (package / "costly.py").write_text(block("module"))
    monkeypatch.setattr(glue.transforms, "__path__", [*glue.transforms.__path__, str(package)])
    config = tmp_path / "connect-config"
    shutil.copytree(ROOT / "connect-config", config)
    chain = config / "transforms" / "prices.json"
    declared = json.loads(chain.read_text())
    declared["config"] |= json.loads(block("chain"))["config"]
    declared["tests"].append(json.loads(block("case")))
    chain.write_text(json.dumps(declared))
    monkeypatch.setenv("MXCTL_CONFIG_DIR", str(config))
    get_settings.cache_clear()
    yield chain
    sys.modules.pop(MODULE, None)
    get_settings.cache_clear()


def test_the_cases_pass_and_the_new_one_is_among_them(with_the_example: Path) -> None:
    done = CliRunner().invoke(transforms, ["test", "prices", "-o", "json"])
    assert done.exit_code == 0, done.output
    assert {"a costly price is marked"} <= {case["name"] for case in json.loads(done.output)}


def test_the_case_fails_without_the_transform(with_the_example: Path) -> None:
    declared = json.loads(with_the_example.read_text())
    declared["config"]["transforms.costly.from.price"] = "99999"
    with_the_example.write_text(json.dumps(declared))
    done = CliRunner().invoke(transforms, ["test", "prices"])
    assert done.exit_code == 1
    assert "FAIL prices: a costly price is marked" in done.output


def test_its_help_says_what_the_settings_mean(with_the_example: Path) -> None:
    done = CliRunner().invoke(transforms, ["describe", f"{MODULE}:MarkCostly"])
    assert done.exit_code == 0, done.output
    assert "from.price" in done.output and "The lowest price that is costly." in done.output


def test_a_wrong_setting_names_it(with_the_example: Path) -> None:
    declared = json.loads(with_the_example.read_text())
    declared["config"]["transforms.costly.from.price"] = "-1"
    with_the_example.write_text(json.dumps(declared))
    done = CliRunner().invoke(transforms, ["test", "prices"])
    assert done.exit_code != 0
    assert "from.price" in str(done.exception)
