"""docs/sources.md: every fault of every vendor is in its table, and the tests it names are there."""

from __future__ import annotations

import re
from pathlib import Path

from connectors.config import source_names
from glue.settings import Settings, project_root
from sandbox.faults import FAULTS, VENDORS

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "sources.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]
FILES = {path: path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py")}


def home(test: str) -> str:
    """The text of the file that defines ``test``."""
    found = [text for text in FILES.values() if f"def {test}(" in text]
    assert found, f"there is no {test}"
    return found[0]


def test_every_fault_of_every_vendor_is_reported() -> None:
    told = {(row[0].strip("`"), vendor) for row in ROWS if row[0].strip("`") in FAULTS for vendor in row[1].split(", ")}
    assert told == {(name, vendor) for name, (_, vendors) in FAULTS.items() for vendor in vendors or VENDORS}


def test_the_tests_that_are_named_are_there_and_switch_the_fault_on() -> None:
    for row in ROWS:
        for test in re.findall(r"`(test_\w+)`", row[-1]):
            name = row[0].strip("`")
            assert name not in FAULTS or name in home(test), f"{test} does not know {name}"


def test_every_source_is_told_with_its_credentials() -> None:
    for name in source_names(Settings(config_dir=project_root() / "connect-config")):
        (row,) = [row for row in ROWS if row[0] == f"`{name}`"]
        text = (project_root() / "connect-config" / "sources" / f"{name}.json").read_text()
        for variable in re.findall(r"\$\{env:(\w+)", text):
            assert f"`{variable}`" in row[-1] or f"`_{variable.split('_', 2)[2]}`" in row[-1], variable
