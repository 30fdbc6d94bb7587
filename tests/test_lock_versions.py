"""The lock is made on one Python and serves them all: what a package needs on another one is in it too."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = (Path(__file__).parents[1] / "requirements.lock").read_text(encoding="utf-8")
PINS = set(re.findall(r"^([a-z0-9][a-z0-9.-]*)==", LOCK, re.MULTILINE))


def wanted(package: str, version: str) -> set[str]:
    """What ``package`` needs on Linux with this Python, without its extras."""
    environment = {"python_full_version": version, "python_version": version.rpartition(".")[0], "extra": "",
                   "sys_platform": "linux", "platform_system": "Linux"}  # fmt: skip
    try:
        needs = [Requirement(one) for one in requires(package) or []]
    except PackageNotFoundError:  # for an extra that this environment does not have
        return set()
    return {canonicalize_name(one.name) for one in needs if one.marker is None or one.marker.evaluate(environment)}


@pytest.mark.parametrize("version", ["3.11.0", "3.11.14", "3.12.0", "3.13.0"])
def test_every_python_finds_what_its_packages_need(version: str) -> None:
    missing = {f"{package} needs {name}" for package in PINS for name in wanted(package, version) - PINS}
    assert missing == set()
